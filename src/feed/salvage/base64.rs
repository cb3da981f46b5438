//! Texts that Atom 0.3, and Atom 1.0 by its rule for other types, write in base64.
//!
//! Promises: all of it is read, or nothing is. Must not: guess that something is base64.

/// What was encoded. `None` when it isn't base64.
pub(super) fn bytes(written: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(written.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    let signs = written.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=');
    for sign in signs {
        bits = (bits << 6) | value(sign)?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    (bits == 0).then_some(bytes)
}

fn value(sign: u8) -> Option<u32> {
    Some(match sign {
        b'A'..=b'Z' => u32::from(sign - b'A'),
        b'a'..=b'z' => u32::from(sign - b'a') + 26,
        b'0'..=b'9' => u32::from(sign - b'0') + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_and_nothing_else() {
        for (written, expected) in [
            ("", Some("")),
            ("QQ==", Some("A")),
            ("QUI=", Some("AB")),
            ("QUJD", Some("ABC")),
            (" PGI+w6k8\n L2I+ ", Some("<b>é</b>")),
            ("QUJDRA", Some("ABCD")),
            ("plain text!", None),
            ("//8=", Some("\u{fffd}\u{fffd}")),
            ("QR==", None),
        ] {
            let text = bytes(written).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            assert_eq!(text.as_deref(), expected, "{written}");
        }
    }
}
