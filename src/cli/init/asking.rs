//! Questions on a terminal.
//!
//! Promises: a wrong answer is told and asked again; an empty one takes the default; the end of the
//! input ends the asking. Must not: be used where nobody sits.

use std::io::{BufRead, Write};

use anyhow::{Context as _, bail};

/// Wrong answers to one question before it is given up.
const TRIES: usize = 5;

/// Asks on `tell` and reads answers from `input`.
pub(super) struct Asker<R, W> {
    pub(super) input: R,
    pub(super) tell: W,
}

impl<R: BufRead, W: Write> Asker<R, W> {
    /// Asks until `read` takes the answer.
    pub(super) fn ask<T>(
        &mut self,
        question: &str,
        default: Option<&str>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, anyhow::Error> {
        for _ in 0..TRIES {
            let shown = default.map(|it| format!(" [{it}]")).unwrap_or_default();
            write!(self.tell, "{question}{shown}: ")
                .and_then(|()| self.tell.flush())
                .context("cannot ask")?;
            let mut line = String::new();
            if self.input.read_line(&mut line).context("cannot read the answer")? == 0 {
                bail!("no answer: nothing was written");
            }
            let typed = line.trim();
            let answer = if typed.is_empty() { default.unwrap_or_default() } else { typed };
            match read(answer) {
                Ok(value) => return Ok(value),
                Err(why) => writeln!(self.tell, "  {why}").context("cannot ask")?,
            }
        }
        bail!("{TRIES} answers that can't be used: nothing was written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(typed: &str) -> (Result<u8, String>, String) {
        let mut asker = Asker { input: typed.as_bytes(), tell: Vec::new() };
        let read = |text: &str| text.parse::<u8>().map_err(|_| "give a number".to_owned());
        let answer = asker.ask("How many", Some("7"), read).map_err(|error| error.to_string());
        (answer, String::from_utf8(asker.tell).expect("text"))
    }

    #[test]
    fn an_empty_answer_takes_the_default_and_a_wrong_one_is_asked_again() {
        assert_eq!(asked("\n"), (Ok(7), "How many [7]: ".to_owned()));
        let (answer, told) = asked("many\n 3 \n");
        assert_eq!(answer, Ok(3));
        assert_eq!(told, "How many [7]:   give a number\nHow many [7]: ");
    }

    #[test]
    fn asking_ends() {
        assert!(asked("").0.expect_err("no answer").contains("no answer"));
        assert!(asked(&"x\n".repeat(9)).0.expect_err("no answer").contains("5 answers"));
    }
}
