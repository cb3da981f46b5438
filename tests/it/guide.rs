//! The guide in `docs/`, held to the program: its commands run, its configs load, its tables are whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tidings::config::secret::Secrets;
use tidings::config::{self, Environment};
use tidings::domain::breaker::Cause;
use tidings::domain::diagnosis::Fault;
use tidings::domain::post::State;
use tidings::sandbox::site::Site;
use tokio::net::TcpListener;

use super::cli::{Home, sandbox};
use super::readme::{assert_understood, blocks, called, chapter, rows, spans, text_of};

const PAGES: [&str; 5] = ["README.md", "start.md", "recipes.md", "errors.md", "operations.md"];

fn page(name: &str) -> String {
    text_of(&format!("docs/{name}"))
}

#[test]
fn every_page_is_known_and_every_command_of_it_is_understood() {
    let there: BTreeSet<String> = fs::read_dir("docs")
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| Path::new(name).extension().is_some_and(|it| it == "md"))
        .collect();
    for name in PAGES {
        assert!(there.contains(name), "{name}");
    }
    let mut seen = BTreeSet::new();
    for name in &there {
        let text = page(name);
        let mut typed: Vec<Vec<String>> = spans(&text).iter().filter_map(|it| called(it)).collect();
        if text.contains("```sh") {
            typed.extend(blocks(&text, "sh").iter().flat_map(|it| it.lines()).filter_map(called));
        }
        for words in typed {
            if !words.is_empty() && seen.insert(words.clone()) {
                assert_understood(&words);
            }
        }
    }
    assert!(seen.len() >= 25, "only {seen:?}");
}

/// The anchors of a page's headings.
fn anchors(text: &str) -> Vec<String> {
    let of = |line: &str| -> String {
        let kept = line.trim_start_matches('#').trim().to_lowercase();
        kept.chars()
            .filter(|sign| sign.is_alphanumeric() || matches!(sign, ' ' | '-'))
            .map(|sign| if sign == ' ' { '-' } else { sign })
            .collect()
    };
    text.lines().filter(|line| line.starts_with('#')).map(of).collect()
}

#[test]
fn every_link_of_the_guide_leads_somewhere() {
    let mut found = 0;
    for name in PAGES {
        let text = page(name);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = if file.is_empty() {
                PathBuf::from("docs").join(name)
            } else {
                Path::new("docs").join(file)
            };
            let target = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{name}: {link}"));
            assert!(
                anchor.is_empty() || anchors(&target).iter().any(|it| it == anchor),
                "{name}: {link}"
            );
            found += 1;
        }
    }
    assert!(found >= 10, "only {found}");
    assert!(text_of("README.md").contains("(docs/README.md)"), "README.md leads to the guide");
}

/// What the commands of a page read, in their order.
fn lines(name: &str) -> Vec<String> {
    blocks(&page(name), "sh").iter().flat_map(|it| it.lines()).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ten_minutes_go_as_they_are_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let site = Site::start(listener).expect("the site starts");
    let sandbox = sandbox().await;
    let mut home = Home::new()
        .with("TZ", "Europe/Vienna")
        .with("TIDINGS__FETCH__ALLOW_PRIVATE", r#"["127.0.0.0/8"]"#)
        .with("TIDINGS__FETCH__HOST_GAP", "0s")
        .with("TIDINGS__WEB__LISTEN", "")
        .with("TIDINGS__AYRSHARE__BASE_URL", &sandbox.url());
    let mut ran = 0;
    for line in lines("start.md") {
        // The shell reads the file that the person filled in.
        if line.contains("./tidings.env") {
            let names = fs::read_to_string(home.path("tidings.env")).expect("init made it");
            let names = names.lines().filter_map(|it| it.strip_suffix('=')).map(str::to_owned);
            home = names.fold(home, |home, name| home.with(&name, "a-value-of-the-person"));
            continue;
        }
        let words = called(&line).unwrap_or_else(|| panic!("{line} is no command of Tidings"));
        let site = site.url("");
        let mut args: Vec<&str> = words
            .iter()
            .map(|it| if it == "https://blog.example.com" { site.as_str() } else { it.as_str() })
            .collect();
        // The daemon stays; here it does one round.
        if args == ["run"] {
            args.push("--once");
        }
        let said = home.run(&args).await;
        said.expect(0);
        ran += 1;
    }
    assert!(ran >= 7, "only {ran}");
    assert_eq!(sandbox.read_books(|books| books.published().count()), 1);
}

#[test]
fn every_recipe_loads_without_a_warning_and_names_its_secrets() {
    let recipes = blocks(&page("recipes.md"), "toml");
    assert!(recipes.len() >= 4, "only {}", recipes.len());
    for text in recipes {
        let folder = tempfile::tempdir().expect("a folder");
        // What stands for Docker's secrets.
        let text = text.replace("/run/secrets", &folder.path().display().to_string());
        let path = folder.path().join("tidings.toml");
        fs::write(&path, &text).expect("written");
        let config = config::load(&path, &Environment::default())
            .unwrap_or_else(|complaints| panic!("{complaints}\n{text}"));
        assert_eq!(config.warnings, Vec::<String>::new(), "{text}");
        assert!(!config.feeds.is_empty());
        let quoted: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
        let mut environment = vec![("AYRSHARE_API_KEY".to_owned(), "value".to_owned())];
        for name in ["X_API_KEY", "X_API_SECRET"].iter().chain(&quoted) {
            if Path::new(name).starts_with(folder.path()) {
                fs::write(name, "value").expect("written");
            } else {
                environment.push(((*name).to_owned(), "value".to_owned()));
            }
        }
        Secrets::read(&config, &environment.into_iter().collect()).expect("all secrets are named");
    }
}

#[test]
fn every_stop_every_fault_and_every_state_has_its_remedy() {
    let errors = page("errors.md");
    let stops = rows(chapter(&errors, "Stops"));
    let told: Vec<(String, String)> = stops
        .iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), row.last().expect("a remedy").clone()))
        .collect();
    let causes: Vec<(String, String)> = Cause::ALL
        .iter()
        .map(|cause| (cause.sentence().to_owned(), cause.remedy().to_owned()))
        .collect();
    assert_eq!(told, causes);
    let faults = rows(chapter(&errors, "What the doctor finds"));
    let told: Vec<[String; 3]> = faults
        .into_iter()
        .map(|row| row.try_into().expect("three columns"))
        .map(|[name, means, todo]: [String; 3]| [name.trim_matches('`').to_owned(), means, todo])
        .collect();
    let known: Vec<[String; 3]> = Fault::ALL
        .iter()
        .map(|it| [it.name().to_owned(), it.sentence().to_owned(), it.steps().join("; ")])
        .collect();
    assert_eq!(told, known);
    let states = rows(chapter(&errors, "What becomes of a post"));
    let told: BTreeSet<&str> = states.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(told, State::ALL.iter().map(|it| it.word()).collect());
    let health = text_of("src/daemon/spoken.rs");
    for row in rows(chapter(&errors, "Feeds")) {
        assert!(health.contains(&row[0].replace('`', "\"")), "no feed is {}", row[0]);
    }
    let said: String =
        ["src/store/lock.rs", "src/daemon/run.rs", "src/store/mod.rs"].map(text_of).concat();
    for row in rows(chapter(&errors, "Starting and stopping")) {
        for quoted in spans(&row[0]) {
            assert!(said.contains(&quoted), "nothing says {quoted:?}");
        }
    }
}

#[test]
fn every_kind_of_complaint_is_explained() {
    let errors = page("errors.md");
    let table = rows(chapter(&errors, "Complaints about the config"));
    let kinds: Vec<String> = table.iter().flat_map(|row| spans(&row[0])).collect();
    let mut used = BTreeSet::new();
    let mut unexplained = Vec::new();
    let mut complaints = 0;
    for entry in fs::read_dir("tests/data/config/invalid").expect("the folder") {
        let path = entry.expect("an entry").path();
        let Err(all) = config::load(&path, &Environment::default()) else {
            panic!("{} loads", path.display());
        };
        for complaint in all.iter() {
            complaints += 1;
            let met: Vec<&String> =
                kinds.iter().filter(|kind| complaint.what.contains(*kind)).collect();
            if met.is_empty() {
                unexplained.push(complaint.what.clone());
            }
            used.extend(met);
        }
    }
    assert!(complaints > 150, "only {complaints}");
    assert_eq!(unexplained, Vec::<String>::new(), "docs/errors.md does not explain these");
    assert!(used.len() > 30, "most kinds are met: {used:?}");
}
