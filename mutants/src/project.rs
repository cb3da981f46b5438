//! The copy of the program in target/mutants, and its builds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Failure;
use crate::splice::File;

/// How often the compiler may refuse mutants before something else must be wrong.
const ROUNDS_MAX: u32 = 12;

/// What the copy's manifest has beyond the program's: its random tests run for long without optimisation.
const OWN: &str = "\n[workspace]\n[profile.dev.package.tidings]\nopt-level = 1\n";

/// The switch, put into the copy as a module of its own.
const SWITCH: &str = include_str!("switch.rs.txt");

pub(crate) struct Project {
    /// All files of the program, below its root.
    names: Vec<String>,
    /// Where the copy is.
    pub(crate) tree: PathBuf,
    /// Where it is built.
    target: PathBuf,
}

impl Project {
    /// Copies all that git knows, or would take.
    pub(crate) fn copy(root: &Path) -> Result<Self, Failure> {
        let listed = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()?;
        let names: Vec<String> = String::from_utf8(listed.stdout)?
            .lines()
            .filter(|name| root.join(name).is_file())
            .map(str::to_owned)
            .collect();
        let folder = root.join("target/mutants");
        let (tree, target) = (folder.join("tree"), folder.join("build"));
        if tree.exists() {
            fs::remove_dir_all(&tree)?;
        }
        for name in &names {
            let to = tree.join(name);
            fs::create_dir_all(to.parent().ok_or("a file without a folder")?)?;
            fs::copy(root.join(name), to)?;
        }
        let append = |name: &str, text: &str| -> Result<(), Failure> {
            let old = fs::read_to_string(tree.join(name))?;
            Ok(fs::write(tree.join(name), old + text)?)
        };
        append("Cargo.toml", OWN)?;
        append("src/lib.rs", "\nmod mutant;\n")?;
        fs::write(tree.join("src/mutant.rs"), SWITCH)?;
        Ok(Self { names, tree, target })
    }

    /// The sources under these paths, without tests.
    pub(crate) fn sources(&self, paths: &[String]) -> Result<Vec<String>, Failure> {
        let mut found: Vec<String> = Vec::new();
        for path in paths {
            let before = found.len();
            let under = |name: &&String| {
                *name == path || name.strip_prefix(path).is_some_and(|it| it.starts_with('/'))
            };
            let is_test = |name: &str| name.ends_with("/tests.rs") || name.contains("/tests/");
            found.extend(
                self.names
                    .iter()
                    .filter(under)
                    .filter(|name| name.ends_with(".rs") && !is_test(name))
                    .cloned(),
            );
            if found.len() == before {
                return Err(format!("{path} has no sources").into());
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Puts the mutants in and builds the tests beside the code; what the compiler refuses is taken out.
    pub(crate) fn build(&self, files: &mut [File], what: &str) -> Result<PathBuf, Failure> {
        for round in 1..=ROUNDS_MAX {
            for file in &mut *files {
                fs::write(self.tree.join(&file.name), file.mutated())?;
            }
            eprintln!("building the copy, round {round}");
            let told = self.cargo(&[what])?;
            if let Some(binary) = executable(&told) {
                return Ok(binary);
            }
            let mut refused = 0;
            for error in told.iter().filter_map(complaint) {
                let mut places = Vec::new();
                spans(error, &mut places);
                let hit = places.iter().any(|(name, range)| {
                    files.iter_mut().any(|file| file.name == *name && file.refuse(range))
                });
                if hit {
                    refused += 1;
                } else if let Some(text) = error.get("rendered").and_then(Value::as_str)
                    && !places.is_empty()
                {
                    return Err(format!("the copy does not build:\n{text}").into());
                }
            }
            if refused == 0 {
                return Err("the copy does not build".into());
            }
            eprintln!("the compiler refuses {refused} mutants");
        }
        Err("the compiler refuses mutants again and again".into())
    }

    /// Builds tests/it of the copy.
    pub(crate) fn build_stories(&self) -> Result<PathBuf, Failure> {
        let told = self.cargo(&["--test", "it"])?;
        Ok(executable(&told).ok_or("tests/it of the copy does not build")?)
    }

    fn cargo(&self, what: &[&str]) -> Result<Vec<Value>, Failure> {
        let done = Command::new(env!("CARGO"))
            .args(["test", "--locked", "--no-run", "--message-format=json"])
            .arg("--target-dir")
            .arg(&self.target)
            .args(what)
            .env("SQLX_OFFLINE", "true")
            .current_dir(&self.tree)
            .stderr(Stdio::null())
            .output()?;
        let lines = String::from_utf8(done.stdout)?;
        Ok(lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}

/// The test binary that a build told of, if it came to its end.
fn executable(told: &[Value]) -> Option<PathBuf> {
    let built = told.iter().any(|it| it.get("success") == Some(&Value::Bool(true)));
    let tests = |it: &&Value| it.pointer("/profile/test") == Some(&Value::Bool(true));
    let path = told.iter().filter(tests).filter_map(|it| it.get("executable")?.as_str()).last()?;
    built.then(|| PathBuf::from(path))
}

fn complaint(told: &Value) -> Option<&Value> {
    let message = told.get("message")?;
    (message.get("level")?.as_str()? == "error").then_some(message)
}

/// Where an error lies: its own places first, and those of the macros that brought it.
fn spans(error: &Value, found: &mut Vec<(String, std::ops::Range<usize>)>) {
    let list = error.get("spans").and_then(Value::as_array);
    let mut spans: Vec<&Value> = list.into_iter().flatten().collect();
    spans.sort_by_key(|span| span.get("is_primary") != Some(&Value::Bool(true)));
    for span in spans {
        let mut span = Some(span);
        while let Some(it) = span {
            let number = |key: &str| usize::try_from(it.get(key)?.as_u64()?).ok();
            let name = it.get("file_name").and_then(Value::as_str);
            if let (Some(name), Some(start), Some(end)) =
                (name, number("byte_start"), number("byte_end"))
            {
                found.push((name.to_owned(), start..end));
            }
            span = it.pointer("/expansion/span");
        }
    }
}
