//! `[[alert]]`: raw → checked.
//!
//! Promises: a password never travels in the open, and an address of a webhook is in no complaint.
//! Must not: send.

use std::ops::RangeInclusive;

use chrono_tz::Tz;
use lettre::message::Mailbox;
use secrecy::SecretString;
use url::{Host, Url};

use super::alerts::{Address, Email, Format, Login, Receiver, Security, Way, Webhook};
use super::check::{Names, tables};
use super::complaints::{Complaints, Fault, Talk};
use super::section::Section;
use super::tree::{Node, Table, Value, quoted};
use super::{Profile, keys, secret, times, values};
use crate::domain::alert::{Kind, Severity};

const PORT: RangeInclusive<usize> = 1..=65_535;
/// Receivers of one config.
const RECEIVERS_MAX: usize = 50;
/// Words of one command.
const WORDS_MAX: usize = 50;
const URL_EXAMPLE: &str = "https://hooks.example.com/services/…";

/// All receivers.
pub(super) fn all(root: &Table, profiles: &[Profile], talk: &mut Talk) -> Vec<Receiver> {
    let complaints = &mut talk.complaints;
    let nodes = tables(root, "alert", complaints);
    if let Some(one_more) = nodes.get(RECEIVERS_MAX) {
        complaints.add(
            &one_more.origin,
            format!("{} [[alert]]", nodes.len()),
            format!("{RECEIVERS_MAX} are the most"),
        );
    }
    let mut names = Names::default();
    nodes
        .into_iter()
        .take(RECEIVERS_MAX)
        .filter_map(|node| receiver(node, profiles, &mut names, complaints))
        .collect()
}

fn receiver(
    node: &Node,
    profiles: &[Profile],
    names: &mut Names,
    complaints: &mut Complaints,
) -> Option<Receiver> {
    let mut section = Section::new(node, "[[alert]]".to_owned(), complaints);
    section.missing("name", "give a short name such as \"ops\"", complaints);
    let name = section.read("name", complaints, values::name);
    if let Some(name) = &name {
        section.place = format!("alert {}", quoted(name));
        names.take("[[alert]]", name, &section.origin, complaints);
    }
    section.only(keys::ALERT, complaints);
    let on = section.list("on", "[\"stop\", \"post_failed\"]", complaints, kind);
    let min_severity = section.read("min_severity", complaints, severity);
    let known: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
    let of = section.list("profiles", "[\"main\"]", complaints, |node| profile(node, &known));
    let weekly = section.read("weekly", complaints, times::post_at);
    let zone = section.read("time_zone", complaints, |node| times::zone(node, true));
    let way = way(&section, complaints);
    Some(Receiver {
        name: name?,
        on: on.unwrap_or_else(|| Kind::ALL.to_vec()),
        min_severity: min_severity.unwrap_or(Severity::Warning),
        profiles: of.unwrap_or_default(),
        weekly,
        zone: zone.or_else(|| profiles.first().map(|it| it.pace.zone)).unwrap_or(Tz::UTC),
        way: way?,
    })
}

fn kind(node: &Node) -> Result<Kind, Fault> {
    let told = Kind::ALL.into_iter().filter(|kind| !kind.is_asked_for());
    let words: Vec<&str> = told.map(Kind::word).collect();
    let remedy = format!("the kinds are {}", words.join(", "));
    let typed = values::text(node, "a text", &remedy)?;
    Kind::parse(typed).filter(|kind| !kind.is_asked_for()).ok_or_else(|| {
        let near = keys::nearest(typed, words.iter().copied());
        let remedy = near.map_or(remedy, |near| format!("did you mean \"{near}\"?"));
        Fault::value("is no kind of alert", remedy)
    })
}

fn severity(node: &Node) -> Result<Severity, Fault> {
    const REMEDY: &str = "accepted are \"info\", \"warning\" and \"critical\"";
    let typed = values::text(node, "a text", REMEDY)?;
    Severity::parse(typed).ok_or_else(|| Fault::value("is no severity", REMEDY))
}

fn profile(node: &Node, known: &[&str]) -> Result<String, Fault> {
    let remedy = "give names of [[profile]]";
    let typed = values::text(node, "a text", remedy)?;
    if known.contains(&typed) {
        return Ok(typed.to_owned());
    }
    let near = keys::nearest(typed, known.iter().copied());
    let remedy = near.map_or_else(|| remedy.to_owned(), |near| format!("did you mean \"{near}\"?"));
    Err(Fault::value("is not the name of a profile", remedy))
}

fn way(section: &Section<'_>, complaints: &mut Complaints) -> Option<Way> {
    const KINDS: &str = "accepted are \"webhook\", \"email\" and \"command\"";
    section.missing("kind", KINDS, complaints);
    let kind =
        section.read("kind", complaints, |node| match values::text(node, "a text", KINDS)? {
            "webhook" => Ok((&keys::ALERT_WEBHOOK[..], "webhook")),
            "email" => Ok((&keys::ALERT_EMAIL[..], "email")),
            "command" => Ok((&keys::ALERT_COMMAND[..], "command")),
            _ => Err(Fault::value("is no way to tell anybody", KINDS)),
        });
    let (own, word) = kind?;
    let others = keys::ALERT_WEBHOOK.iter().chain(&keys::ALERT_EMAIL).chain(&keys::ALERT_COMMAND);
    for key in others.filter(|key| !own.contains(key)) {
        if let Some(node) = section.node(key) {
            complaints.add(
                &node.origin,
                format!("{}: {key} does not go with kind = \"{word}\"", section.place),
                format!("with it go {}", own.join(", ")),
            );
        }
    }
    match word {
        "webhook" => webhook(section, complaints).map(Way::Webhook),
        "email" => email(section, complaints).map(Way::Email),
        _ => command(section, complaints).map(Way::Command),
    }
}

fn webhook(section: &Section<'_>, complaints: &mut Complaints) -> Option<Webhook> {
    section.missing("url", "give the address, or { env = \"ALERT_URL\" } for it", complaints);
    let format = section.read("format", complaints, |node| {
        const FORMATS: &str = "accepted are \"json\", \"slack\", \"discord\" and \"ntfy\"";
        match values::text(node, "a text", FORMATS)? {
            "json" => Ok(Format::Json),
            "slack" => Ok(Format::Slack),
            "discord" => Ok(Format::Discord),
            "ntfy" => Ok(Format::Ntfy),
            _ => Err(Fault::value("is no format", FORMATS)),
        }
    });
    let url = section.read("url", complaints, address);
    let token = section.read("token", complaints, |node| secret::reference(node, "ALERT_TOKEN"));
    Some(Webhook { format: format.unwrap_or(Format::Json), url: url?, token })
}

/// An address, or where it is kept. What is typed is never repeated: whoever knows it can write there.
fn address(node: &Node) -> Result<Address, Fault> {
    let Value::Text(typed) = &node.value else {
        return secret::reference(node, "ALERT_URL").map(Address::Secret);
    };
    let fault = |what: &str| {
        Fault::key(
            format!("{what} (not shown here)"),
            format!("give a whole address such as \"{URL_EXAMPLE}\", or {{ env = \"ALERT_URL\" }}"),
        )
    };
    let url = Url::parse(typed.trim()).map_err(|_| fault("what is given is not an address"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(fault("the address is neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("the address holds a user name or password; `token` is for that"));
    }
    Ok(Address::Given(SecretString::from(url.to_string())))
}

fn email(section: &Section<'_>, complaints: &mut Complaints) -> Option<Email> {
    section.missing("server", "give the mail server, e.g. \"smtp.example.com\"", complaints);
    section.missing("from", "give the sender, e.g. \"tidings@example.com\"", complaints);
    section.missing("to", "give the recipients, e.g. [\"ops@example.com\"]", complaints);
    let server = section.read("server", complaints, server);
    let security = section.read("security", complaints, |node| {
        let security = security(node)?;
        if security == Security::None && server.as_deref().is_some_and(|it| !is_loopback(it)) {
            return Err(Fault::value(
                "would send mail in the open to another machine",
                "take \"starttls\" or \"tls\"; \"none\" only for 127.0.0.1, ::1 or localhost",
            ));
        }
        Ok(security)
    });
    let security = security.unwrap_or(Security::StartTls);
    let port = section.read("port", complaints, |node| values::whole(node, &PORT));
    let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(match security {
        Security::StartTls => 587,
        Security::Tls => 465,
        Security::None => 25,
    });
    let from = section.read("from", complaints, mailbox);
    let to = section.list("to", "[\"ops@example.com\"]", complaints, mailbox);
    if let (Some(node), Some(true)) = (section.node("to"), to.as_ref().map(Vec::is_empty)) {
        let fault = Fault::key("names nobody", "give at least one address");
        // What is wrong with its items was told already.
        if matches!(&node.value, Value::List(items) if items.is_empty()) {
            section.complain("to", node, &fault, complaints);
        }
    }
    let login = login(section, complaints);
    Some(Email { server: server?, port, security, login, from: from?, to: to? })
}

fn login(section: &Section<'_>, complaints: &mut Complaints) -> Option<Login> {
    for (one, other) in [("user", "password"), ("password", "user")] {
        if section.node(one).is_some() {
            section.missing(other, "user and password go together", complaints);
        }
    }
    let user = section.read("user", complaints, |node| {
        values::line(node, "give the user name that the mail server knows")
    });
    let password =
        section.read("password", complaints, |node| secret::reference(node, "SMTP_PASSWORD"));
    Some(Login { user: user?, password: password? })
}

fn security(node: &Node) -> Result<Security, Fault> {
    const REMEDY: &str = "accepted are \"starttls\", \"tls\" and \"none\"";
    match values::text(node, "a text", REMEDY)? {
        "starttls" => Ok(Security::StartTls),
        "tls" => Ok(Security::Tls),
        "none" => Ok(Security::None),
        _ => Err(Fault::value("is no way to talk to a mail server", REMEDY)),
    }
}

fn server(node: &Node) -> Result<String, Fault> {
    const REMEDY: &str = "give a name or an address without a port, e.g. \"smtp.example.com\"";
    let typed = values::text(node, "a text", REMEDY)?;
    let is_address = typed.parse::<std::net::IpAddr>().is_ok();
    if is_address || (typed.len() <= 253 && matches!(Host::parse(typed), Ok(Host::Domain(_)))) {
        return Ok(typed.to_owned());
    }
    Err(Fault::value("is not the name of a server", REMEDY))
}

fn is_loopback(server: &str) -> bool {
    server == "localhost"
        || server.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn mailbox(node: &Node) -> Result<Mailbox, Fault> {
    const REMEDY: &str = "write it as \"ops@example.com\" or \"Ops <ops@example.com>\"";
    let typed = values::text(node, "a text", REMEDY)?;
    if typed.len() > 320 || typed.chars().any(char::is_control) {
        return Err(Fault::value("is not a mail address", REMEDY));
    }
    typed.parse().map_err(|_| Fault::value("is not a mail address", REMEDY))
}

fn command(section: &Section<'_>, complaints: &mut Complaints) -> Option<Vec<String>> {
    const EXAMPLE: &str = "[\"/usr/local/bin/page-me\", \"--quiet\"]";
    section.missing("command", &format!("for example `command = {EXAMPLE}`"), complaints);
    let words = section.list("command", EXAMPLE, complaints, |node| {
        let typed = values::text(node, "a text", "each word of the command is a text of its own")?;
        if typed.contains('\0') || typed.len() > 4_096 {
            return Err(Fault::value("is no word of a command", "shorten it"));
        }
        Ok(typed.to_owned())
    })?;
    let node = section.node("command")?;
    if words.first().is_none_or(|word| word.trim().is_empty()) || words.len() > WORDS_MAX {
        let what = format!("has no program, or more than {WORDS_MAX} words");
        section.complain(
            "command",
            node,
            &Fault::key(what, format!("for example {EXAMPLE}")),
            complaints,
        );
        return None;
    }
    Some(words)
}
