//! Messages in the forms that receivers understand.
//!
//! Promises: nothing that a feed or a server said can mention anybody, begin markup, a line or a
//! header; lengths stay within what each service takes. Must not: send.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Kind, Severity, line};

/// That an alert began, or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub kind: Kind,
    /// Its key.
    pub key: String,
    /// How bad it is, or was.
    pub severity: Severity,
    /// The profiles that it concerns; none: everything.
    pub profiles: Vec<String>,
    /// What is wrong.
    pub title: String,
    /// What is known about it.
    pub body: String,
    /// What to do.
    pub remedy: String,
    /// Since when.
    pub opened_at: DateTime<Utc>,
    /// When it ended, if this tells the end.
    pub ended_at: Option<DateTime<Utc>>,
}

/// What one receiver is told at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its identity, the same at each try.
    pub id: String,
    /// What it tells, at least one.
    pub notes: Vec<Note>,
    /// The zone of its times.
    pub zone: Tz,
}

/// Notes of one message that are told whole; the rest by their titles.
const WHOLE_MAX: usize = 5;
/// Notes of one message that are told at all.
const TITLES_MAX: usize = 40;
/// Longest texts, in characters: Discord takes 2,000; ntfy 4,096 bytes; Slack 40,000.
const DISCORD_MAX: usize = 1_900;
const NTFY_BYTES_MAX: usize = 3_900;
const SLACK_MAX: usize = 20_000;
/// The longest subject, in characters.
const SUBJECT_MAX: usize = 160;

impl Message {
    /// How bad the worst of it is; what ended is only good to know.
    pub fn severity(&self) -> Severity {
        let open = self.notes.iter().filter(|note| note.ended_at.is_none());
        open.map(|note| note.severity).max().unwrap_or(Severity::Info)
    }

    /// One line.
    pub fn subject(&self) -> String {
        let first = self.notes.first().map(Note::heading).unwrap_or_default();
        let text = match self.notes.len() {
            0 | 1 => first,
            number => format!("{number} alerts: {first}"),
        };
        line(&text, SUBJECT_MAX)
    }

    /// Everything, as plain text of several lines.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for (place, note) in self.notes.iter().take(TITLES_MAX).enumerate() {
            if place < WHOLE_MAX {
                if place > 0 {
                    lines.push(String::new());
                }
                lines.extend(note.lines(self.zone));
            } else {
                if place == WHOLE_MAX {
                    lines.push(String::new());
                }
                lines.push(format!("- {}", note.heading()));
            }
        }
        let more = self.notes.len().saturating_sub(TITLES_MAX);
        if more > 0 {
            lines.push(format!("and {more} more: `tidings alerts list` shows all"));
        }
        lines.join("\n")
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "severity": self.severity().word(),
            "subject": self.subject(),
            "text": self.text(),
            "alerts": self.notes.iter().map(|note| json!({
                "kind": note.kind.word(),
                "key": note.key,
                "severity": note.severity.word(),
                "status": if note.ended_at.is_some() { "over" } else { "open" },
                "profiles": note.profiles,
                "title": note.title,
                "body": note.body,
                "remedy": note.remedy,
                "opened_at": note.opened_at,
                "ended_at": note.ended_at,
            })).collect::<Vec<_>>(),
        })
    }

    /// For a Slack webhook: no markup, no mentions, no previews of links.
    pub fn slack(&self) -> Value {
        let text: String = clipped(&self.text(), SLACK_MAX)
            .chars()
            .map(|sign| match sign {
                '&' => "&amp;".to_owned(),
                '<' => "&lt;".to_owned(),
                '>' => "&gt;".to_owned(),
                other => unmentioned(other),
            })
            .collect();
        json!({ "text": text, "mrkdwn": false, "unfurl_links": false, "unfurl_media": false })
    }

    /// For a Discord webhook: no markup, no mentions.
    pub fn discord(&self) -> Value {
        let text: String = self
            .text()
            .chars()
            .map(|sign| match sign {
                '\\' | '*' | '_' | '~' | '`' | '|' | '>' | '<' | '#' | '[' | ']' => {
                    format!("\\{sign}")
                }
                other => unmentioned(other),
            })
            .collect();
        json!({ "content": clipped(&text, DISCORD_MAX), "allowed_mentions": { "parse": [] } })
    }

    /// For ntfy, published as JSON, so that no header carries a foreign word.
    pub fn ntfy(&self, topic: &str) -> Value {
        let (priority, tag) = match self.severity() {
            Severity::Critical => (5, "rotating_light"),
            Severity::Warning => (4, "warning"),
            Severity::Info => (3, "newspaper"),
        };
        let mut text = self.text();
        while text.len() > NTFY_BYTES_MAX {
            text.pop();
        }
        json!({
            "topic": topic,
            "title": self.subject(),
            "message": text,
            "priority": priority,
            "tags": [tag],
        })
    }
}

impl Note {
    fn heading(&self) -> String {
        if self.ended_at.is_some() { format!("over: {}", self.title) } else { self.title.clone() }
    }

    fn lines(&self, zone: Tz) -> Vec<String> {
        let time = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z");
        match self.ended_at {
            Some(at) => vec![
                self.heading(),
                format!("It began {} and ended {}.", time(self.opened_at), time(at)),
            ],
            None => vec![
                self.title.clone(),
                self.body.clone(),
                format!("What to do: {}", self.remedy),
                format!(
                    "{}, {}, since {}",
                    self.severity.word(),
                    self.kind.word(),
                    time(self.opened_at)
                ),
            ],
        }
    }
}

/// A character after which no name is a mention.
fn unmentioned(sign: char) -> String {
    if sign == '@' { "@\u{200B}".to_owned() } else { sign.to_string() }
}

fn clipped(text: &str, max: usize) -> String {
    let mut signs = text.chars();
    let head: String = signs.by_ref().take(max).collect();
    if signs.next().is_some() { head + "…" } else { head }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::Alert;
    use proptest::prelude::*;

    fn note(title: &str) -> Note {
        let made = Alert::new((Kind::Stop, "a"), Severity::Critical, (title, title, title));
        Note {
            kind: made.kind,
            key: made.key,
            severity: made.severity,
            profiles: Vec::new(),
            title: made.title,
            body: made.body,
            remedy: made.remedy,
            opened_at: DateTime::UNIX_EPOCH,
            ended_at: None,
        }
    }

    fn message(titles: &[&str]) -> Message {
        let notes = titles.iter().map(|title| note(title)).collect();
        Message { id: "0".repeat(36), notes, zone: Tz::Europe__Berlin }
    }

    #[test]
    fn one_alert_reads_like_this() {
        insta::assert_snapshot!(message(&["Sending stopped"]).text(), @r"
        Sending stopped
        Sending stopped
        What to do: Sending stopped
        critical, stop, since 1970-01-01 01:00 CET
        ");
        let end = Note { ended_at: Some(DateTime::UNIX_EPOCH), ..note("Sending stopped") };
        let over = Message { notes: vec![end], ..message(&[]) };
        assert_eq!(over.severity(), Severity::Info);
        insta::assert_snapshot!(over.text(), @r"
        over: Sending stopped
        It began 1970-01-01 01:00 CET and ended 1970-01-01 01:00 CET.
        ");
    }

    #[test]
    fn many_alerts_are_one_message_of_bounded_length() {
        let titles: Vec<String> =
            (0..3_000).map(|number| format!("{number} {}", "x".repeat(150))).collect();
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let many = message(&titles);
        assert!(many.text().ends_with("and 2960 more: `tidings alerts list` shows all"));
        assert!(many.discord()["content"].as_str().map_or(0, |it| it.chars().count()) <= 2_000);
        assert!(many.ntfy("t")["message"].as_str().map_or(0, str::len) <= 4_096);
        assert!(many.subject().starts_with("3000 alerts: 0 "));
    }

    #[test]
    fn nobody_is_mentioned_and_no_markup_begins() {
        let hostile = message(&["<!channel> <@U1> @everyone @here **b** [a](http://x) `c` # h"]);
        let slack = hostile.slack()["text"].to_string();
        assert!(
            slack.contains("&lt;!channel&gt; &lt;@\u{200B}U1&gt; @\u{200B}everyone"),
            "{slack}"
        );
        let discord = hostile.discord();
        assert_eq!(discord["allowed_mentions"]["parse"], json!([]));
        let content = discord["content"].as_str().unwrap_or_default();
        assert!(
            content.starts_with("\\<!channel\\> \\<@\u{200B}U1\\> @\u{200B}everyone"),
            "{content}"
        );
        assert!(content.contains("\\*\\*b\\*\\* \\[a\\](http://x) \\`c\\` \\# h"), "{content}");
    }

    proptest! {
        #[test]
        fn no_title_makes_a_line_a_header_or_a_mention(title in "\\PC{0,20}[\\r\\n\\t\\x00-\\x1f@<]\\PC{0,200}") {
            let one = message(&[&title]);
            prop_assert!(!one.subject().chars().any(char::is_control));
            prop_assert!(one.text().lines().count() <= 4);
            let slack = one.slack()["text"].as_str().unwrap_or_default().to_owned();
            prop_assert!(!slack.contains('<') && !slack.contains('>'));
            for text in [slack, one.discord()["content"].to_string()] {
                let mut signs = text.chars().peekable();
                while let Some(sign) = signs.next() {
                    prop_assert!(sign != '@' || signs.peek() == Some(&'\u{200B}'), "{}", text);
                }
            }
        }
    }
}
