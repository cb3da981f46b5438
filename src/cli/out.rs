//! How things are shown to a person: tables, times, money, colour.
//!
//! Promises: a closed pipe is no fault; colour only on a terminal and never the only sign; control
//! characters of a feed never reach the terminal. Must not: know what is shown.

use std::io::{IsTerminal, Write as _};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::width::{cut, width};
use crate::domain::breaker::Scope;

/// Prints a line of data on standard output.
pub(super) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever closed the pipe has read enough.
    drop(out.write_all(format!("{}\n", tame(line)).as_bytes()));
}

/// Prints a line of talk on standard error.
pub(super) fn complain(line: &str) {
    let mut out = std::io::stderr().lock();
    drop(out.write_all(format!("{}\n", tame(line)).as_bytes()));
}

/// Prints a value as JSON, one document.
pub(super) fn json(value: &impl Serialize) -> Result<(), anyhow::Error> {
    say(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Replaces what could move the cursor or colour the terminal, but for our own colours.
fn tame(text: &str) -> String {
    let mut tamed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(code) = COLOURS.iter().find(|code| rest.starts_with(**code)) {
            tamed.push_str(code);
            rest = rest.get(code.len()..).unwrap_or_default();
            continue;
        }
        let hidden = first.is_control() && first != '\n' && first != '\t';
        tamed.push(if hidden { '\u{fffd}' } else { first });
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    tamed
}

const RED: &str = "\u{1b}[31m";
const YELLOW: &str = "\u{1b}[33m";
const GREEN: &str = "\u{1b}[32m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";
const COLOURS: [&str; 5] = [RED, YELLOW, GREEN, BOLD, PLAIN];

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Bad,
    Waiting,
    Good,
    Head,
}

/// Colours a text if standard output is a terminal and nobody said otherwise.
pub(super) fn tone(text: &str, tone: Tone) -> String {
    if !colours() {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Bad => RED,
        Tone::Waiting => YELLOW,
        Tone::Good => GREEN,
        Tone::Head => BOLD,
    };
    format!("{code}{text}{PLAIN}")
}

fn colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}

/// An error with its causes, on one line.
pub(super) fn causes(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// A panic on one line. Its message may quote a feed: control characters are written out, so that
/// it can't pass for a line of its own.
pub(super) fn panic_line(panic: &std::panic::PanicHookInfo<'_>) -> String {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let message: String = panic.payload_as_str().unwrap_or("no message").escape_debug().collect();
    format!("panicked at {place}: {}", short(&message, 200))
}

/// Rows under their heads, aligned; the last column is as long as it is.
pub(super) fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = heads.iter().map(|head| width(head)).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = std::cmp::max(*width, super::width::width(cell));
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, width) in cells.zip(&widths) {
            let gap = width.saturating_sub(super::width::width(cell)) + 2;
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', gap));
        }
        line.trim_end().to_owned()
    };
    let mut text = tone(&line(&mut heads.iter().copied()), Tone::Head);
    for row in rows {
        text.push('\n');
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// One line of at most `max` columns, with `…` where it was cut.
pub(super) fn short(text: &str, max: usize) -> String {
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), max)
}

/// How wide a stop reaches, for a person.
pub(super) fn reach(scope: &Scope) -> String {
    match scope {
        Scope::All => "everything".to_owned(),
        Scope::Profile(name) => format!("profile {name}"),
        Scope::Lane(lane) => lane.to_string(),
        Scope::Feed(name) => format!("feed {name}"),
    }
}

/// A time in a zone, with its offset, and how far off it is.
pub(super) fn when(at: DateTime<Utc>, zone: Tz, now: DateTime<Utc>) -> String {
    format!("{} ({})", clock_time(at, zone), distance(at, now))
}

/// A time in a zone, with its offset.
pub(super) fn clock_time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M %:z").to_string()
}

/// A time in a zone to the second, with its offset.
pub(super) fn exact_time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M:%S %:z").to_string()
}

/// How far off a time is: `in 2 h 10 min`, `3 days ago`, `now`.
pub(super) fn distance(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let span = at - now;
    if span.abs() < TimeDelta::seconds(1) {
        return "now".to_owned();
    }
    let length = length(span.abs());
    if span > TimeDelta::zero() { format!("in {length}") } else { format!("{length} ago") }
}

/// A length of time in its two largest units.
pub(super) fn length(span: TimeDelta) -> String {
    let (days, hours) = (span.num_days(), span.num_hours() % 24);
    let (minutes, seconds) = (span.num_minutes() % 60, span.num_seconds() % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) if minutes < 5 && seconds > 0 => format!("{minutes} min {seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, 0) => format!("{hours} h"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (1, 0, _) => "1 day".to_owned(),
        (1, _, _) => format!("1 day {hours} h"),
        (_, _, _) => format!("{days} days"),
    }
}

/// `1 post`, `2 posts`, `3 entries`.
pub(super) fn count(number: usize, one: &str) -> String {
    match one.strip_suffix("ry") {
        _ if number == 1 => format!("1 {one}"),
        Some(stem) => format!("{number} {stem}ries"),
        None => format!("{number} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_cannot_move_the_cursor() {
        assert_eq!(tame("a\u{1b}[2Jb\rc\u{7}"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
        assert_eq!(tame("\u{1b}[31mred\u{1b}[0m\n"), "\u{1b}[31mred\u{1b}[0m\n");
    }

    #[test]
    fn distances_read_like_speech() {
        let now = DateTime::UNIX_EPOCH;
        let far = |seconds| distance(now + TimeDelta::seconds(seconds), now);
        assert_eq!(far(0), "now");
        assert_eq!(far(42), "in 42 s");
        assert_eq!(far(-95), "1 min 35 s ago");
        assert_eq!(far(7800), "in 2 h 10 min");
        assert_eq!(far(86_400 + 3 * 3600), "in 1 day 3 h");
        assert_eq!(far(-9 * 86_400), "9 days ago");
    }

    #[test]
    fn words_have_their_plural() {
        assert_eq!(count(1, "entry"), "1 entry");
        assert_eq!(count(0, "entry"), "0 entries");
        assert_eq!(count(1, "post"), "1 post");
        assert_eq!(count(2, "feed"), "2 feeds");
    }

    #[test]
    fn tables_line_up() {
        let rows = vec![vec!["1".into(), "queued".into()], vec!["12".into(), "ok".into()]];
        assert_eq!(table(&["POST", "STATE"], &rows), "POST  STATE\n1     queued\n12    ok");
        let rows = vec![vec!["日本語".into(), "x".into()], vec!["é".into(), "👩‍👩‍👧‍👦".into()]];
        assert_eq!(table(&["A", "B"], &rows), "A       B\n日本語  x\né       👩‍👩‍👧‍👦");
    }
}
