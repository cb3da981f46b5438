//! Markup → tokens, for readers that must not fail.
//!
//! Promises: every text has a sequence of tokens, found in one pass of linear time; comments,
//! declarations and processing instructions are passed over. Must not: check anything, resolve
//! references, or know a single element by name.

/// A piece of markup, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A start tag.
    Start {
        /// Its name, with prefix.
        name: &'a str,
        /// All that stands between name and end.
        attributes: &'a str,
        /// Whether it ends with `/>`.
        closed: bool,
    },
    /// An end tag: its name, with prefix.
    End(&'a str),
    /// Text with references in it.
    Text(&'a str),
    /// What a CDATA section holds.
    Data(&'a str),
    /// The text ends within a tag, a comment or a CDATA section.
    Cut,
}

/// The tokens of a text.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Passes over `opening` and all up to `ending`; gives what stood between.
    fn span(&mut self, opening: usize, ending: &str) -> Option<&'a str> {
        let inside = self.rest.get(opening..).unwrap_or_default();
        if let Some((inside, rest)) = inside.split_once(ending) {
            self.rest = rest;
            Some(inside)
        } else {
            self.rest = "";
            None
        }
    }

    /// A document type, with its internal subset.
    fn declaration(&mut self) -> Option<()> {
        let (head, after) = self.rest.split_once('>')?;
        self.rest = match head.split_once('[') {
            None => after,
            Some((before, _)) => {
                let (_, subset) = self.rest.split_at(before.len());
                let (_, after) = subset.split_once(']')?;
                after.split_once('>')?.1
            }
        };
        Some(())
    }

    fn tag(&mut self) -> Option<Token<'a>> {
        if self.rest.starts_with("</") {
            return self.span(2, ">").map(|name| Token::End(first_word(name)));
        }
        let inside = self.rest.strip_prefix('<')?;
        let end = tag_end(inside).or_else(|| inside.find('>'));
        let Some(end) = end else {
            self.rest = "";
            return None;
        };
        let (tag, rest) = inside.split_at(end);
        self.rest = rest.strip_prefix('>').unwrap_or(rest);
        let open = tag.strip_suffix('/');
        let tag_text = open.unwrap_or(tag);
        let name = first_word(tag_text);
        Some(Token::Start {
            name,
            attributes: tag_text.strip_prefix(name).unwrap_or_default(),
            closed: open.is_some(),
        })
    }

    /// Text up to the next `<`; one that begins no markup is text itself.
    fn text(&mut self) -> Token<'a> {
        // Of several in a row at most the last one begins markup.
        let run = self.rest.bytes().take_while(|byte| *byte == b'<').count();
        let skip = if run > 1 { run - 1 } else { run };
        let next = self
            .rest
            .get(skip..)
            .and_then(|rest| rest.find('<'))
            .map_or(self.rest.len(), |at| at + skip);
        let (text, rest) = self.rest.split_at(next);
        self.rest = rest;
        Token::Text(text)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            if self.rest.starts_with("<![CDATA[") {
                return Some(self.span(9, "]]>").map_or(Token::Cut, Token::Data));
            }
            let passed = if self.rest.starts_with("<!--") {
                self.span(4, "-->").is_some()
            } else if self.rest.starts_with("<?") {
                self.span(2, ">").is_some()
            } else if self.rest.starts_with("<!") {
                self.declaration().is_some()
            } else if begins_tag(self.rest) {
                return Some(self.tag().unwrap_or(Token::Cut));
            } else {
                return Some(self.text());
            };
            if !passed {
                self.rest = "";
                return Some(Token::Cut);
            }
        }
    }
}

fn begins_tag(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('<') else {
        return false;
    };
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    rest.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default()
}

/// Where a start tag ends, heeding quotes. `None` when a quote is not closed before the next `<`:
/// then the quote is broken, and the next `>` has to do.
fn tag_end(inside: &str) -> Option<usize> {
    let mut quote: Option<char> = None;
    for (at, c) in inside.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at),
            (_, '<') => return None,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None | Some(_), _) => {}
        }
    }
    None
}

/// The attributes of a start tag: names as written, values as written.
pub(super) fn attributes(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let Some(value) = after.trim_start().strip_prefix('=') else {
            rest = after;
            return Some((name, ""));
        };
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => {
                let value = value.strip_prefix(quote).unwrap_or_default();
                value.split_once(quote).unwrap_or((value, ""))
            }
            None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        rest = after;
        Some((name, value))
    })
}

/// The value of one attribute, by its whole name in any case.
pub(super) fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    attributes(text).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sound_and_broken_markup_has_tokens() {
        let start = |name, attributes, closed| Token::Start { name, attributes, closed };
        let text =
            "<!DOCTYPE r [<!ENTITY a \"b\">]><r a='>'>1 < 2<!-- <x> --><b/><![CDATA[<c>]]></r>";
        let tokens: Vec<_> = Tokens::new(text).collect();
        assert_eq!(
            tokens,
            [
                start("r", " a='>'", false),
                Token::Text("1 "),
                Token::Text("< 2"),
                start("b", "", true),
                Token::Data("<c>"),
                Token::End("r"),
            ]
        );
        let cut: Vec<_> = Tokens::new("<a><![CDATA[x").collect();
        assert_eq!(cut, [start("a", "", false), Token::Cut]);
    }

    #[test]
    fn attributes_are_read_in_every_spelling() {
        let found: Vec<_> = attributes(" a=\"1\" b = '2' c=3 d e='x > y'").collect();
        assert_eq!(found, [("a", "1"), ("b", "2"), ("c", "3"), ("d", ""), ("e", "x > y")]);
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "[<>/!\\[\\]\"'a =&;-]{0,60}") {
            prop_assert!(Tokens::new(&text).count() <= text.len());
            prop_assert!(attributes(&text).count() <= text.len());
        }
    }
}
