//! How a text was typed in the file, so that a place in it can be told by line and column.
//!
//! Promises: the place in the file of each byte of the text, whatever its quotation marks and
//! escapes. Must not: be shown or logged: it is the source.

/// A text of the file with its quotation marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typed {
    line: usize,
    column: usize,
    source: String,
}

impl Typed {
    /// A text that begins, with its quotation mark, at this line and column (from 1).
    pub(super) fn new(line: usize, column: usize, source: &str) -> Self {
        Self { line, column, source: source.to_owned() }
    }

    /// Line and column (from 1, in characters) of a byte of the text's value.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let is_basic = self.source.starts_with('"');
        let is_long = self.source.starts_with("\"\"\"") || self.source.starts_with("'''");
        let marks = if is_long { 3 } else { 1 };
        let mut here = (self.line, self.column + marks);
        let mut rest = self.source.get(marks..).unwrap_or_default();
        // A line break right behind three marks is no part of the value.
        let after = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'));
        if let (true, Some(after)) = (is_long, after) {
            rest = after;
            here = (here.0 + 1, 1);
        }
        let mut value = 0;
        while value < at {
            let Some(piece) = Piece::first(rest, is_basic) else { break };
            value += piece.value;
            if value > at {
                break;
            }
            for sign in rest.get(..piece.source).unwrap_or_default().chars() {
                here = if sign == '\n' { (here.0 + 1, 1) } else { (here.0, here.1 + 1) };
            }
            rest = rest.get(piece.source..).unwrap_or_default();
        }
        here
    }
}

/// A character of the source, or an escape: how many bytes it has there and in the value.
struct Piece {
    source: usize,
    value: usize,
}

impl Piece {
    fn first(rest: &str, is_basic: bool) -> Option<Self> {
        let sign = rest.chars().next()?;
        if !is_basic || sign != '\\' {
            return Some(Self { source: sign.len_utf8(), value: sign.len_utf8() });
        }
        let escaped = rest.get(1..)?;
        Some(match escaped.chars().next()? {
            'u' => Self::code(escaped, 4),
            'U' => Self::code(escaped, 8),
            'x' => Self::code(escaped, 2),
            // The line goes on where the next one's text begins.
            sign if sign.is_whitespace() => {
                Self { source: 1 + escaped.len() - escaped.trim_start().len(), value: 0 }
            }
            sign => Self { source: 1 + sign.len_utf8(), value: 1 },
        })
    }

    fn code(escaped: &str, digits: usize) -> Self {
        let sign = escaped
            .get(1..=digits)
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32);
        Self { source: 2 + digits, value: sign.map_or(1, char::len_utf8) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of the `@` in a value, as TOML reads it.
    fn place(source: &str) -> (usize, usize) {
        let toml = format!("# 1\nkey = {source}\n");
        let table: std::collections::BTreeMap<String, String> =
            toml::from_str(&toml).expect("TOML");
        Typed::new(2, 7, source).place(table["key"].find('@').expect("an @"))
    }

    #[test]
    fn each_way_of_writing_a_text_has_its_places() {
        for (source, expected) in [
            ("\"ab@\"", (2, 10)),
            ("'ab@'", (2, 10)),
            ("'a\\b@'", (2, 11)),
            ("\"ü\\n\\u00e9\\U0001F600\\\"@\"", (2, 29)),
            ("\"\"\"@\"\"\"", (2, 10)),
            ("\"\"\"\n@\"\"\"", (3, 1)),
            ("'''\n\na @'''", (4, 3)),
            ("\"\"\"a\n  b \\\n     c@\"\"\"", (4, 7)),
            ("'''\r\na\r\n @'''", (4, 2)),
        ] {
            assert_eq!(place(source), expected, "{source}");
        }
    }
}
