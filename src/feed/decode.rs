//! Bytes as served → text, in whatever charset they are.
//!
//! Promises: always gives a string, never fails; a byte order mark beats everything, well-formed
//! UTF-8 beats every label, labels of the header beat those in the document, and what nothing
//! explains is guessed from the bytes. Must not: look at anything but charset.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Fewer bytes outside ASCII than these tell nothing about a charset.
const GUESS_FROM: usize = 6;
/// How far into a body an XML declaration is looked for.
const DECLARATION_WITHIN: usize = 512;

/// Decodes a body. The result has no byte order mark, no leading white space and no XML declaration
/// (which would name a charset that it is no longer in).
pub fn decode(body: &[u8], content_type: Option<&str>) -> String {
    let text = text(body, content_type);
    without_declaration(text.trim_start_matches(is_blank)).trim_start_matches(is_blank).to_owned()
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\0')
}

fn text(body: &[u8], content_type: Option<&str>) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(body) {
        let rest = body.get(mark..).unwrap_or_default();
        return encoding.decode_without_bom_handling(rest).0.into_owned();
    }
    if let Some(encoding) = by_null_bytes(body) {
        return encoding.decode_without_bom_handling(body).0.into_owned();
    }
    // Text of a seven-bit charset such as ISO-2022-JP is well-formed UTF-8 as well.
    let header = content_type.and_then(label_of_header);
    let declared = label_of_declaration(body);
    let shifts = |encoding: &'static Encoding| !encoding.is_ascii_compatible();
    let label = header.or(declared);
    let shifted = |mark: &[u8]| body.windows(3).any(|three| three == mark);
    if label.is_none() && (shifted(b"\x1b$B") || shifted(b"\x1b$@")) {
        return ISO_2022_JP.decode_without_bom_handling(body).0.into_owned();
    }
    if let Ok(text) = std::str::from_utf8(body)
        && !(body.contains(&0x1b) && label.is_some_and(shifts))
    {
        return text.to_owned();
    }
    let labels = [header, declared].into_iter().flatten();
    best(body, labels)
}

/// The first label that reads the body without a bad sequence; else, when the bad ones are few, the
/// first label all the same; else what the bytes look like.
fn best(body: &[u8], labels: impl Iterator<Item = &'static Encoding>) -> String {
    let mut lossy: Option<String> = None;
    for encoding in labels {
        // A body cannot be in a 16-bit charset when it has no null bytes where they belong.
        if encoding == UTF_16BE || encoding == UTF_16LE {
            continue;
        }
        let (text, bad) = encoding.decode_without_bom_handling(body);
        if !bad {
            return text.into_owned();
        }
        if lossy.is_none() {
            lossy = Some(text.into_owned());
        }
    }
    let lossy = lossy.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let bad = lossy.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER);
    let foreign = lossy.chars().filter(|c| !c.is_ascii());
    // A cut or a stray byte in otherwise sound text, against text in another charset altogether.
    if bad.count() * 4 <= foreign.count() {
        return lossy;
    }
    guessed(body).decode_without_bom_handling(body).0.into_owned()
}

/// The charset that the whole body looks like; windows-1252 where nothing speaks for another.
fn guessed(body: &[u8]) -> &'static Encoding {
    if body.iter().filter(|byte| !byte.is_ascii()).count() < GUESS_FROM {
        return WINDOWS_1252;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(body, true);
    detector.guess(None, Utf8Detection::Deny)
}

/// UTF-16 without a mark: `<` or `{` beside a null byte.
fn by_null_bytes(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => Some(UTF_16BE),
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => Some(UTF_16LE),
        _ => None,
    }
}

fn label_of_header(content_type: &str) -> Option<&'static Encoding> {
    let value = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    })?;
    Encoding::for_label(value.trim().trim_matches(['"', '\'']).as_bytes())
}

fn label_of_declaration(body: &[u8]) -> Option<&'static Encoding> {
    let head = body.get(..std::cmp::min(DECLARATION_WITHIN, body.len())).unwrap_or_default();
    let head: String = head.iter().map(|byte| char::from(*byte)).collect();
    let (_, rest) = head.split_once("<?xml")?;
    let (declaration, _) = rest.split_once('>')?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (label, _) = value.strip_prefix(quote)?.split_once(quote)?;
    Encoding::for_label(label.trim().as_bytes())
}

/// The text without the XML declaration at its start.
fn without_declaration(text: &str) -> &str {
    match text.strip_prefix("<?xml") {
        Some(rest) if rest.starts_with(|c: char| c.is_whitespace() || c == '?') => {
            rest.split_once("?>").map_or(text, |(_, document)| document)
        }
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, little: bool, mark: bool) -> Vec<u8> {
        let marked = if mark { format!("\u{feff}{text}") } else { text.to_owned() };
        marked
            .encode_utf16()
            .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
            .collect()
    }

    #[test]
    fn every_way_to_send_a_charset_is_read() {
        let utf8 = "<a>Käse – 日本</a>";
        let latin = |xml: &str| WINDOWS_1252.encode(xml).0.into_owned();
        let header = Some("application/xml; charset=\"iso-8859-1\"");
        let cases: Vec<(Vec<u8>, Option<&str>, &str)> = vec![
            (utf8.into(), None, utf8),
            (format!("\u{feff}  \n{utf8}").into(), header, utf8),
            (utf8.into(), header, utf8),
            (utf16(utf8, true, true), None, utf8),
            (utf16(utf8, false, true), header, utf8),
            (utf16(utf8, true, false), None, utf8),
            (utf16(utf8, false, false), None, utf8),
            (latin("<a>Käse</a>"), header, "<a>Käse</a>"),
            (latin("<a>Käse “x”</a>"), None, "<a>Käse “x”</a>"),
            (
                latin("<?xml version='1.0' encoding='iso-8859-1'?><a>Käse</a>"),
                Some("text/xml"),
                "<a>Käse</a>",
            ),
            (b"<?xml version=\"1.0\" encoding=\"utf-16\"?>\n<a>x</a>".to_vec(), None, "<a>x</a>"),
        ];
        for (body, content_type, expected) in cases {
            assert_eq!(decode(&body, content_type), expected);
        }
    }

    #[test]
    fn asian_charsets_are_read_by_their_label() {
        for label in ["shift_jis", "euc-jp", "iso-2022-jp", "gb18030", "big5"] {
            let encoding = Encoding::for_label(label.as_bytes()).expect("label");
            let body = format!("<?xml version=\"1.0\" encoding=\"{label}\"?><a>日本</a>");
            assert_eq!(decode(&encoding.encode(&body).0, None), "<a>日本</a>", "{label}");
        }
    }

    #[test]
    fn a_stray_byte_spoils_only_itself() {
        let mut body = "<a>日本語のとても長い文字列".as_bytes().to_vec();
        body.push(0xff);
        body.extend_from_slice(b"</a>");
        let text = decode(&body, Some("text/xml; charset=utf-8"));
        assert!(text.contains("日本語") && text.ends_with("</a>"), "{text}");
    }

    #[test]
    fn nothing_is_too_odd() {
        for body in [&b""[..], &[0], &[0xff], &[0xfe, 0xff], &[0, 0, 0, 0], b"<?xml"] {
            let _text = decode(body, Some(";;charset=;=charset"));
        }
    }
}
