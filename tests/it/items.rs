//! The items that a feed offers, and the feed around them.

use chrono::{DateTime, TimeDelta, Utc};

/// Monday, 16 November 2026, 06:00 UTC.
pub(crate) fn start() -> DateTime<Utc> {
    "2026-11-16T06:00:00Z".parse().expect("an instant")
}

/// One item of a feed.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) guid: Option<String>,
    pub(crate) title: String,
    pub(crate) link: Option<String>,
    pub(crate) at: Option<DateTime<Utc>>,
}

/// The n-th item of a blog, an hour younger than the one before, all older than [`start`].
pub(crate) fn item(n: i32) -> Item {
    Item {
        guid: Some(format!("guid-{n}")),
        title: format!("The story of number {n}"),
        link: Some(format!("https://blog.example.com/{n}")),
        at: Some(start() - TimeDelta::hours(100) + TimeDelta::hours(n.into())),
    }
}

/// The items of these numbers as an RSS feed, in this order.
pub(crate) fn blog(numbers: impl IntoIterator<Item = i32>) -> String {
    rss(&numbers.into_iter().map(item).collect::<Vec<_>>())
}

pub(crate) fn rss(items: &[Item]) -> String {
    let element = |name: &str, value: Option<String>| {
        value.map_or_else(String::new, |value| format!("<{name}>{value}</{name}>"))
    };
    let mut all = String::new();
    for item in items {
        let guid = item
            .guid
            .as_ref()
            .map_or_else(String::new, |guid| format!(r#"<guid isPermaLink="false">{guid}</guid>"#));
        all.extend([
            "<item>".to_owned(),
            guid,
            element("title", Some(item.title.clone())),
            element("link", item.link.clone()),
            element("pubDate", item.at.map(|at| at.to_rfc2822())),
            "</item>".to_owned(),
        ]);
    }
    format!(
        r#"<rss version="2.0"><channel><title>A blog</title><link>https://blog.example.com/</link>{all}</channel></rss>"#
    )
}
