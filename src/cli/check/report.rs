//! What a check found: lines as they come, or one JSON document at the end.
//!
//! Promises: each finding has a subject and a state; a fault with a name brings what to do. Must not:
//! look at anything itself.

use serde::Serialize;

use crate::cli::Done;
use crate::cli::Exit;
use crate::cli::out::{self, Tone};
use crate::domain::diagnosis::Fault;

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Ok,
    /// Worth a look, and no fault.
    Warning,
    Fault,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    subject: String,
    state: State,
    text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    steps: &'static [&'static str],
}

/// All that was found so far.
#[derive(Debug)]
pub(super) struct Report {
    json: bool,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) const fn new(json: bool) -> Self {
        Self { json, findings: Vec::new() }
    }

    pub(super) fn good(&mut self, subject: &str, text: impl Into<String>) {
        self.add(subject, State::Ok, text.into(), Vec::new());
    }

    /// Good, with lines below.
    pub(super) fn good_with(&mut self, subject: &str, text: String, details: Vec<String>) {
        self.add(subject, State::Ok, text, details);
    }

    pub(super) fn warn(&mut self, subject: &str, text: impl Into<String>) {
        self.add(subject, State::Warning, text.into(), Vec::new());
    }

    pub(super) fn bad(&mut self, subject: &str, text: impl Into<String>) {
        self.add(subject, State::Fault, text.into(), Vec::new());
    }

    pub(super) fn bad_with(&mut self, subject: &str, text: String, details: Vec<String>) {
        self.add(subject, State::Fault, text, details);
    }

    /// A fault that has a name, with what the other side said and what to do.
    pub(super) fn named(&mut self, subject: &str, fault: Fault, said: &str) {
        let text = format!("{} ({})", fault.sentence(), fault.name());
        let details = if said.is_empty() { Vec::new() } else { vec![format!("it says: {said}")] };
        self.push(Finding {
            subject: subject.to_owned(),
            state: State::Fault,
            text,
            details,
            fault: Some(fault.name()),
            steps: fault.steps(),
        });
    }

    fn add(&mut self, subject: &str, state: State, text: String, details: Vec<String>) {
        let subject = subject.to_owned();
        self.push(Finding { subject, state, text, details, fault: None, steps: &[] });
    }

    fn push(&mut self, finding: Finding) {
        if !self.json {
            let sign = match finding.state {
                State::Ok => out::tone("ok   ", Tone::Good),
                State::Warning => out::tone("warn ", Tone::Waiting),
                State::Fault => out::tone("FAULT", Tone::Bad),
            };
            out::say(&format!("{sign} {}: {}", finding.subject, finding.text));
            for line in &finding.details {
                out::say(&format!("      {line}"));
            }
            for step in finding.steps {
                out::say(&format!("      do: {step}"));
            }
        }
        self.findings.push(finding);
    }

    /// Says how it all stands; `exit` is that of a fault.
    pub(super) fn end(self, exit: Exit, hint: &str) -> Done {
        let faults = self.findings.iter().filter(|it| it.state == State::Fault).count();
        if self.json {
            out::json(&serde_json::json!({ "ok": faults == 0, "findings": self.findings }))?;
        }
        if faults > 0 {
            out::complain(&format!("{} found", out::count(faults, "fault")));
            return Ok(exit);
        }
        if !self.json {
            out::say(&format!("all is well: {hint}"));
        }
        Ok(Exit::Done)
    }
}
