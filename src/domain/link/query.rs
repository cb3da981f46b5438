//! The query of a link: what only tells where a reader came from goes, what the user wants comes.
//!
//! Promises: path, fragment and all other parameters stay as they are, byte for byte. Must not:
//! guess: a parameter goes by its well-known name alone.

use std::borrow::Cow;

use url::form_urlencoded::byte_serialize;

/// Parameters that advertisers and senders of mail append. No page needs them.
const TRACKING: [&str; 13] = [
    "dclid", "fbclid", "gbraid", "gclid", "igshid", "mc_cid", "mc_eid", "mkt_tok", "msclkid",
    "twclid", "wbraid", "yclid", "_hsenc",
];

/// How the parameters of campaigns begin.
const CAMPAIGN: &str = "utm_";

/// A link without tracking, if that is to go, and with these parameters where it has none of the
/// name. What is no web address stays as it is.
pub fn tagged<'a>(link: &'a str, strip_tracking: bool, add: &[(String, String)]) -> Cow<'a, str> {
    let (address, fragment) =
        link.split_at_checked(link.find('#').unwrap_or(link.len())).unwrap_or((link, ""));
    let is_web = ["http://", "https://"].iter().any(|scheme| {
        link.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if !is_web {
        return Cow::Borrowed(link);
    }
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let kept: Vec<&str> =
        query.split('&').filter(|pair| !(strip_tracking && is_tracking(pair))).collect();
    let has = |name: &str| kept.iter().any(|pair| name_of(pair).eq_ignore_ascii_case(name));
    let added: Vec<String> = add
        .iter()
        .filter(|(name, _)| !has(name))
        .map(|(name, value)| {
            format!("{name}={}", byte_serialize(value.as_bytes()).collect::<String>())
        })
        .collect();
    if added.is_empty() && kept.len() == query.split('&').count() {
        return Cow::Borrowed(link);
    }
    let pairs: Vec<&str> = kept
        .into_iter()
        .filter(|pair| !pair.is_empty())
        .chain(added.iter().map(String::as_str))
        .collect();
    let mark = if pairs.is_empty() { "" } else { "?" };
    Cow::Owned(format!("{path}{mark}{}{fragment}", pairs.join("&")))
}

fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

fn is_tracking(pair: &str) -> bool {
    let name = name_of(pair).to_ascii_lowercase();
    name.starts_with(CAMPAIGN) || TRACKING.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracking_goes_and_the_rest_stays() {
        for (link, expected) in [
            ("https://a.com/x?utm_source=rss&id=1&fbclid=z#top", "https://a.com/x?id=1#top"),
            ("https://a.com/x?utm_source=rss", "https://a.com/x"),
            ("https://a.com/x?UTM_Medium=a&b", "https://a.com/x?b"),
            ("https://a.com/x?b=%20&&c=utm_source", "https://a.com/x?b=%20&&c=utm_source"),
            ("https://a.com/#/?utm_source=rss", "https://a.com/#/?utm_source=rss"),
            ("https://a.com/x?ref=rss&source=feed", "https://a.com/x?ref=rss&source=feed"),
            ("mailto:a@b.com?utm_source=x", "mailto:a@b.com?utm_source=x"),
            ("https://a.com/x?", "https://a.com/x?"),
        ] {
            assert_eq!(tagged(link, true, &[]), expected);
            assert_eq!(tagged(link, false, &[]), link);
        }
    }

    #[test]
    fn parameters_are_added_once_in_front_of_the_fragment() {
        let utm = [
            ("utm_source".to_owned(), "x".to_owned()),
            ("utm_campaign".to_owned(), "süß & neu".to_owned()),
        ];
        for (link, strip, expected) in [
            (
                "https://a.com",
                true,
                "https://a.com?utm_source=x&utm_campaign=s%C3%BC%C3%9F+%26+neu",
            ),
            (
                "https://a.com/?a=b#c",
                true,
                "https://a.com/?a=b&utm_source=x&utm_campaign=s%C3%BC%C3%9F+%26+neu#c",
            ),
            (
                "https://a.com/?utm_source=rss",
                true,
                "https://a.com/?utm_source=x&utm_campaign=s%C3%BC%C3%9F+%26+neu",
            ),
            (
                "https://a.com/?utm_source=rss",
                false,
                "https://a.com/?utm_source=rss&utm_campaign=s%C3%BC%C3%9F+%26+neu",
            ),
        ] {
            let once = tagged(link, strip, &utm);
            assert_eq!(once, expected);
            if !strip {
                assert_eq!(tagged(&once, strip, &utm), expected);
            }
        }
    }
}
