//! Plain values: texts, numbers, durations, sizes, money, addresses, names.
//!
//! Promises: every reader is total, bounded and says what would have been right. Must not: round or
//! guess; a value is taken as meant or refused.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use chrono::TimeDelta;
use ipnet::IpNet;
use url::{Host, Url};

use super::complaints::Fault;
use super::tree::{Node, Value, quoted};
use crate::domain::cost::Usd;

/// The longest name of a profile or feed, in characters.
const NAME_CHARS_MAX: usize = 64;
/// The longest address, in bytes.
const URL_BYTES_MAX: usize = 4 * 1024;
/// The highest amount of money, in dollars.
const USD_MAX: i64 = 1_000_000;
const DURATION_EXAMPLES: &str = "write it as \"90s\", \"15m\", \"2h30m\" or \"1d\"";

/// A text, or what else was found.
pub(super) fn text<'a>(node: &'a Node, expected: &str, remedy: &str) -> Result<&'a str, Fault> {
    if let Value::Text(text) = &node.value {
        return Ok(text);
    }
    Err(wrong_type(node, expected, remedy))
}

/// A fault of type.
pub(super) fn wrong_type(node: &Node, expected: &str, remedy: &str) -> Fault {
    Fault::key(format!("expected {expected}, found {}", node.kind()), remedy)
}

/// The digits of a number; from a variable, whose value is always a text, also as one.
fn number<'a>(node: &'a Node, expected: &str, remedy: &str) -> Result<&'a str, Fault> {
    match (&node.value, &node.origin) {
        (Value::Number(digits), _) => Ok(digits),
        (Value::Text(digits), origin) if origin.has_only_texts() => Ok(digits),
        (
            Value::Text(_) | Value::Flag(_) | Value::Date(_) | Value::List(_) | Value::Table(_),
            _,
        ) => Err(wrong_type(node, expected, remedy)),
    }
}

/// A whole number within bounds.
pub(super) fn whole(node: &Node, bounds: &RangeInclusive<usize>) -> Result<usize, Fault> {
    let remedy = format!("give a whole number from {} to {}", bounds.start(), bounds.end());
    let digits = number(node, "a whole number", &remedy)?;
    digits
        .parse::<usize>()
        .ok()
        .filter(|number| bounds.contains(number))
        .ok_or_else(|| Fault::value("is out of bounds or not a whole number", remedy))
}

/// `true` or `false`.
pub(super) fn flag(node: &Node) -> Result<bool, Fault> {
    let remedy = "write true or false, without quotation marks";
    match (&node.value, &node.origin) {
        (Value::Flag(flag), _) => Ok(*flag),
        (Value::Text(text), origin) if origin.has_only_texts() => {
            text.parse().map_err(|_| Fault::value("is neither true nor false", remedy))
        }
        (
            Value::Text(_) | Value::Number(_) | Value::Date(_) | Value::List(_) | Value::Table(_),
            _,
        ) => Err(wrong_type(node, "true or false", remedy)),
    }
}

/// A duration within bounds.
pub(super) fn duration(
    node: &Node,
    bounds: &RangeInclusive<TimeDelta>,
) -> Result<TimeDelta, Fault> {
    let typed = text(node, "a duration", DURATION_EXAMPLES)?;
    let duration = parse_duration(typed)
        .ok_or_else(|| Fault::value("is not a duration", DURATION_EXAMPLES))?;
    if bounds.contains(&duration) {
        return Ok(duration);
    }
    let (word, bound, noun) = if duration < *bounds.start() {
        ("short", bounds.start(), "shortest")
    } else {
        ("long", bounds.end(), "longest")
    };
    Err(Fault::value(
        format!("is too {word}"),
        format!("\"{}\" is the {noun}", show_duration(*bound)),
    ))
}

/// Reads "2h30m": units from large to small, each once. What is too large for the calendar becomes
/// the largest duration, which no bound allows.
pub(crate) fn parse_duration(text: &str) -> Option<TimeDelta> {
    let mut units = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)].iter();
    let mut total: i64 = 0;
    let mut digits = String::new();
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        let (_, seconds) = units.find(|(unit, _)| *unit == letter)?;
        if digits.is_empty() {
            return None;
        }
        // Only digits are in it, so it can fail only by being too large.
        let count: i64 = digits.parse().unwrap_or(i64::MAX);
        total = total.saturating_add(count.saturating_mul(*seconds));
        digits.clear();
    }
    if text.is_empty() || !digits.is_empty() {
        return None;
    }
    Some(TimeDelta::try_seconds(total).unwrap_or(TimeDelta::MAX))
}

/// The way that [`parse_duration`] reads.
pub(super) fn show_duration(duration: TimeDelta) -> String {
    let mut left = duration.num_seconds();
    let mut shown = String::new();
    for (unit, seconds) in [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)] {
        if left >= seconds {
            shown.push_str(&(left / seconds).to_string());
            shown.push(unit);
            left %= seconds;
        }
    }
    if shown.is_empty() { "0s".to_owned() } else { shown }
}

/// A number of bytes, or a text such as "10 MiB".
pub(super) fn size(node: &Node, bounds: &RangeInclusive<usize>) -> Result<usize, Fault> {
    const EXAMPLES: &str = "write it as \"10 MiB\", \"512 KiB\" or a number of bytes";
    let typed = match &node.value {
        Value::Text(text) | Value::Number(text) => text.trim(),
        Value::Flag(_) | Value::Date(_) | Value::List(_) | Value::Table(_) => {
            return Err(wrong_type(node, "a size", EXAMPLES));
        }
    };
    let unit_at = typed.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(typed.len());
    let (digits, unit) = typed.split_at(unit_at);
    let factor = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "KiB" => 1_024,
        "MB" => 1_000_000,
        "MiB" => 1_024 * 1_024,
        _ => return Err(Fault::value("is not a size", EXAMPLES)),
    };
    if digits.is_empty() {
        return Err(Fault::value("is not a size", EXAMPLES));
    }
    digits
        .parse::<usize>()
        .ok()
        .and_then(|count| count.checked_mul(factor))
        .filter(|bytes| bounds.contains(bytes))
        .ok_or_else(|| {
            Fault::value(
                "is out of bounds",
                format!("give {} bytes to {} MiB", bounds.start(), bounds.end() / 1_024 / 1_024),
            )
        })
}

/// An amount of dollars: not negative, with at most six decimals.
pub(super) fn usd(node: &Node) -> Result<Usd, Fault> {
    const REMEDY: &str =
        "give US dollars as a number from 0 to 1000000 with at most six decimals, e.g. 20.0";
    let typed = number(node, "a number", REMEDY)?;
    parse_usd(typed).ok_or_else(|| Fault::value("is not an amount of dollars", REMEDY))
}

fn parse_usd(typed: &str) -> Option<Usd> {
    // `2e1` and the like: the shortest decimal notation of the same number.
    let plain = if typed.contains(['e', 'E']) {
        let number: f64 = typed.parse().ok()?;
        number.is_finite().then(|| number.to_string())?
    } else {
        typed.to_owned()
    };
    let plain = plain.strip_prefix('+').unwrap_or(&plain);
    let (dollars, decimals) = plain.split_once('.').unwrap_or((plain, "0"));
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > 6 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if !dollars.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let dollars: i64 = dollars.parse().ok()?;
    let micros: i64 = format!("{decimals:0<6}").parse().ok()?;
    if dollars > USD_MAX || (dollars == USD_MAX && micros > 0) {
        return None;
    }
    Some(Usd::from_micros(dollars * 1_000_000 + micros))
}

/// A name of a profile or feed.
pub(super) fn name(node: &Node) -> Result<String, Fault> {
    const REMEDY: &str = "give a short name such as \"main\"";
    let name = text(node, "a text", REMEDY)?;
    if name.trim().is_empty() {
        return Err(Fault::value("is empty", REMEDY));
    }
    if name.trim() != name {
        return Err(Fault::value("begins or ends with white space", "leave it out"));
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(Fault::value(
            "is too long",
            format!("{NAME_CHARS_MAX} characters are the most"),
        ));
    }
    if name.contains(|letter: char| letter == '/' || letter.is_control()) {
        return Err(Fault::value(
            "has a slash or a control character in it",
            "use letters, digits, spaces, \"-\" and \"_\"",
        ));
    }
    Ok(name.to_owned())
}

/// A path that is not empty.
pub(super) fn path(node: &Node) -> Result<PathBuf, Fault> {
    const REMEDY: &str = "give the path of a file, e.g. \"tidings.db\"";
    let path = text(node, "a text", REMEDY)?;
    if path.trim().is_empty() || path.contains('\0') {
        return Err(Fault::value("is not a path", REMEDY));
    }
    Ok(PathBuf::from(path))
}

/// A line of text without control characters.
pub(super) fn line(node: &Node, remedy: &str) -> Result<String, Fault> {
    let line = text(node, "a text", remedy)?;
    if line.chars().count() > 200 || !line.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(Fault::value("is longer than 200 characters or not plain ASCII", remedy));
    }
    Ok(line.trim().to_owned())
}

/// A web address: http or https, with a host, without a password.
pub(super) fn url(node: &Node, example: &str) -> Result<Url, Fault> {
    let remedy = format!("give a whole address such as \"{example}\"");
    let typed = text(node, "an address", &remedy)?;
    if typed.len() > URL_BYTES_MAX {
        return Err(Fault::value("is too long", remedy));
    }
    let url = Url::parse(typed.trim()).map_err(|error| {
        Fault::key(format!("{} is not an address: {error}", careful(typed)), &remedy)
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::key(
            "the address holds a user name or password (not shown here)",
            "secrets don't belong in the config, and such addresses are not supported: take the part before the @ out",
        ));
    }
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(Fault::key(format!("{} is neither http nor https", careful(typed)), remedy));
    }
    Ok(url)
}

/// An address for a complaint: without its query, and not at all if a password may be in it.
fn careful(typed: &str) -> String {
    if typed.contains('@') {
        return "what is given".to_owned();
    }
    typed.split_once('?').map_or_else(|| quoted(typed), |(head, _)| quoted(&format!("{head}?…")))
}

/// Whether an address can only mean this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A network, or one address.
pub(super) fn network(node: &Node) -> Result<IpNet, Fault> {
    const REMEDY: &str =
        "give a network such as \"127.0.0.0/8\" or an address such as \"192.168.1.20\"";
    let typed = text(node, "a text", REMEDY)?;
    typed
        .parse::<IpNet>()
        .or_else(|_| typed.parse::<std::net::IpAddr>().map(IpNet::from))
        .map(|network| network.trunc())
        .map_err(|_| Fault::value("is not a network", REMEDY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_read_as_a_person_writes_them() {
        let seconds = |text| parse_duration(text).map(|duration| duration.num_seconds());
        assert_eq!(seconds("90s"), Some(90));
        assert_eq!(seconds("2h30m"), Some(9_000));
        assert_eq!(seconds("1d"), Some(86_400));
        assert_eq!(seconds("0s"), Some(0));
        for wrong in ["", "90", "s", "-5m", "1.5h", "30m2h", "1h1h", "5 m", "5x", "٣m"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
        assert_eq!(parse_duration("99999999999999d"), Some(TimeDelta::MAX));
        assert_eq!(parse_duration("99999999999999999999999999d1s"), Some(TimeDelta::MAX));
    }

    #[test]
    fn dollars_become_whole_millionths() {
        let micros = |text| parse_usd(text).map(Usd::micros);
        assert_eq!(micros("20"), Some(20_000_000));
        assert_eq!(micros("0.015"), Some(15_000));
        assert_eq!(micros("2e1"), Some(20_000_000));
        assert_eq!(micros("1.5e-6"), None);
        assert_eq!(micros("1000000.0"), Some(1_000_000_000_000));
        for wrong in ["-1", "1e999", "inf", "nan", "1000000.000001", "0.0000001", ""] {
            assert_eq!(micros(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_shown_duration_reads_back(seconds in 0_i64..100_000_000) {
            let duration = TimeDelta::seconds(seconds);
            prop_assert_eq!(parse_duration(&show_duration(duration)), Some(duration));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _read = (parse_duration(&text), parse_usd(&text), careful(&text));
        }
    }
}
