//! `digest` of a feed: when its digests go, what is in them, where they lead.
//!
//! Promises: a digest has instants, and its link is one that can be posted whole. Must not: know what
//! waits.

use std::ops::RangeInclusive;

use super::complaints::{Complaints, Fault};
use super::section::Section;
use super::tree::{Node, Value};
use super::{keys, times, values};
use crate::domain::digest::{Digest, DigestLink, ENTRIES_DEFAULT};
use crate::domain::link;

const MAX: RangeInclusive<usize> = 2..=25;
const TITLE_CHARS_MAX: usize = 100;
const EXAMPLE: &str = "for example `digest = { every = \"daily 18:00\" }`";
const LINK_REMEDY: &str =
    "accepted are \"first\" (that of the first entry), \"none\", and an address";

/// The rules, if there are any.
pub(super) fn read(section: &Section<'_>, complaints: &mut Complaints) -> Option<Digest> {
    let node = section.node("digest")?;
    let inner = Section::new(node, format!("{}: digest", section.place), complaints);
    inner.only(keys::DIGEST, complaints);
    inner.missing("every", EXAMPLE, complaints);
    let is_list = matches!(inner.node("every").map(|node| &node.value), Some(Value::List(_)));
    let every = if is_list {
        inner.list("every", "[\"Mon 09:00\", \"Thu 09:00\"]", complaints, times::post_at)
    } else {
        inner.read("every", complaints, times::post_at).map(|at| vec![at])
    };
    if let (Some([]), Some(node)) = (every.as_deref(), inner.node("every"))
        && matches!(&node.value, Value::List(items) if items.is_empty())
    {
        let fault = Fault::key("the list is empty, so no digest would ever go", EXAMPLE);
        inner.complain("every", node, &fault, complaints);
    }
    let max = inner.read("max", complaints, |node| values::whole(node, &MAX));
    let link = inner.read("link", complaints, link_policy);
    let title = inner.read("title", complaints, title);
    Some(Digest {
        every: every?,
        max: max.unwrap_or(ENTRIES_DEFAULT),
        link: link.unwrap_or_default(),
        title,
    })
}

fn link_policy(node: &Node) -> Result<DigestLink, Fault> {
    match values::text(node, "a text", LINK_REMEDY)? {
        "first" => Ok(DigestLink::First),
        "none" => Ok(DigestLink::None),
        typed if typed.contains("://") => {
            let url = values::url(node, "https://blog.example.com/")?;
            let written = link::whole(url.as_str()).ok_or_else(|| {
                Fault::value("can't be posted whole", "give a plain http(s) address")
            })?;
            Ok(DigestLink::Address(written))
        }
        _ => Err(Fault::value("is not a link policy of digests", LINK_REMEDY)),
    }
}

fn title(node: &Node) -> Result<String, Fault> {
    const REMEDY: &str = "give a short line such as \"Today at Example\"";
    let title = values::text(node, "a text", REMEDY)?.trim();
    if title.is_empty()
        || title.chars().count() > TITLE_CHARS_MAX
        || title.contains(char::is_control)
    {
        return Err(Fault::value(
            format!("is empty, longer than {TITLE_CHARS_MAX} characters or not one line"),
            REMEDY,
        ));
    }
    Ok(title.to_owned())
}
