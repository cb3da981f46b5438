//! What a set-up has to know: from flags, from questions, or by default.
//!
//! Promises: without a terminal nothing is asked, and all that is missing is told at once with the
//! flag that gives it. Must not: look at an address or a file's content.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use chrono_tz::Tz;
use url::Url;

use super::InitArgs;
use super::asking::Asker;
use crate::cli::feeds::address;
use crate::config::{Environment, zone_here};
use crate::domain::breaker::X;

/// What X may cost a month unless somebody says otherwise, in US dollars.
const BUDGET: &str = "20";
/// The name of the one profile.
const PROFILE: &str = "main";

/// Where feeds come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A feed, or a site whose feed is looked for.
    Address(Url),
    /// An OPML file.
    List(PathBuf),
    /// What Ayrshare answered to `GET /feed`, in a file.
    Ayrshare(PathBuf),
}

/// All that is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) sources: Vec<Source>,
    pub(super) profile: String,
    pub(super) platforms: Vec<String>,
    pub(super) zone: Tz,
    /// US dollars a month, as typed; `None` for no limit, and where X is not among the networks.
    pub(super) budget: Option<String>,
}

impl Answers {
    /// Whether the X keys are needed.
    pub(super) fn with_x(&self) -> bool {
        self.platforms.iter().any(|it| it == X)
    }
}

/// An existing file is a list; everything else is an address.
fn source(typed: &str) -> Result<Source, String> {
    if typed.is_empty() {
        return Err("give the address of your site or feed".to_owned());
    }
    let path = Path::new(typed);
    if path.is_file() {
        return Ok(Source::List(path.to_owned()));
    }
    if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("opml")) && !typed.contains("://")
    {
        return Err(format!("there is no file {typed}"));
    }
    address(typed).map(Source::Address).map_err(|why| format!("{typed} can't be used: {why}"))
}

fn zone(typed: &str) -> Result<Tz, String> {
    Tz::from_str(typed)
        .map_err(|_| format!("{typed:?} is no time zone: give a name such as Europe/Berlin"))
}

/// The sum as it is written into the config; `None` for no limit.
fn budget(typed: &str) -> Result<Option<String>, String> {
    let usd: f64 = typed
        .trim_start_matches('$')
        .parse()
        .ok()
        .filter(|usd: &f64| usd.is_finite() && (0.0..=1_000_000.0).contains(usd))
        .ok_or_else(|| format!("{typed:?} is no sum: give US dollars such as 20, or 0 for none"))?;
    Ok((usd > 0.0).then(|| format!("{usd:?}")))
}

fn names(typed: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = typed
        .split([',', ' ', ';'])
        .filter(|it| !it.is_empty())
        .map(|it| if it.eq_ignore_ascii_case("x") { X.to_owned() } else { it.to_lowercase() })
        .collect();
    if names.is_empty() { Err("name at least one network".to_owned()) } else { Ok(names) }
}

/// Everything that flags and defaults give; the complaints where that is not enough.
fn given(args: &InitArgs, here: Option<Tz>) -> Result<Answers, Vec<String>> {
    let mut missing = Vec::new();
    let mut sources = Vec::new();
    for typed in &args.sources {
        match source(typed) {
            Ok(source) => sources.push(source),
            Err(why) => missing.push(why),
        }
    }
    sources.extend(args.ayrshare.clone().map(Source::Ayrshare));
    if sources.is_empty() && missing.is_empty() {
        missing.push(
            "no feed is named: give the address of a site or feed, an OPML file, or --ayrshare FILE"
                .to_owned(),
        );
    }
    let zone = match args.time_zone.as_deref().map(zone) {
        Some(Ok(zone)) => Some(zone),
        Some(Err(why)) => {
            missing.push(format!("--time-zone: {why}"));
            None
        }
        None if here.is_none() => {
            missing.push(
                "this machine does not tell its time zone: give --time-zone, e.g. Europe/Berlin"
                    .to_owned(),
            );
            None
        }
        None => here,
    };
    let budget = budget(args.budget.as_deref().unwrap_or(BUDGET)).unwrap_or_else(|why| {
        missing.push(format!("--budget: {why}"));
        None
    });
    let mut platforms = Vec::new();
    for typed in &args.platforms {
        match names(typed) {
            Ok(more) => platforms.extend(more),
            Err(why) => missing.push(format!("--platform: {why}")),
        }
    }
    if platforms.is_empty() {
        platforms.push(X.to_owned());
    }
    let profile = args.profile.clone().unwrap_or_else(|| PROFILE.to_owned());
    let zone = zone.filter(|_| missing.is_empty()).ok_or(missing)?;
    Ok(Answers { sources, profile, budget: budget.filter(|_| has_x(&platforms)), platforms, zone })
}

fn has_x(platforms: &[String]) -> bool {
    platforms.iter().any(|it| it == X)
}

/// The answers; asked for on a terminal unless `--yes` says that the defaults will do.
///
/// # Errors
///
/// What is missing or wrong, one line each.
pub(super) fn gather(args: &InitArgs, env: &Environment) -> Result<Answers, Vec<String>> {
    let here = zone_here(env);
    if args.yes || !std::io::stdin().is_terminal() {
        return given(args, here);
    }
    let mut talk = Asker { input: std::io::stdin().lock(), tell: std::io::stderr().lock() };
    let asked = ask(&mut talk, args, here).map_err(|error| vec![error.to_string()])?;
    given(&asked, here)
}

/// The flags, with answers for those that were not given.
fn ask<R: std::io::BufRead, W: std::io::Write>(
    talk: &mut Asker<R, W>,
    args: &InitArgs,
    here: Option<Tz>,
) -> Result<InitArgs, anyhow::Error> {
    let mut args = args.clone();
    if args.sources.is_empty() && args.ayrshare.is_none() {
        let question = "Your site or feed (its address, or an OPML file)";
        args.sources = vec![talk.ask(question, None, |it| source(it).map(|_| it.to_owned()))?];
    }
    if args.platforms.is_empty() {
        let question = "Where to post, by Ayrshare's names (X is twitter)";
        args.platforms = talk.ask(question, Some(X), names)?;
    }
    if args.time_zone.is_none() {
        let question = "Your time zone";
        let default = here.map(Tz::name);
        let zone = talk.ask(question, default, zone)?;
        args.time_zone = Some(zone.name().to_owned());
    }
    if args.budget.is_none() && has_x(&args.platforms) {
        let question = "What X may cost you a month, in US dollars (0: no limit)";
        let sum = talk.ask(question, Some(BUDGET), |it| budget(it).map(|_| it.to_owned()))?;
        args.budget = Some(sum);
    }
    Ok(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(sources: &[&str]) -> InitArgs {
        let sources = sources.iter().map(|&it| it.to_owned()).collect();
        InitArgs { sources, ..InitArgs::default() }
    }

    #[test]
    fn defaults_do_for_all_but_the_feed() {
        let answers = given(&args(&["blog.example.com"]), Some(Tz::UTC)).expect("enough");
        assert_eq!(answers.platforms, ["twitter"]);
        assert_eq!((answers.profile.as_str(), answers.budget.as_deref()), ("main", Some("20.0")));
        assert_eq!(
            answers.sources,
            [Source::Address("https://blog.example.com/".parse().expect("an address"))]
        );
        let other = InitArgs { platforms: vec!["linkedin".into()], ..args(&["a.example"]) };
        assert_eq!(given(&other, Some(Tz::UTC)).expect("enough").budget, None);
    }

    #[test]
    fn all_that_is_missing_or_wrong_is_told_at_once() {
        let wrong = InitArgs {
            time_zone: Some("Berlin".into()),
            budget: Some("much".into()),
            ..args(&["gone.opml", "ftp://a.example"])
        };
        let mut told = given(&wrong, None).expect_err("wrong");
        told.extend(given(&args(&[]), None).expect_err("nothing"));
        insta::assert_snapshot!(told.join("\n"), @r#"
        there is no file gone.opml
        ftp://a.example can't be used: it is no address such as https://blog.example.com
        --time-zone: "Berlin" is no time zone: give a name such as Europe/Berlin
        --budget: "much" is no sum: give US dollars such as 20, or 0 for none
        no feed is named: give the address of a site or feed, an OPML file, or --ayrshare FILE
        this machine does not tell its time zone: give --time-zone, e.g. Europe/Berlin
        "#);
    }

    #[test]
    fn only_what_no_flag_gives_is_asked() {
        let typed = "not an address\nblog.example.com\nX, linkedin\n\n0\n";
        let mut talk = Asker { input: typed.as_bytes(), tell: Vec::new() };
        let asked = ask(&mut talk, &args(&[]), Some(Tz::Europe__Vienna)).expect("answers");
        let answers = given(&asked, None).expect("enough");
        assert_eq!(answers.platforms, ["twitter", "linkedin"]);
        assert_eq!((answers.zone, answers.budget), (Tz::Europe__Vienna, None));
        let told = String::from_utf8(talk.tell).expect("text");
        assert_eq!(told.matches("Your site or feed").count(), 2, "{told}");
        let whole = InitArgs {
            platforms: vec!["twitter".into()],
            time_zone: Some("UTC".into()),
            budget: Some("5".into()),
            ..args(&["a.example"])
        };
        let mut silent = Asker { input: "".as_bytes(), tell: Vec::new() };
        ask(&mut silent, &whole, None).expect("nothing to ask");
        assert_eq!(silent.tell, Vec::<u8>::new());
    }
}
