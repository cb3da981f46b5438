//! A rehearsal with entries as feeds have them, so that a template which can't do fails when the
//! config is read and not when the news comes.
//!
//! Promises: full, long, poor and empty entries are tried. Must not: judge how a text reads.

use chrono::DateTime;
use chrono_tz::Tz;

use super::{Ingredients, Manner, Setting, Unfit, alt_text, compose};
use crate::domain::breaker::X;
use crate::domain::entry::Item;
use crate::domain::template::{Fault, Template};

/// The note that nothing of the template fits.
const NO_ROOM: &str = "nothing of the template fits";

/// Composes each sample. What gives no text because the sample has none is no fault.
///
/// # Errors
///
/// The first reason why a sample can't be composed.
pub fn trial(manner: &Manner, platform: &str) -> Result<(), Unfit> {
    for item in &samples() {
        let ingredients = Ingredients::of(item, "blog", "The blog");
        let setting =
            Setting { platform, profile: "main", zone: Tz::UTC, manner, allow_mentions: false };
        match compose(&ingredients, &setting) {
            // The title would stand in, which is not what the user wants to see of a template.
            Ok(composed) if composed.notes.iter().any(|note| note == NO_ROOM) => {
                return Err(Unfit::NoRoom { limit: manner.rules(platform, false).limit });
            }
            Ok(_) | Err(Unfit::NothingToSay) => {}
            Err(unfit) => return Err(unfit),
        }
    }
    Ok(())
}

/// Makes the alt text of each sample for X, the only network that gets any.
///
/// # Errors
///
/// The first reason why there is none.
pub fn trial_alt(manner: &Manner, template: &Template) -> Result<(), Fault> {
    for item in &samples() {
        let ingredients = Ingredients::of(item, "blog", "The blog");
        let setting =
            Setting { platform: X, profile: "main", zone: Tz::UTC, manner, allow_mentions: false };
        alt_text(&ingredients, &setting, template)?;
    }
    Ok(())
}

fn samples() -> [Item; 5] {
    let full = Item {
        link: Some("https://example.com/2026/11/an-article?id=1".to_owned()),
        title: "A title of a usual length for an article".to_owned(),
        summary: "<p>A summary. It has two sentences.</p>".to_owned(),
        content: "<p>The content of the article.</p>".repeat(20),
        authors: vec!["Jane Doe".to_owned(), "John Doe".to_owned()],
        categories: vec!["News".to_owned(), "Machine Learning".to_owned(), "2026".to_owned()],
        published: DateTime::from_timestamp(1_795_000_000, 0),
        language: Some("en".to_owned()),
        ..Item::default()
    };
    let long = Item {
        title: "日本語の長い題名 ".repeat(75),
        summary: "A sentence that goes on. ".repeat(400),
        content: "<p>A sentence that goes on and on.</p>".repeat(1_500),
        categories: (0..40).map(|number| format!("category {number}")).collect(),
        ..full.clone()
    };
    let untitled = Item { title: String::new(), authors: Vec::new(), ..full.clone() };
    let bare = Item { link: full.link.clone(), ..Item::default() };
    [full, long, untitled, bare, Item::default()]
}
