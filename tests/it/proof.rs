//! What `docs/reliability.md` and `SECURITY.md` name is there: tests, commands, options, files.

use std::fs;
use std::path::{Path, PathBuf};

const PAGES: [&str; 2] = ["docs/reliability.md", "SECURITY.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect(name)
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

/// All sources of the program and its tests, as one text.
fn sources(folders: &[&str]) -> String {
    let mut files = Vec::new();
    for folder in folders {
        walk(&root().join(folder), &mut files);
    }
    assert!(!files.is_empty(), "no sources in {folders:?}");
    files.iter().map(|file| fs::read_to_string(file).expect("a source")).collect()
}

/// What stands between single backticks.
fn spans(text: &str) -> Vec<&str> {
    let prose: Vec<&str> = text.split("```").step_by(2).collect();
    prose.iter().flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// The lines of the blocks of commands.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).filter(|line| !line.trim().is_empty()).collect()
}

#[test]
fn every_test_that_is_named_exists() {
    let sources = sources(&["src", "tests"]);
    let mut seen = 0;
    for name in PAGES {
        let text = page(name);
        for span in spans(&text).into_iter().filter(|span| span.contains("::")) {
            let last = span.rsplit("::").next().unwrap_or_default();
            assert!(sources.contains(&format!("fn {last}(")), "{name} names {span}");
            seen += 1;
        }
    }
    assert!(seen > 40, "only {seen} tests are named");
}

#[test]
fn every_command_that_is_named_can_be_typed() {
    let tests = sources(&["tests"]);
    let torture = sources(&["tests/torture"]);
    let alias = page(".cargo/config.toml");
    let mut seen = 0;
    for name in PAGES {
        let text = page(name);
        for line in commands(&text) {
            let words: Vec<&str> =
                line.split_whitespace().skip_while(|it| it.contains('=')).collect();
            seen += 1;
            match words.as_slice() {
                ["cargo", "torture", what, options @ ..] => {
                    assert!(alias.contains("torture ="), "{line}");
                    assert!(torture.contains(&format!("{what}::Args")), "{name}: {line}");
                    for option in options.iter().filter_map(|it| it.strip_prefix("--")) {
                        let field = format!("{}:", option.replace('-', "_"));
                        assert!(torture.contains(&field), "{name}: {line}");
                    }
                }
                ["cargo", "test", options @ ..] => {
                    let filter = options.iter().rfind(|it| !it.starts_with('-') && **it != "it");
                    for part in
                        filter.iter().flat_map(|it| it.split("::")).filter(|it| !it.is_empty())
                    {
                        let named = [format!("mod {part};"), format!("fn {part}")];
                        assert!(named.iter().any(|it| tests.contains(it)), "{name}: {line}");
                    }
                }
                ["cargo", "mutate", words @ ..] => {
                    assert!(alias.contains("mutate ="), "{line}");
                    let help = page("mutants/src/main.rs");
                    for word in words.iter().filter(|it| !it.ends_with("::")) {
                        let is_known = if word.starts_with("--") {
                            help.contains(&format!("  {word} "))
                        } else {
                            root().join(word).exists()
                        };
                        assert!(is_known, "{name}: {line}: {word}");
                    }
                }
                ["cargo", "+nightly", "fuzz", "run", target, _, seeds, "--", ..] => {
                    let target = format!("fuzz/fuzz_targets/{target}.rs");
                    assert!(root().join(&target).exists(), "{name}: {line}");
                    assert!(root().join(seeds).is_dir(), "{name}: {line}");
                }
                ["bash", ".ci/run"]
                | ["mkdir", "-p", "fuzz/corpus/compose"]
                | ["cargo", "deny" | "clippy", ..] => {}
                other => panic!("{name}: nobody knows {other:?}"),
            }
        }
    }
    assert!(seen >= 6, "only {seen} commands are named");
}

#[test]
fn the_unit_writes_no_core_file() {
    let unit = page("systemd/tidings.service");
    assert!(unit.lines().any(|line| line == "LimitCORE=0"), "a core file would hold the secrets");
}
