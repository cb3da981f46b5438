//! How things are shown to a person: tables, times, money, colour.
//!
//! Promises: a closed pipe is no fault; colour only on a terminal and never the only sign; control
//! characters of a feed never reach the terminal. Must not: know what is shown.

use std::io::{IsTerminal, Write as _};

use serde::Serialize;

use super::width::{cut, width};
pub(super) use crate::domain::told::{clock_time, count, distance, exact_time, reach, when};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_cannot_move_the_cursor() {
        assert_eq!(tame("a\u{1b}[2Jb\rc\u{7}"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
        assert_eq!(tame("\u{1b}[31mred\u{1b}[0m\n"), "\u{1b}[31mred\u{1b}[0m\n");
    }

    #[test]
    fn tables_line_up() {
        let rows = vec![vec!["1".into(), "queued".into()], vec!["12".into(), "ok".into()]];
        assert_eq!(table(&["POST", "STATE"], &rows), "POST  STATE\n1     queued\n12    ok");
        let rows = vec![vec!["日本語".into(), "x".into()], vec!["é".into(), "👩‍👩‍👧‍👦".into()]];
        assert_eq!(table(&["A", "B"], &rows), "A       B\n日本語  x\né       👩‍👩‍👧‍👦");
    }
}
