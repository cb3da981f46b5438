//! Markup → plain text on one line.
//!
//! Promises: one pass (two where a publisher escaped twice), no recursion, time linear in the input,
//! output bounded; no markup that a browser would render, no control character, NFC. Must not: fail,
//! or lose text that only looks like markup (`a < b`, `Vec<T>`).
//!
//! Feeds are careless about escaping (about six titles in a hundred are escaped once too often), so
//! three rules go beyond HTML. A reference whose ampersand is itself escaped (`&amp;#8217;`) is
//! decoded once more. What is left with a pair of known tags in it (`&lt;em&gt;…&lt;/em&gt;`) is
//! taken for markup that was escaped, and goes through once more; a lone tag (`the &lt;b&gt; tag`) is
//! what the author wrote of, and stays. A tag that HTML does not know is text.

use std::borrow::Cow;

use super::visible;

/// Bytes of text after which reading stops. The longest post of any platform has 63,206 characters
/// (Facebook); this leaves room for what folding takes away.
const TEXT_BYTES_MAX: usize = 300_000;

/// Bytes in which the end of a character reference is looked for: the longest name has 31.
const REFERENCE_BYTES_MAX: usize = 40;

/// Closing tags that are looked at to tell whether a text is markup escaped twice.
const CLOSERS_MAX: usize = 16;

/// Elements that separate words.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "button",
    "caption",
    "center",
    "col",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "frame",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hgroup",
    "hr",
    "html",
    "iframe",
    "img",
    "legend",
    "li",
    "main",
    "menu",
    "nav",
    "noscript",
    "object",
    "ol",
    "optgroup",
    "option",
    "p",
    "picture",
    "pre",
    "section",
    "select",
    "summary",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
    "video",
];

/// Elements that do not.
const INLINES: &[&str] = &[
    "a", "abbr", "acronym", "audio", "b", "base", "bdi", "bdo", "big", "blink", "canvas", "cite",
    "code", "colgroup", "data", "del", "dfn", "em", "embed", "font", "i", "input", "ins", "kbd",
    "label", "link", "map", "mark", "marquee", "math", "meta", "meter", "nobr", "output", "param",
    "path", "progress", "q", "rp", "rt", "ruby", "s", "samp", "script", "slot", "small", "source",
    "span", "strike", "strong", "style", "sub", "sup", "svg", "time", "track", "tt", "u", "var",
    "wbr",
];

/// Elements whose content is nothing to read.
const RAW: &[&str] = &["script", "style"];

/// The characters that Windows-1252 has at 0x80 to 0x9F, for references such as `&#150;` (HTML
/// standard, numeric character reference end state). A space is one that it lacks.
const WINDOWS_1252: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";

/// The text of markup, as one line that a person can read. Never has a control character in it; may
/// have `<` where the publisher meant one.
pub fn plain(markup: &str) -> String {
    let once = Strip::new(markup).run();
    let text = if is_escaped_markup(&once) { Strip::new(&once).run() } else { once };
    visible::tidy(&text)
}

/// Whether text that came out of markup is markup itself: it has a known closing tag behind its
/// opening one, or a `<br/>`.
fn is_escaped_markup(text: &str) -> bool {
    if text.contains("<br/>") || text.contains("<br />") {
        return true;
    }
    text.match_indices("</").take(CLOSERS_MAX).any(|(at, _)| {
        let name = tag_name(text.get(at + 2..).unwrap_or_default());
        let before = text.get(..at).unwrap_or_default();
        is_element(name)
            && (before.contains(&format!("<{name}>")) || before.contains(&format!("<{name} ")))
    })
}

/// The pass over markup.
struct Strip<'a> {
    markup: &'a str,
    at: usize,
    text: String,
    in_cdata: bool,
    /// A quotation mark was found that nothing closes: from then on they mean nothing in tags.
    ignores_quotes: bool,
}

impl<'a> Strip<'a> {
    fn new(markup: &'a str) -> Self {
        Self { markup, at: 0, text: String::new(), in_cdata: false, ignores_quotes: false }
    }

    fn run(mut self) -> String {
        // Where no `>` is left, no tag is.
        let last_end = self.markup.rfind('>').unwrap_or(0);
        while self.text.len() < TEXT_BYTES_MAX {
            let rest = self.rest();
            let Some(length) = rest.find(['<', '&', ']']) else {
                self.text.push_str(rest);
                break;
            };
            let (before, found) = rest.split_at_checked(length).unwrap_or((rest, ""));
            self.text.push_str(before);
            self.at += length;
            if found.starts_with('&') {
                self.reference(found);
            } else if self.in_cdata && found.starts_with("]]>") {
                self.in_cdata = false;
                self.at += 3;
            } else if !found.starts_with('<') || self.at >= last_end || !self.tag(found) {
                self.keep(1);
            }
        }
        let end = self.text.floor_char_boundary(TEXT_BYTES_MAX);
        self.text.truncate(end);
        self.text
    }

    fn rest(&self) -> &'a str {
        self.markup.get(self.at..).unwrap_or_default()
    }

    /// Takes some bytes as they are.
    fn keep(&mut self, length: usize) {
        self.text.push_str(self.rest().get(..length).unwrap_or_default());
        self.at += length;
    }

    /// Takes what a character reference stands for, or its `&` if it is none.
    fn reference(&mut self, found: &str) {
        let Some((mut decoded, mut length)) = reference(found) else {
            self.keep(1);
            return;
        };
        if decoded == "&" {
            // `&amp;#8217;`: the ampersand of a reference was escaped too.
            let again = format!("&{}", start_of(found.get(length..).unwrap_or_default()));
            if let Some((inner, inner_length)) = reference(&again)
                && again.get(..inner_length).is_some_and(|whole| whole.ends_with(';'))
            {
                decoded = inner;
                length += inner_length - 1;
            }
        }
        self.text.push_str(&decoded);
        self.at += length;
    }

    /// Steps over a tag, a comment or a declaration; false if it is none.
    fn tag(&mut self, found: &str) -> bool {
        if found.starts_with("<!--") {
            let end = found.get(4..).and_then(|rest| rest.find("-->"));
            self.at = end.map_or(self.markup.len(), |length| self.at + 4 + length + 3);
            return true;
        }
        if found.starts_with("<![CDATA[") {
            self.in_cdata = true;
            self.at += "<![CDATA[".len();
            return true;
        }
        let inside = found.get(1..).unwrap_or_default();
        if let Some(declaration) = inside.strip_prefix(['!', '?']) {
            let is_one = declaration.starts_with(|sign: char| sign.is_ascii_alphabetic());
            let end = found.find('>').filter(|_| is_one);
            self.at += end.map_or(0, |end| end + 1);
            return end.is_some();
        }
        let closing = inside.strip_prefix('/');
        let name = tag_name(closing.unwrap_or(inside));
        if !is_element(name) {
            return false;
        }
        let Some(length) = self.tag_length(found) else {
            return false;
        };
        self.at += length;
        if is_one_of(BLOCKS, name) {
            self.text.push(' ');
        } else if closing.is_none() && is_one_of(RAW, name) {
            self.skip_raw(name);
        }
        true
    }

    /// How long a tag is, `>` included, which may stand inside a quoted value too.
    fn tag_length(&mut self, found: &str) -> Option<usize> {
        if !self.ignores_quotes {
            let mut quote = None;
            let mut last = b' ';
            for (index, byte) in found.bytes().enumerate() {
                if let Some(open) = quote {
                    if byte == open {
                        quote = None;
                    }
                } else if byte == b'>' {
                    return Some(index + 1);
                } else if last == b'=' && matches!(byte, b'"' | b'\'') {
                    quote = Some(byte);
                }
                if !byte.is_ascii_whitespace() {
                    last = byte;
                }
            }
            self.ignores_quotes = true;
        }
        found.find('>').map(|index| index + 1)
    }

    /// Steps over what a script or a style sheet holds: to its closing tag, or to the end.
    fn skip_raw(&mut self, name: &str) {
        let rest = self.rest();
        let closer = rest.match_indices("</").find(|(index, _)| {
            tag_name(rest.get(index + 2..).unwrap_or_default()).eq_ignore_ascii_case(name)
        });
        self.at = closer.map_or(self.markup.len(), |(index, _)| self.at + index);
    }
}

/// The name that a tag starts with, if it starts with one.
fn tag_name(inside: &str) -> &str {
    if !inside.starts_with(|sign: char| sign.is_ascii_alphabetic()) {
        return "";
    }
    let end = inside.bytes().take(REFERENCE_BYTES_MAX).position(|byte| {
        !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'_' | b'.'))
    });
    end.and_then(|end| inside.get(..end)).unwrap_or_default()
}

/// Whether a name is one of HTML's, of a custom element or of another vocabulary.
fn is_element(name: &str) -> bool {
    name.contains(['-', ':']) || is_one_of(BLOCKS, name) || is_one_of(INLINES, name)
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The part of a text in which a reference ends.
fn start_of(text: &str) -> &str {
    text.get(..text.floor_char_boundary(REFERENCE_BYTES_MAX)).unwrap_or_default()
}

/// What the character reference stands for that a text starts with, and its length in bytes.
fn reference(text: &str) -> Option<(String, usize)> {
    let text = start_of(text);
    let inside = text.strip_prefix('&')?;
    if let Some(number) = inside.strip_prefix('#') {
        return numeric(number).map(|(sign, length)| (sign.to_string(), length + 2));
    }
    let name = inside.find(|sign: char| !sign.is_ascii_alphanumeric())?;
    let whole = text.get(..name + 2).filter(|whole| whole.ends_with(';'))?;
    match html_escape::decode_html_entities(whole) {
        Cow::Owned(decoded) => Some((decoded, whole.len())),
        Cow::Borrowed(_) => None,
    }
}

/// The character of a numeric reference, and the length of what follows its `#`. The semicolon may
/// be missing (HTML standard).
fn numeric(number: &str) -> Option<(char, usize)> {
    let hex = number.strip_prefix(['x', 'X']);
    let (digits, radix) = hex.map_or((number, 10), |hex| (hex, 16));
    let count = digits.chars().take_while(|digit| digit.is_digit(radix)).count();
    let digits = digits.get(..count).filter(|digits| !digits.is_empty())?;
    let length = count + usize::from(hex.is_some());
    let has_end = number.as_bytes().get(length) == Some(&b';');
    let code = u32::from_str_radix(digits, radix).unwrap_or(u32::MAX);
    let sign = match code {
        0 => char::REPLACEMENT_CHARACTER,
        0x80..=0x9F => {
            WINDOWS_1252.chars().nth(usize::try_from(code - 0x80).unwrap_or(0)).unwrap_or(' ')
        }
        other => char::from_u32(other).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    Some((sign, length + usize::from(has_end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_text_stays() {
        for (markup, text) in [
            ("<p>One</p><p>two<br>three</p>", "One two three"),
            ("in<b>line</b> and <em class=\"a>b\">more</em>", "inline and more"),
            ("a<!-- no --> b<style>p{}</style><SCRIPT>x<y</Script>c", "a bc"),
            ("<![CDATA[<b>x</b>]]> y]]>", "x y]]>"),
            ("<!DOCTYPE html><?xml version=\"1.0\"?>z", "z"),
            ("<a href='x>text", "text"),
            ("a < b, 1<2, 3>2, x <3", "a < b, 1<2, 3>2, x <3"),
            ("Vec<T>, List<String> and <stdio.h>", "Vec<T>, List<String> and <stdio.h>"),
            ("cut off <a href=\"", "cut off <a href=\""),
            ("a <!-- open", "a <!-- open"),
            ("a <!-- open > b", "a"),
            ("<o:p>x</o:p><my-tag>y</my-tag>", "xy"),
        ] {
            assert_eq!(plain(markup), text, "{markup}");
        }
    }

    #[test]
    fn references_are_decoded() {
        for (markup, text) in [
            ("AT&amp;T &copy; &hellip; &#8217;&#x2019;", "AT&T © … ’’"),
            ("1990&#150;2000 &#x80; &#129;x", "1990–2000 € x"),
            ("&#0;&#xD800;&#99999999999;", "\u{FFFD}\u{FFFD}\u{FFFD}"),
            ("AT&T &nosuch; & &; &#; &#x; R&D", "AT&T &nosuch; & &; &#; &#x; R&D"),
            ("&#7;a&#x202E;b&NewLine;c&nbsp;d", "ab c d"),
            ("&#8217 &amp", "’ &amp"),
        ] {
            assert_eq!(plain(markup), text, "{markup}");
        }
    }

    #[test]
    fn what_was_escaped_twice_is_decoded_twice() {
        for (markup, text) in [
            ("AT&amp;amp;T", "AT&T"),
            ("It&amp;#8217;s &amp;quot;it&amp;quot;", "It’s \"it\""),
            ("&lt;em&gt;How&lt;/em&gt; it works", "How it works"),
            ("&lt;p class=\"x\"&gt;One&lt;/p&gt;&lt;p&gt;two&lt;/p&gt;", "One two"),
            ("one&lt;br /&gt;two", "one two"),
            ("The &lt;b&gt; tag", "The <b> tag"),
            ("Vec&lt;T&gt; &amp;lt;b&amp;gt;", "Vec<T> <b>"),
        ] {
            assert_eq!(plain(markup), text, "{markup}");
        }
    }

    #[test]
    fn the_tables_are_whole() {
        assert_eq!(WINDOWS_1252.chars().count(), 32);
        assert!(BLOCKS.is_sorted() && INLINES.is_sorted());
    }

    #[test]
    fn hostile_markup_ends_and_stays_bounded() {
        for piece in [
            "<",
            "<div>",
            "<!--",
            "<![CDATA[",
            "<b \">\" ",
            "<b a=\">\" <b c='",
            "&",
            "&amp;",
            "&#",
            "<script>",
            "</",
            "<a ",
            "]]>",
            "&lt;b&gt;&lt;/b&gt;",
            "e\u{301}",
            "\u{202E}",
            "<!a ",
            "a\u{301}\u{316}",
        ] {
            let text = plain(&piece.repeat(1_000_000 / piece.len()));
            assert!(text.len() <= 3 * TEXT_BYTES_MAX, "{piece}");
            assert!(!text.contains(char::is_control), "{piece}");
        }
    }
}
