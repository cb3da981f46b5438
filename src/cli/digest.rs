//! What a digest tells of, for a person and as JSON.
//!
//! Promises: nothing is shown for a post of one entry. Must not: change anything.

use serde_json::{Value, json};

use super::out;
use super::setup::View;
use crate::store::posts::Post;

/// A line for each entry of a digest, below one that counts them.
pub(super) async fn lines(view: &View, post: &Post) -> Result<Vec<String>, anyhow::Error> {
    let entries = view.store.digest_entries(post.id).await?;
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let many = if entries.len() == 1 { "entry" } else { "entries" };
    let mut lines = vec![format!("digest of {} {many}:", entries.len())];
    for entry in &entries {
        let link = entry.link.as_deref().map(|link| format!(" {link}")).unwrap_or_default();
        lines.push(format!("  {}{link}", out::short(&entry.title, 60)));
    }
    Ok(lines)
}

/// The entries of a digest; empty for a post of one entry.
pub(super) async fn as_json(view: &View, post: &Post) -> Result<Value, anyhow::Error> {
    let entries = view.store.digest_entries(post.id).await?;
    Ok(entries
        .iter()
        .map(|it| json!({ "entry": it.id, "title": it.title, "link": it.link }))
        .collect())
}
