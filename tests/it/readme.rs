//! What people read and install, held to the program: README.md, ARCHITECTURE.md, the config
//! example, the unit, the container files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use tidings::config::secret::Secrets;
use tidings::config::{Config, Environment, load};
use tidings::daemon::run::GRACE;
use tidings::domain::breaker::Cause;
use tidings::domain::cost::Usd;
use tidings::domain::post::State;

/// Where the unit and the image have the program.
const INSTALLED: &str = "/usr/local/bin/tidings";
/// The names of the secrets when the config says nothing.
const SECRETS: [&str; 3] = ["AYRSHARE_API_KEY", "X_API_KEY", "X_API_SECRET"];

pub(crate) fn text_of(path: &str) -> String {
    fs::read_to_string(path).expect(path)
}

fn tidings(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidings")).args(args).output().expect("the program runs")
}

/// The blocks of code of one language.
pub(crate) fn blocks(markdown: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<(bool, String)> = None;
    for line in markdown.lines() {
        if let Some(fence) = line.strip_prefix("```") {
            match block.take() {
                None => block = Some((fence == language, String::new())),
                Some((true, text)) => blocks.push(text),
                Some((false, _)) => {}
            }
        } else if let Some((_, text)) = &mut block {
            text.push_str(line);
            text.push('\n');
        }
    }
    assert!(block.is_none(), "a block of code is not closed");
    assert!(!blocks.is_empty(), "no block of {language}");
    blocks
}

/// The text between single backticks, outside of blocks.
pub(crate) fn spans(markdown: &str) -> Vec<String> {
    let mut inside = false;
    let mut spans = Vec::new();
    for line in markdown.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if !inside {
            spans.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    spans
}

/// The part of a text under one heading.
pub(crate) fn chapter<'a>(markdown: &'a str, heading: &str) -> &'a str {
    let start = format!("\n## {heading}\n");
    let (_, rest) = markdown.split_once(&start).expect(heading);
    rest.split("\n## ").next().unwrap_or(rest)
}

/// The cells of each row of a table, without head and rule.
pub(crate) fn rows(markdown: &str) -> Vec<Vec<String>> {
    let rows: Vec<Vec<String>> = markdown
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert!(!rows.is_empty(), "no table");
    rows
}

/// What stands behind `tidings` in a line of a shell, if the line calls it.
pub(crate) fn called(line: &str) -> Option<Vec<String>> {
    let line = line.split(" #").next().unwrap_or(line);
    let line = line.strip_prefix("docker compose exec tidings ").unwrap_or(line);
    let is_prefix = |word: &&str| *word == "sudo" || word.contains('=');
    let mut words = line.split_whitespace().skip_while(is_prefix);
    (words.next() == Some("tidings")).then(|| words.map(str::to_owned).collect())
}

/// Asks the program for help on what was typed: commands and options must be there.
pub(crate) fn assert_understood(typed: &[String]) {
    let mut words = typed.iter().map(String::as_str).peekable();
    let mut command = Vec::new();
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        if word.starts_with("--") {
            options.push(word);
            if word == "--config" {
                words.next();
            }
        } else if !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
            command.push(word);
        }
    }
    // The second word is a command only of these.
    let depth = if matches!(command.first(), Some(&("queue" | "feeds" | "alerts" | "web"))) {
        2
    } else {
        1
    };
    command.truncate(depth);
    command.push("--help");
    let help = tidings(&command);
    assert!(help.status.success(), "`tidings {}` is not understood", typed.join(" "));
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for option in options {
        assert!(help.contains(option), "`tidings {}` has no {option}", typed.join(" "));
    }
}

#[test]
fn every_command_that_is_named_exists() {
    let mut seen = BTreeSet::new();
    for path in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "config.example.toml"] {
        let text = text_of(path);
        let mut typed: Vec<Vec<String>> = spans(&text).iter().filter_map(|it| called(it)).collect();
        if path == "README.md" {
            typed.extend(blocks(&text, "sh").iter().flat_map(|it| it.lines()).filter_map(called));
        }
        for words in typed {
            if !words.is_empty() && seen.insert(words.clone()) {
                assert_understood(&words);
            }
        }
    }
    assert!(seen.len() >= 20, "only {seen:?}");
}

#[test]
fn every_command_that_exists_is_named() {
    let readme = text_of("README.md");
    let table: Vec<String> = rows(chapter(&readme, "Commands"))
        .into_iter()
        .filter_map(|row| row.first().cloned())
        .collect();
    let commands_of = |args: &[&str]| -> Vec<String> {
        let help = String::from_utf8(tidings(args).stdout).expect("text");
        let list = help.split("Commands:\n").nth(1).expect("a list").split("\n\n").next();
        list.unwrap_or_default()
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.split_once(' '))
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, _)| name.to_owned())
            .collect()
    };
    let top = commands_of(&["--help"]);
    assert!(top.len() >= 10, "{top:?}");
    for name in top {
        let names = if matches!(name.as_str(), "queue" | "feeds" | "alerts" | "web") {
            let inner = commands_of(&[&name, "--help"]);
            inner.into_iter().map(|inner| format!("`tidings {name} {inner}`")).collect()
        } else {
            vec![format!("`tidings {name}`")]
        };
        for name in names {
            assert!(table.contains(&name), "README.md's table has no {name}");
        }
    }
}

/// Loads a config as README.md shows it.
fn shown_config(text: &str) -> Config {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tidings.toml");
    fs::write(&path, text).expect("written");
    load(&path, &Environment::default()).expect("the config that README.md shows loads")
}

#[test]
fn the_configs_that_are_shown_load_and_need_the_secrets_that_are_shown() {
    let readme = text_of("README.md");
    let shown = blocks(&readme, "toml");
    let smallest = shown_config(shown.first().expect("one"));
    assert_eq!(smallest.warnings, Vec::<String>::new());
    let whole = shown_config(&shown.join("\n"));
    assert_eq!(whole.store.path, Path::new("/var/lib/tidings/tidings.db"));
    let file =
        blocks(&readme, "sh").into_iter().find(|block| block.starts_with("AYRSHARE_API_KEY"));
    let environment: Environment =
        file.expect("tidings.env").lines().filter_map(|line| line.split_once('=')).collect();
    assert_eq!(environment.iter().count(), SECRETS.len());
    Secrets::read(&smallest, &environment).expect("the secrets that README.md shows are all");
}

#[test]
fn the_prices_and_the_cap_that_are_told_are_the_defaults() {
    let readme = text_of("README.md");
    let config = shown_config("[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n");
    assert!(readme.contains("**$0.200 with a link, $0.015 without**"));
    assert_eq!(config.prices.post_with_link, Usd::from_micros(200_000));
    assert_eq!(config.prices.post, Usd::from_micros(15_000));
    assert!(readme.contains("50 a day, the default cap"));
    assert!(text_of("config.example.toml").contains("# max_per_day = 50\n"));
}

/// The keys of each section of the example, also those behind a `#`.
fn example_keys() -> BTreeMap<String, BTreeSet<String>> {
    let mut sections: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut section = String::new();
    for line in text_of("config.example.toml").lines() {
        let bare = line.trim_start_matches(['#', ' ']);
        // The one section that stands only behind a `#`, since nobody can be told by default.
        if line.starts_with('[') || bare == "[[alert]]" {
            bare.trim_matches(['[', ']']).clone_into(&mut section);
        } else if let Some((key, _)) = line.trim_start_matches("# ").split_once('=') {
            let key = key.trim();
            if !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                sections.entry(section.clone()).or_default().insert(key.to_owned());
            }
        }
    }
    sections
}

#[test]
fn the_table_of_the_config_has_the_keys_that_there_are() {
    let readme = text_of("README.md");
    let example = example_keys();
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows(chapter(&readme, "Config")) {
        let [sections, keys] = row.as_slice() else { panic!("two columns: {row:?}") };
        for section in spans(sections) {
            let section = section.trim_matches(['[', ']']).to_owned();
            told.entry(section).or_default().extend(spans(keys));
        }
    }
    for (section, keys) in &told {
        if section.starts_with("defaults.") {
            continue;
        }
        let mut there = example.get(section).expect(section).clone();
        there.remove("name");
        assert_eq!(*keys, there, "[{section}]");
    }
    for key in example.get("").into_iter().flatten() {
        assert!(chapter(&readme, "Config").contains(&format!("`{key} = ")), "{key}");
    }
    let untold =
        example.keys().filter(|section| !section.is_empty() && !told.contains_key(*section));
    assert_eq!(untold.collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn every_variable_that_is_named_sets_a_key() {
    let example = example_keys();
    let mut found = 0;
    for path in ["README.md", "config.example.toml"] {
        let text = text_of(path);
        for word in text.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_')) {
            let Some(name) = word.strip_prefix("TIDINGS__") else { continue };
            let name = name.to_lowercase();
            let (section, key) = name.rsplit_once("__").expect("a section and a key");
            let section = section.rsplit("__").next().unwrap_or(section);
            assert!(example.get(section).is_some_and(|keys| keys.contains(key)), "{path}: {word}");
            found += 1;
        }
    }
    assert!(found >= 4, "only {found}");
}

#[test]
fn every_file_that_is_named_exists() {
    let mut found = 0;
    for path in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        let text = text_of(path);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let linked = links.filter(|link| !link.starts_with('#') && !link.contains("://"));
        let roots = ["src/", "tests/", "systemd/", "migrations/", ".ci/", ".sqlx/"];
        let spans = spans(&text);
        let spanned = spans
            .iter()
            .map(String::as_str)
            .filter(|span| roots.iter().any(|root| span.starts_with(root)) && !span.contains(' '));
        for name in linked.chain(spanned) {
            assert!(Path::new(name).exists(), "{path} names {name}");
            found += 1;
        }
    }
    assert!(found >= 30, "only {found}");
}

#[test]
fn every_link_inside_a_page_has_its_heading() {
    for path in ["README.md", "ARCHITECTURE.md"] {
        let text = text_of(path);
        let anchors: Vec<String> = text
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| {
                let kept = line.trim_start_matches('#').trim().to_lowercase();
                kept.chars()
                    .filter(|sign| sign.is_alphanumeric() || matches!(sign, ' ' | '-'))
                    .map(|sign| if sign == ' ' { '-' } else { sign })
                    .collect()
            })
            .collect();
        for link in text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(anchors.iter().any(|anchor| anchor == link), "{path}: no heading for #{link}");
        }
    }
}

/// What the table of troubles quotes, the program says.
#[test]
fn the_words_of_the_table_of_troubles_are_the_programs() {
    let readme = text_of("README.md");
    let mut said: Vec<String> = Cause::ALL.iter().map(|it| it.sentence().to_owned()).collect();
    said.extend(State::ALL.iter().map(|it| it.word().to_owned()));
    for source in [
        "src/daemon/run.rs",
        "src/store/lock.rs",
        "src/daemon/spoken.rs",
        "src/cli/delete.rs",
        "src/cli/corrections.rs",
    ] {
        said.push(text_of(source));
    }
    let mut found = 0;
    for row in rows(chapter(&readme, "When things go wrong")) {
        for quoted in spans(row.first().expect("a first column")) {
            assert!(said.iter().any(|text| text.contains(&quoted)), "nothing says {quoted:?}");
            found += 1;
        }
    }
    assert!(found >= 10, "only {found}");
}

/// The commands that `.ci/run` takes from README.md.
#[test]
fn the_two_commands_that_always_work_stand_alone_in_their_blocks() {
    let blocks = blocks(&text_of("README.md"), "sh");
    for command in ["cargo run --release -- demo\n", "cargo test --locked\n"] {
        assert_eq!(blocks.iter().filter(|block| *block == command).count(), 1, "{command}");
    }
}

/// A folder with one file for each secret.
fn folder_of_secrets() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in SECRETS {
        fs::write(folder.path().join(name), "value\n").expect("written");
    }
    folder
}

/// The values of a key in the unit.
fn settings<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let is_key = |line: &&str| line.split_once('=').is_some_and(|(name, _)| name == key);
    unit.lines().filter(is_key).filter_map(|line| Some(line.split_once('=')?.1)).collect()
}

fn setting<'a>(unit: &'a str, key: &str) -> &'a str {
    let [value] = settings(unit, key).try_into().expect(key);
    value
}

#[test]
fn the_unit_starts_the_program_with_the_secrets_it_needs_and_lets_it_drain() {
    let unit = text_of("systemd/tidings.service");
    let start: Vec<String> =
        setting(&unit, "ExecStart").split_whitespace().map(str::to_owned).collect();
    let (program, args) = start.split_first().expect("a program");
    assert_eq!(program, INSTALLED);
    assert_understood(args);
    assert_eq!(setting(&unit, "Type"), "notify");
    assert_eq!(setting(&unit, "StateDirectory"), "tidings");
    let credentials = settings(&unit, "LoadCredential");
    let names: Vec<&str> =
        credentials.iter().filter_map(|it| Some(it.split_once(':')?.0)).collect();
    assert_eq!(names, SECRETS);
    let grace: u64 = setting(&unit, "TimeoutStopSec").parse().expect("seconds");
    assert!(Duration::from_secs(grace) > GRACE + Duration::from_secs(5));
    let smallest = shown_config(blocks(&text_of("README.md"), "toml").first().expect("one"));
    let folder = folder_of_secrets();
    let environment = [("CREDENTIALS_DIRECTORY", folder.path().display().to_string())];
    Secrets::read(&smallest, &environment.into_iter().collect()).expect("the unit's are all");
}

/// A line of the Dockerfile that holds a list of words behind a keyword.
fn words_behind(dockerfile: &str, keyword: &str) -> Vec<String> {
    let line = dockerfile.lines().map(str::trim).filter(|line| line.starts_with(keyword));
    let [line] = line.collect::<Vec<_>>().try_into().expect(keyword);
    serde_json::from_str(line.trim_start_matches(keyword)).expect("a list of words")
}

#[test]
fn the_image_starts_the_program_and_asks_it_how_it_is() {
    let dockerfile = text_of("Dockerfile");
    assert_eq!(words_behind(&dockerfile, "ENTRYPOINT "), [INSTALLED]);
    let copied = format!("COPY --from=build /src/target/release/tidings {INSTALLED}\n");
    assert!(dockerfile.contains(&copied));
    let health = "CMD [\"/usr/local/bin/tidings\", \"health\"";
    let probe = dockerfile.lines().map(str::trim).find(|line| line.starts_with(health));
    let probe: Vec<String> =
        serde_json::from_str(probe.expect("a probe").trim_start_matches("CMD ")).expect("words");
    assert_understood(probe.get(1..).expect("arguments"));
    let run = dockerfile.lines().find(|line| line.starts_with("CMD [\"run\"")).expect("arguments");
    let run: Vec<String> = serde_json::from_str(run.trim_start_matches("CMD ")).expect("words");
    assert_understood(&run);
    for folder in ["src", "migrations", ".sqlx", "tests/it", "Cargo.toml", "Cargo.lock"] {
        assert!(text_of(".dockerignore").contains(&format!("!{folder}\n")), "{folder}");
    }
}

#[test]
fn compose_gives_the_secrets_as_files_and_lets_it_drain() {
    let compose = text_of("compose.yaml");
    let folder = folder_of_secrets();
    let environment: Environment = compose
        .lines()
        .filter_map(|line| line.trim().split_once(": /run/secrets/"))
        .map(|(name, file)| (name.to_owned(), folder.path().join(file).display().to_string()))
        .collect();
    assert_eq!(environment.iter().count(), SECRETS.len());
    let smallest = shown_config(blocks(&text_of("README.md"), "toml").first().expect("one"));
    Secrets::read(&smallest, &environment).expect("the files are all");
    let grace = compose.split("stop_grace_period: ").nth(1).and_then(|rest| rest.split('s').next());
    let grace: u64 = grace.expect("a time").parse().expect("seconds");
    assert!(Duration::from_secs(grace) > GRACE + Duration::from_secs(5));
}

/// Everything that a build reads, by what the sources and the manifest name.
fn read_by_a_build() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut read: BTreeSet<String> =
        [".cargo", ".sqlx", "Cargo.lock", "Cargo.toml", "migrations", "src", "templates"]
            .map(str::to_owned)
            .into();
    let manifest = text_of("Cargo.toml");
    read.extend(manifest.lines().filter_map(|line| {
        let path = line.strip_prefix("path = \"")?.strip_suffix('"')?;
        Some(path.rsplit_once('/')?.0.to_owned())
    }));
    read.extend(manifest.contains("[[bench]]").then(|| "benches".to_owned()));
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(text) = fs::read_to_string(&path) else { continue };
            for macro_name in ["include_str!(\"", "include_bytes!(\""] {
                let named =
                    text.split(macro_name).skip(1).filter_map(|rest| rest.split('"').next());
                read.extend(named.map(|file| {
                    let file = fs::canonicalize(folder.join(file)).expect(file);
                    let file = file.strip_prefix(fs::canonicalize(root).expect("here"));
                    file.expect("in the project").display().to_string()
                }));
            }
        }
    }
    read
}

#[test]
fn what_a_build_reads_goes_to_the_builder_of_the_image() {
    let rules = text_of(".dockerignore");
    let let_in: Vec<&str> = rules.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let read = read_by_a_build();
    assert!(read.len() > 12, "{read:?}");
    let kept_out: Vec<&String> = read
        .iter()
        .filter(|file| !let_in.iter().any(|rule| Path::new(file).starts_with(rule)))
        .collect();
    assert_eq!(kept_out, [""; 0], "the build of the image would not find these");
}
