//! Character references → characters.
//!
//! Promises: linear time; every reference of HTML is known, with decimal and hexadecimal numbers in
//! any case; what is none stays as it is, and a number that is no character is dropped. Must not:
//! decode twice.

use std::borrow::Cow;

/// No reference is longer: the longest name of HTML has 31 letters.
const LENGTH_MAX: usize = 40;

/// The text with its references decoded.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('&') else {
        return Cow::Borrowed(text);
    };
    let (head, mut rest) = text.split_at(first);
    let mut out = String::with_capacity(text.len());
    out.push_str(head);
    while let Some(after) = rest.strip_prefix('&') {
        let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
        let end = after.bytes().take(LENGTH_MAX).take_while(in_name).count();
        let name = after.get(..end).filter(|_| after.as_bytes().get(end) == Some(&b';'));
        rest = match name {
            Some(name) if push(&mut out, name) => after.get(name.len() + 1..).unwrap_or_default(),
            Some(_) | None => {
                out.push('&');
                after
            }
        };
        let plain = rest.find('&').unwrap_or(rest.len());
        let (text, further) = rest.split_at(plain);
        out.push_str(text);
        rest = further;
    }
    Cow::Owned(out)
}

/// Appends what a reference stands for. `false` when it stands for nothing.
fn push(out: &mut String, name: &str) -> bool {
    let known = match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        "nbsp" => "\u{a0}",
        _ => "",
    };
    if !known.is_empty() {
        out.push_str(known);
        return true;
    }
    if let Some(number) = name.strip_prefix('#') {
        let (digits, radix) = match number.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16),
            None => (number, 10),
        };
        if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
            return false;
        }
        let code = u32::from_str_radix(digits, radix).ok();
        out.extend(code.and_then(char::from_u32).filter(|c| *c != '\0'));
        return true;
    }
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    let reference = format!("&{name};");
    let text = html_escape::decode_html_entities(&reference);
    let is_known = text != reference;
    if is_known {
        out.push_str(&text);
    }
    is_known
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn references_are_decoded_once() {
        for (text, expected) in [
            ("a &amp; b &lt;i&gt; &quot;&apos;", "a & b <i> \"'"),
            ("&amp;amp; &amp;lt;", "&amp; &lt;"),
            ("&eacute;&nbsp;&hellip;&CounterClockwiseContourIntegral;", "é\u{a0}…∳"),
            ("&#65;&#x42;&#X43;&#128512;", "ABC😀"),
            ("a&#0;b&#xD800;c&#99999999;d", "abcd"),
            (
                "AT&T, a & b; ?x=1&y=2 &nosuch; &; &#; &#-1; &#a; &#x; &#xg;",
                "AT&T, a & b; ?x=1&y=2 &nosuch; &; &#; &#-1; &#a; &#x; &#xg;",
            ),
            ("&", "&"),
            ("&&amp;&", "&&&"),
        ] {
            assert_eq!(decoded(text), expected, "{text}");
        }
        assert!(matches!(decoded("plain"), Cow::Borrowed("plain")));
    }

    proptest! {
        #[test]
        fn what_the_library_decodes_is_decoded_the_same(text in "(&(amp|lt|eacute|copy|Omega|x);|[a-z&;# é]|&#[4-9][0-9];){0,20}") {
            let expected = html_escape::decode_html_entities(&text).into_owned();
            prop_assert_eq!(decoded(&text).into_owned(), expected);
        }
    }
}
