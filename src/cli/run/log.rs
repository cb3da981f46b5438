//! The log of the daemon.
//!
//! Promises: one event is one line, whatever a feed or Ayrshare said; a panic is an event, too.
//! Must not: change what is logged; `RUST_LOG` does.

use std::io::{self, IsTerminal as _, Write};

use tracing::error;
use tracing_subscriber::EnvFilter;

use super::super::out;
use crate::config::Environment;

/// What is logged where nobody chose: the cron library's own steps tell an operator nothing.
const USUAL: &str = "info,tokio_cron_scheduler=warn";

/// Starts the log: text on a terminal, JSON under systemd, on standard error.
pub(super) fn init(env: &Environment) {
    let wanted = env.get("RUST_LOG").unwrap_or(USUAL);
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|error| {
        out::complain(&format!("warning: RUST_LOG means nothing ({error}); info is logged"));
        EnvFilter::new(USUAL)
    });
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| OneLine);
    let terminal = io::stderr().is_terminal();
    // A terminal may have inherited the variable from a desktop that systemd started.
    let started = if env.get("JOURNAL_STREAM").is_some() && !terminal {
        log.json().flatten_event(true).try_init()
    } else {
        log.with_ansi(terminal && env.get("NO_COLOR").is_none()).with_target(false).try_init()
    };
    // Only the first one counts, as in tests that run several commands in one process.
    drop(started);
    std::panic::set_hook(Box::new(|panic| error!("{}", out::panic_line(panic))));
}

/// Standard error, on which a text can't break out of the line of its event.
struct OneLine;

impl Write for OneLine {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(&one_line(event))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// An event as one line. Escapes stay: those that are left are the log's own colours.
fn one_line(event: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(event);
    let mut line: String = text
        .trim_end_matches('\n')
        .chars()
        .map(|sign| match sign {
            '\u{1b}' => sign,
            '\u{2028}' | '\u{2029}' => ' ',
            _ if sign.is_control() => ' ',
            _ => sign,
        })
        .collect();
    line.push('\n');
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_forges_a_line() {
        let forged = "WARN said: a\n2026-11-21 ERROR all is lost\r\tx\u{85}y\u{2028}z\n";
        assert_eq!(
            one_line(forged.as_bytes()),
            "WARN said: a 2026-11-21 ERROR all is lost  x y z\n".as_bytes()
        );
    }
}
