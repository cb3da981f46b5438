//! A line that says how far long work has come.
//!
//! Promises: only where standard error is a terminal, and gone when the work is done. Must not: stand
//! in a log or a pipe.

use std::io::{IsTerminal as _, Write as _};

use super::out;

/// Moves to the begin of the line and clears it.
const CLEAR: &str = "\r\u{1b}[2K";
/// Columns of what is being worked on.
const SHOWN_MAX: usize = 60;

/// How far some work has come.
#[derive(Debug)]
pub(super) struct Progress {
    what: &'static str,
    all: usize,
    done: usize,
    shown: bool,
}

impl Progress {
    /// Of work on so many things; a single one shows nothing.
    pub(super) fn new(what: &'static str, all: usize) -> Self {
        Self { what, all, done: 0, shown: all > 1 && std::io::stderr().is_terminal() }
    }

    /// The next thing is begun.
    pub(super) fn next(&mut self, name: &str) {
        self.done += 1;
        if self.shown {
            let name: String = name.chars().filter(|it| !it.is_control()).collect();
            let (what, done, all) = (self.what, self.done, self.all);
            write(&format!("{CLEAR}{what} {done}/{all}: {}", out::short(&name, SHOWN_MAX)));
        }
    }

    /// Clears the line, so that something else can be printed.
    pub(super) fn clear(&self) {
        if self.shown {
            write(CLEAR);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn write(text: &str) {
    let mut err = std::io::stderr().lock();
    // Nobody may be looking any more.
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}
