//! A test binary: which tests reach which mutant, and what they say to it.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::project::Project;

/// The least time that tests are given.
const PATIENCE: Duration = Duration::from_secs(30);
/// Tests that reach a mutant are run in lots, the quickest first: each lot may take this long, in
/// seconds, as far as was measured, and the last one takes the rest.
const LOTS: [f64; 2] = [1.0, 10.0];
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
    /// Runs the tests without a mutant and writes down what they reach. They must pass.
    pub(crate) fn record(
        project: &Project,
        binary: PathBuf,
        filters: &[String],
    ) -> Result<Self, Failure> {
        let book = project.tree.join("reached.txt");
        if book.exists() {
            std::fs::remove_file(&book)?;
        }
        let mut child = test(&binary, &project.tree)
            .args(filters)
            .env("MUTANTS_BOOK", &book)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut took = HashMap::new();
        let mut failed = Vec::new();
        let mut last = Instant::now();
        for line in BufReader::new(child.stdout.take().ok_or("no output")?).lines() {
            let line = line?;
            if let Some((name, result)) =
                line.strip_prefix("test ").and_then(|line| line.split_once(" ... "))
            {
                took.insert(name.to_owned(), last.elapsed());
                last = Instant::now();
                if result == "FAILED" {
                    failed.push(name.to_owned());
                }
            }
        }
        if !child.wait()?.success() {
            return Err(format!("without a mutant these fail: {}", failed.join(", ")).into());
        }
        let mut reached: HashMap<u32, HashSet<String>> = HashMap::new();
        for line in std::fs::read_to_string(&book)?.lines() {
            let (id, name) = line.split_once(' ').ok_or("a line without a name")?;
            if took.contains_key(name) {
                reached.entry(id.parse()?).or_default().insert(name.to_owned());
            }
        }
        let reached = reached
            .into_iter()
            .map(|(id, names)| {
                let mut names: Vec<String> = names.into_iter().collect();
                names.sort_by_key(|name| took.get(name).copied());
                (id, names)
            })
            .collect();
        Ok(Self { binary, tree: project.tree.clone(), took, reached })
    }

    /// Shows a mutant to the tests that reach it, the quickest first.
    pub(crate) fn show(&self, id: u32) -> Seen {
        let Some(names) = self.reached.get(&id) else { return Seen::Unreached };
        let mut rest = names.as_slice();
        for most in LOTS.map(Duration::from_secs_f64).into_iter().chain([Duration::MAX]) {
            let mut sum = Duration::ZERO;
            let fits = |name: &&String| {
                sum = sum.saturating_add(self.took(name));
                sum <= most
            };
            let (lot, after) = rest.split_at(rest.iter().take_while(fits).count());
            rest = after;
            if lot.is_empty() {
                continue;
            }
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

fn test(binary: &Path, tree: &Path) -> Command {
    let mut command = Command::new(binary);
    command.arg("--test-threads=1").envs(ENVIRONMENT).current_dir(tree);
    command.stderr(Stdio::null());
    command
}
