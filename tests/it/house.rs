//! The rules of the house: imports point one way, and each file says what it is for.
//!
//! It reads the sources as text. That is coarse, and enough: whoever gets around it does so on
//! purpose.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Fewer files than this mean that the walk went wrong.
const FILES_MIN: usize = 110;
/// The longest file, without its tests.
const LINES_MAX: usize = 400;
/// A file with fewer lines says what it is for by its name.
const HEAD_FROM: usize = 30;

/// Who may use whom, below itself. `main` stands for the binary.
const MAY_USE: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("lib", &[]),
    (
        "cli",
        &[
            "daemon", "web", "config", "store", "feed", "ayrshare", "sandbox", "http", "clock",
            "domain",
        ],
    ),
    ("web", &["daemon", "config", "store", "http", "clock", "domain"]),
    ("daemon", &["config", "store", "feed", "ayrshare", "http", "clock", "domain", "killpoint"]),
    ("config", &["domain"]),
    ("store", &["domain", "killpoint"]),
    ("feed", &["http", "clock", "domain"]),
    ("ayrshare", &["http", "clock", "domain"]),
    ("sandbox", &["http", "clock", "domain"]),
    ("http", &["clock", "domain"]),
    ("clock", &["domain"]),
    ("killpoint", &[]),
    ("domain", &[]),
];

/// Files that may be longer, each with its reason.
const LONG: &[(&str, &str)] = &[];

/// One source file.
struct Source {
    path: PathBuf,
    /// Below `src`, with slashes.
    name: String,
    text: String,
    /// Whether all of it is tests.
    is_test: bool,
}

impl Source {
    /// The module at the top that it belongs to.
    fn house(&self) -> &str {
        let first = self.name.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many modules deep it lies: `src/http.rs` and `src/store/mod.rs` are 1.
    fn depth(&self) -> usize {
        let parts = self.name.split('/').count();
        if self.name.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    /// The lines that are neither comments nor tests at the end of the file.
    fn code(&self) -> Vec<&str> {
        let lines: Vec<&str> = self.text.lines().collect();
        let inline_tests = lines.windows(2).position(|pair| {
            let [attribute, module] = pair else { return false };
            *attribute == "#[cfg(test)]" && module.starts_with("mod ") && module.ends_with('{')
        });
        let end = inline_tests.unwrap_or(lines.len());
        lines.into_iter().take(end).filter(|line| !line.trim_start().starts_with("//")).collect()
    }

    /// The modules at the top that its code names.
    fn uses(&self) -> Vec<String> {
        let code = self.code().join("\n");
        let mut found = Vec::new();
        for (at, _) in code.match_indices("crate::") {
            let rest = code.get(at + "crate::".len()..).unwrap_or_default();
            found.extend(first_names(rest));
        }
        // What climbs out of its own house by `super`.
        let climb = "super::".repeat(self.depth());
        for (at, _) in code.match_indices(&climb) {
            let rest = code.get(at + climb.len()..).unwrap_or_default();
            found.extend(first_names(rest).into_iter().filter(|name| is_house(name)));
        }
        found.retain(|name| name != self.house());
        found.sort();
        found.dedup();
        found
    }
}

fn is_house(name: &str) -> bool {
    MAY_USE.iter().any(|(house, _)| *house == name)
}

/// The first name of a path, or the first names of a group of paths.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| {
        text.trim().chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![name(path)];
    };
    let mut names = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(name(group.get(start..at).unwrap_or_default()));
                start = at + 1;
                if sign == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name: &String| !name.is_empty());
    names
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    assert!(files.len() >= FILES_MIN, "only {} files were found", files.len());
    files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).expect("below src").display().to_string();
            let is_test = name.ends_with("tests.rs") || name.contains("/tests/");
            let text = fs::read_to_string(&path).expect("read");
            Source { path, name, text, is_test }
        })
        .collect()
}

/// Fails with all that is wrong at once.
fn expect_none(rule: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{rule}:\n  {}", wrong.join("\n  "));
}

/// Whether a line uses a name that nothing precedes but a path or a sign.
fn names(line: &str, wanted: &str) -> bool {
    line.match_indices(wanted).any(|(at, _)| {
        let before = line.get(..at).and_then(|it| it.chars().next_back());
        !before.is_some_and(|sign| sign.is_alphanumeric() || sign == '_')
    })
}

/// The places in production code that name one of these, as `file: line`.
fn places(sources: &[Source], wanted: &[&str], may: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|it| !it.is_test && !may(&it.name)) {
        for line in source.code() {
            if wanted.iter().any(|name| names(line, name)) {
                found.push(format!("src/{}: {}", source.name, line.trim()));
            }
        }
    }
    found
}

#[test]
fn imports_point_one_way() {
    let may: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for source in sources().iter().filter(|it| !it.is_test) {
        let house = source.house();
        let allowed = may.get(house).unwrap_or_else(|| panic!("src/{house} has no rule"));
        let mut uses = source.uses();
        if house == "main" {
            uses.extend(source.text.match_indices("tidings::").flat_map(|(at, start)| {
                first_names(source.text.get(at + start.len()..).unwrap_or_default())
            }));
        }
        for used in uses {
            seen += 1;
            if !allowed.contains(&used.as_str()) {
                wrong.push(format!("src/{} uses {used}", source.name));
            }
        }
    }
    assert!(seen > 100, "only {seen} imports were found");
    expect_none("imports point one way", &wrong);
}

#[test]
fn the_rules_themselves_have_no_circle() {
    let mut placed: Vec<&str> = Vec::new();
    let mut left: Vec<_> = MAY_USE.to_vec();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|(house, below)| {
            let free = below.iter().all(|it| placed.contains(it));
            if free {
                placed.push(house);
            }
            !free
        });
        assert!(left.len() < before, "a circle among {left:?}");
    }
}

#[test]
fn imports_are_found_however_they_are_written() {
    let source = |name: &str, text: &str| Source {
        path: PathBuf::new(),
        name: name.to_owned(),
        text: text.to_owned(),
        is_test: false,
    };
    let text = "use crate::{clock::Clock, store::{self, lock::{A, B}}, http};\n\
        // crate::daemon in a comment\nfn f() { crate::feed::fetch(); super::web::x(); }\n\
        #[cfg(test)]\nmod tests {\n    use crate::cli;\n}\n";
    assert_eq!(source("config/mod.rs", text).uses(), ["clock", "feed", "http", "store", "web"]);
    assert_eq!(source("config/deep.rs", text).uses(), ["clock", "feed", "http", "store"]);
    assert!(names("let x = sqlx::query()", "sqlx::"));
    assert!(!names("my_sqlx::query()", "sqlx::"));
}

#[test]
fn the_domain_is_pure() {
    let banned = [
        "tokio",
        "reqwest",
        "sqlx",
        "tracing",
        "axum",
        "std::env",
        "std::fs",
        "std::io",
        "std::process",
        "std::thread",
        "std::time::Instant",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "ToSocketAddrs",
        "SystemTime",
        "Utc::now",
        "Local::now",
        "async",
    ];
    let sources = sources();
    let domain = sources.iter().filter(|it| it.house() == "domain").count();
    assert!(domain > 20, "only {domain} files in the domain");
    let wrong = places(&sources, &banned, |name| !name.starts_with("domain/"));
    expect_none("the domain knows no clock, no I/O, no environment, no log", &wrong);
}

#[test]
fn sql_stands_in_the_store_alone() {
    let wrong = places(&sources(), &["sqlx"], |name| name.starts_with("store/"));
    expect_none("sqlx is used in src/store only", &wrong);
}

#[test]
fn the_time_is_read_in_one_place() {
    let banned = ["Utc::now", "Local::now", "SystemTime", "Instant::now"];
    let wrong = places(&sources(), &banned, |name| name == "clock.rs");
    expect_none("the time is read in src/clock.rs only", &wrong);
}

#[test]
fn only_the_command_line_prints() {
    let banned = ["println!", "eprintln!", "print!", "eprint!", "dbg!", "stdout", "stderr"];
    // A command that is told of an alert has its output closed there.
    let may = ["killpoint.rs", "daemon/alerts/send.rs"];
    let wrong = places(&sources(), &banned, |name| name.starts_with("cli/") || may.contains(&name));
    expect_none("printing is for src/cli", &wrong);
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|it| !it.is_test) {
        let head: Vec<&str> =
            source.text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
        let head = head.join(" ");
        let long = source.text.lines().count() > HEAD_FROM;
        if head.is_empty() {
            wrong.push(format!("{}: begins without `//!`", source.path.display()));
        } else if long && !(head.contains("Promises") && head.contains("Must not")) {
            wrong.push(format!("{}: lacks Promises or Must not", source.path.display()));
        }
    }
    expect_none("a file opens with what it is for, what it promises and what it must not", &wrong);
}

#[test]
fn no_file_is_too_long() {
    let mut wrong = Vec::new();
    let mut excused = 0;
    for source in sources().iter().filter(|it| !it.is_test) {
        let lines = source.code().len();
        let excuse = LONG.iter().find(|(name, _)| *name == source.name);
        excused += usize::from(excuse.is_some());
        match excuse {
            None if lines > LINES_MAX => wrong.push(format!("src/{}: {lines} lines", source.name)),
            Some(_) if lines <= LINES_MAX => {
                wrong.push(format!("src/{}: needs no excuse any more", source.name));
            }
            None | Some(_) => {}
        }
    }
    assert_eq!(excused, LONG.len(), "an excuse names a file that is not there");
    expect_none("a file has at most 400 lines of code", &wrong);
}

#[test]
fn nothing_is_left_undone_or_silenced() {
    let banned = ["todo!", "unimplemented!", "#[allow", "#![allow"];
    let sources = sources();
    let mut wrong = Vec::new();
    for source in &sources {
        for line in source.text.lines() {
            let line = line.trim_start();
            let is_code = !line.starts_with("//");
            if is_code && banned.iter().any(|name| line.contains(name)) {
                wrong.push(format!("src/{}: {line}", source.name));
            }
        }
    }
    expect_none("no todo!, no unimplemented!, no #[allow]", &wrong);
}

#[test]
fn statements_are_never_put_together_from_text() {
    // sqlx takes only `&'static str`; these are its ways around that.
    let sources = sources();
    let found = places(&sources, &["AssertSqlSafe", "QueryBuilder", "SqlStr"], |_| false);
    expect_none("statements are fixed texts with bound values", &found);
}
