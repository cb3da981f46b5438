//! A test binary: which tests reach which mutant, and what they say to it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::project::Project;

/// The least time that tests are given.
const PATIENCE: Duration = Duration::from_secs(30);
/// Tests that reach a mutant are run in lots, the quickest first: each lot may take this long, in
/// seconds, as far as was measured, and holds one at least. What none of these tests notices is said to survive.
const LOTS: [f64; 3] = [1.0, 8.0, 30.0];
/// What `timeout` and the end by a signal give.
const TOO_LONG: [i32; 2] = [124, 137];

/// What the tests that reach a mutant said to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// One failed: it is caught.
    Failed,
    /// They did not come to an end: it is caught, too.
    TooLong,
    /// All passed.
    Passed,
    /// There are none.
    Unreached,
}

pub(crate) struct Suite {
    binary: PathBuf,
    tree: PathBuf,
    took: HashMap<String, Duration>,
    reached: HashMap<u32, Vec<String>>,
}

impl Suite {
    /// Runs the tests without a mutant, each in a process of its own, and writes down what it and the
    /// processes that it starts reach. In one process for all of them the next test would begin while the book
    /// is read, and what it reaches would be written down for the one before. A test that fails as it is can notice
    /// nothing, and is left out.
    pub(crate) fn record(
        project: &Project,
        binary: PathBuf,
        filters: &[String],
    ) -> Result<Self, Failure> {
        let book = project.tree.join("reached.txt");
        let listed =
            Command::new(&binary).args(["--list", "--format=terse"]).args(filters).output()?;
        if !listed.status.success() {
            return Err(format!("{} does not list its tests", binary.display()).into());
        }
        let listed = String::from_utf8(listed.stdout)?;
        let mut took = HashMap::new();
        let mut reached: HashMap<u32, Vec<String>> = HashMap::new();
        for name in listed.lines().filter_map(|line| line.strip_suffix(": test")) {
            fs::write(&book, "")?;
            let begun = Instant::now();
            let status = Command::new(&binary)
                .args(["--test-threads=1", "--exact", name])
                .envs(ENVIRONMENT)
                .env("MUTANTS_BOOK", &book)
                .current_dir(&project.tree)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            took.insert(name.to_owned(), begun.elapsed());
            if !status.success() {
                eprintln!("fails without a mutant, and is left out: {name}");
                continue;
            }
            let written = fs::read_to_string(&book)?;
            let ids: HashSet<u32> = written.lines().filter_map(|id| id.parse().ok()).collect();
            for id in ids {
                reached.entry(id).or_default().push(name.to_owned());
            }
        }
        for names in reached.values_mut() {
            names.sort_by_key(|name| took.get(name).copied());
        }
        Ok(Self { binary, tree: project.tree.clone(), took, reached })
    }

    /// Shows a mutant to the tests that reach it, the quickest first.
    pub(crate) fn show(&self, id: u32) -> Seen {
        let Some(names) = self.reached.get(&id) else { return Seen::Unreached };
        let mut rest = names.as_slice();
        for most in LOTS.map(Duration::from_secs_f64) {
            let mut sum = Duration::ZERO;
            let fits = |name: &&String| {
                sum = sum.saturating_add(self.took(name));
                sum <= most
            };
            let lot = rest.iter().take_while(fits).count().max(1);
            let Some((lot, after)) = rest.split_at_checked(lot) else { break };
            rest = after;
            let seen = self.run(id, lot);
            if seen != Seen::Passed {
                return seen;
            }
        }
        Seen::Passed
    }

    fn took(&self, name: &str) -> Duration {
        self.took.get(name).copied().unwrap_or_default()
    }

    fn run(&self, id: u32, names: &[String]) -> Seen {
        let usual: Duration = names.iter().map(|name| self.took(name)).sum();
        let limit = PATIENCE + usual * 5;
        // A mutant that takes memory without end is ended by the limit, in KiB.
        let status = Command::new("timeout")
            .args(["--signal=KILL", &limit.as_secs().to_string(), "sh", "-c"])
            .arg("ulimit -v 8000000; exec \"$0\" \"$@\"")
            .arg(&self.binary)
            .args(["--test-threads=1", "--exact"])
            .args(names)
            .envs(ENVIRONMENT)
            .env("MUTANT_ON", id.to_string())
            .current_dir(&self.tree)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match status {
            Ok(status) if status.success() => Seen::Passed,
            Ok(status) if status.code().is_none_or(|it| TOO_LONG.contains(&it)) => Seen::TooLong,
            Ok(_) | Err(_) => Seen::Failed,
        }
    }
}

/// The same random cases each time, nothing written beside the tests, no search for the smallest case.
const ENVIRONMENT: [(&str, &str); 5] = [
    ("PROPTEST_RNG_SEED", "2026"),
    ("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true"),
    ("PROPTEST_MAX_SHRINK_ITERS", "0"),
    ("INSTA_UPDATE", "no"),
    ("RUST_BACKTRACE", "0"),
];
