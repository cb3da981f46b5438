//! Several entries in one text: a line for each headline, and one link or none.
//!
//! Promises: as for the text of one entry; long headlines are cut to the same length, short ones stay
//! whole; what has no room is counted. Must not: choose the entries.

use super::super::cut;
use super::super::digest::{Digest, DigestLink};
use super::super::link;
use super::super::links::links;
use super::super::template::{Kind, Part};
use super::assemble::{Bounds, assemble};
use super::fit::{Fitted, fit};
use super::{
    Composed, Ingredients, Kitchen, LinkPolicy, Setting, Unfit, disarmed, finished, is_word,
    remarks, usable_link,
};

/// A headline shorter than this by the platform's measure says too little: one entry less is named
/// instead.
const HEADLINE_MIN: u32 = 24;

/// Composes one text of several entries, in their order.
pub fn compose_digest(
    entries: &[Ingredients<'_>],
    setting: &Setting<'_>,
    digest: &Digest,
) -> Result<Composed, Unfit> {
    composed(entries, setting, digest).map(|(composed, _)| composed)
}

/// Whether one text has room for a line of each of these entries.
pub fn names_all(entries: &[Ingredients<'_>], setting: &Setting<'_>, digest: &Digest) -> bool {
    composed(entries, setting, digest).is_ok_and(|(_, named)| named == entries.len())
}

/// The text, and how many of the entries it names.
fn composed(
    entries: &[Ingredients<'_>],
    setting: &Setting<'_>,
    digest: &Digest,
) -> Result<(Composed, usize), Unfit> {
    let manner = setting.manner;
    let rules = manner.rules(setting.platform, setting.allow_mentions);
    let mut notes = Vec::new();
    let has_links = manner.link != LinkPolicy::None && digest.link != DigestLink::None;
    let link = match &digest.link {
        DigestLink::First => {
            let published = entries.first().and_then(|first| first.item.link.as_deref());
            usable_link(published.filter(|_| has_links), manner, &mut notes)
        }
        DigestLink::Address(address) => link::whole(address).filter(|_| has_links),
        DigestLink::None => None,
    };
    let link = link.filter(|link| {
        let has_room = rules.weigh.length(link).saturating_add(HEADLINE_MIN) <= rules.limit;
        if !has_room {
            notes.push("the link is left out: it leaves no room for words".to_owned());
        }
        has_room
    });
    let is_linkable = link.as_deref().is_some_and(|link| !links(link).is_empty());
    let bounds = Bounds { rules, has_links, is_linkable };
    let headlines: Vec<Part> =
        entries.iter().filter_map(|entry| headline(entry, setting)).collect();
    if headlines.is_empty() {
        return Err(Unfit::NothingToSay);
    }
    let (headlines, defused) = disarmed(headlines, bounds);
    let title = digest.title.clone().map(|text| Part { text, kind: Kind::Own });
    let (title, _) = disarmed(title.into_iter().collect(), bounds);
    let page = Page { title: &title, headlines: &headlines, link: link.as_deref(), bounds };
    let (fitted, shown) = page.fitted().ok_or(Unfit::NoRoom { limit: rules.limit })?;
    notes.extend(remarks(&defused, &fitted));
    let left_out = headlines.len().saturating_sub(shown);
    if left_out > 0 {
        notes.push(format!("no room for {left_out} of {} entries", headlines.len()));
    }
    Ok((finished(fitted.text, fitted.left_off > 0, rules, notes), shown))
}

/// The words of an entry's line: the first of its title, summary and feed that says something.
fn headline(entry: &Ingredients<'_>, setting: &Setting<'_>) -> Option<Part> {
    let kitchen = Kitchen { ingredients: entry, setting, link: None };
    [&entry.item.title, entry.summary(), entry.feed_title, entry.feed_name]
        .into_iter()
        .map(|markup| Part { text: kitchen.plain(markup), kind: Kind::Feed { shrink: None } })
        .find(is_word)
}

/// What a digest is made of.
struct Page<'a> {
    title: &'a [Part],
    headlines: &'a [Part],
    link: Option<&'a str>,
    bounds: Bounds,
}

impl Page<'_> {
    /// The text that names the most entries, and how many.
    fn fitted(&self) -> Option<(Fitted, usize)> {
        for shown in (1..=self.headlines.len()).rev() {
            let longest = self.headlines.iter().take(shown);
            let longest = longest.map(|part| self.bounds.rules.weigh.length(&part.text)).max()?;
            if let Some(fitted) = self.cut_to(shown, longest) {
                return Some((fitted, shown));
            }
            // The largest common length that fits.
            let (mut low, mut high) = (HEADLINE_MIN, longest);
            let mut best = None;
            while low < high {
                let middle = low.midpoint(high);
                if let Some(fitted) = self.cut_to(shown, middle) {
                    best = Some(fitted);
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            if let Some(fitted) = best {
                return Some((fitted, shown));
            }
        }
        let parts = self.parts(&self.headlines.get(..1)?.iter().collect::<Vec<_>>());
        Some((fit(parts, self.bounds)?, 1))
    }

    /// The text with the first headlines, none longer than this, if it fits.
    fn cut_to(&self, shown: usize, length: u32) -> Option<Fitted> {
        let rules = self.bounds.rules;
        let mut left_off = 0;
        let mut lines = Vec::new();
        for part in self.headlines.iter().take(shown) {
            if rules.weigh.length(&part.text) <= length {
                lines.push(part.clone());
                continue;
            }
            let cut = cut::shorten(&part.text, length, rules, |_| true)?;
            left_off += cut.left_off;
            lines.push(Part { text: cut.text, kind: part.kind });
        }
        let laid = assemble(&self.parts(&lines.iter().collect::<Vec<_>>()), self.bounds)?;
        let fits = rules.weigh.length(&laid.text) <= rules.limit && laid.has_words();
        fits.then_some(Fitted { text: laid.text, left_off, tags: Vec::new() })
    }

    fn parts(&self, lines: &[&Part]) -> Vec<Part> {
        let own = |text: &str| Part { text: text.to_owned(), kind: Kind::Own };
        let mut parts = self.title.to_vec();
        // A single entry needs no bullet.
        let bullet = if self.headlines.len() > 1 { "\n• " } else { "\n" };
        for line in lines {
            parts.push(own(bullet));
            parts.push((*line).clone());
        }
        let more = self.headlines.len().saturating_sub(lines.len());
        if more > 0 {
            parts.push(own(&format!("\n… and {more} more")));
        }
        if let Some(link) = self.link {
            parts.push(own("\n"));
            parts.push(Part { text: link.to_owned(), kind: Kind::Link });
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use proptest::prelude::*;
    use unicode_normalization::is_nfc;

    use super::super::super::defuse::SPACER;
    use super::super::Manner;
    use super::*;
    use crate::domain::entry::Item;

    fn composed(titles: &[String], digest: &Digest) -> Result<Composed, Unfit> {
        let items: Vec<Item> = titles
            .iter()
            .enumerate()
            .map(|(n, title)| Item {
                title: title.clone(),
                link: Some(format!("https://example.com/{n}")),
                ..Item::default()
            })
            .collect();
        let entries: Vec<Ingredients<'_>> =
            items.iter().map(|item| Ingredients::of(item, "blog", "The feed")).collect();
        let setting = Setting {
            platform: "twitter",
            profile: "main",
            zone: Tz::UTC,
            manner: &Manner::default(),
            allow_mentions: false,
        };
        compose_digest(&entries, &setting, digest)
    }

    fn card(titles: &[&str], digest: &Digest) -> String {
        let titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
        match composed(&titles, digest) {
            Ok(it) => {
                let text = it.text.replace(SPACER, "·");
                format!("{text}\n[{}] {}", it.weighted_length, it.notes.join("; "))
            }
            Err(unfit) => unfit.to_string(),
        }
    }

    #[test]
    fn entries_become_lines() {
        let long = "Word after word ".repeat(12);
        let named = Digest {
            title: Some("Today at Example".to_owned()),
            link: DigestLink::Address("https://example.com/".to_owned()),
            ..Digest::default()
        };
        let bare = Digest { link: DigestLink::None, ..Digest::default() };
        let many: Vec<String> = (0..14).map(|n| format!("Headline number {n} of many")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let all = [
            card(&["One", "Two", "Three"], &Digest::default()),
            card(&["Alone"], &Digest::default()),
            card(&["One", "<b>Two</b>"], &named),
            card(&["See main.rs", "By @bob"], &bare),
            card(&["Short", &long, &long], &Digest::default()),
            card(&many, &Digest::default()),
        ];
        insta::assert_snapshot!(all.join("\n\n"), @r#"
        • One
        • Two
        • Three
        https://example.com/0
        [46] 

        Alone
        https://example.com/0
        [29] 

        Today at Example
        • One
        • Two
        https://example.com/
        [54] 

        • See main.·rs
        • By @·bob
        [27] mentions defused: 1; kept from being links: main.rs

        • Short
        • Word after word Word after word Word after word Word after word Word after word Word after word Word after word Word…
        • Word after word Word after word Word after word Word after word Word after word Word after word Word after word Word…
        https://example.com/0
        [276] cut: 150 characters were left off

        • Headline number 0 of…
        • Headline number 1 of…
        • Headline number 2 of…
        • Headline number 3 of…
        • Headline number 4 of…
        • Headline number 5 of…
        • Headline number 6 of…
        • Headline number 7 of…
        • Headline number 8 of…
        … and 5 more
        https://example.com/0
        [271] cut: 45 characters were left off; no room for 5 of 14 entries
        "#);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn whatever_the_headlines_it_fits(
            titles in prop::collection::vec(".{0,300}", 1..8),
            bare in any::<bool>(),
        ) {
            let link = if bare { DigestLink::None } else { DigestLink::First };
            let digest = Digest { link, title: Some("Today".to_owned()), ..Digest::default() };
            let one = composed(&titles, &digest).expect("a feed has a name");
            prop_assert!(one.weighted_length <= 280, "{}", one.weighted_length);
            prop_assert!(is_nfc(&one.text));
            prop_assert_eq!(one.has_link, !bare);
            prop_assert!(bare || one.text.ends_with("https://example.com/0"));
            prop_assert!(one.text.chars().all(|sign| sign == '\n' || !sign.is_control()));
            prop_assert!(!one.text.contains("\n\n"));
            prop_assert_eq!(composed(&titles, &digest), Ok(one));
        }
    }
}
