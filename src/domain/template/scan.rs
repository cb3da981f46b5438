//! Which part of Jinja a template may use, and whether all names in it exist.
//!
//! Promises: what passes has no means to grow without bound (no assignment, macro, include,
//! multiplication or call), takes no text apart within a character (no slice), and names only
//! variables, filters and patterns that are there, also where no entry would lead. Must not: check
//! the syntax; the engine does.

use std::collections::{BTreeMap, BTreeSet};

use super::filters::{self, FILTERS};
use super::{Fault, marks};

/// Statements that there are.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// Variables that there are.
const VARIABLES: [&str; 14] = [
    "title",
    "summary",
    "content",
    "link",
    "author",
    "authors",
    "categories",
    "hashtags",
    "language",
    "date",
    "feed",
    "platform",
    "profile",
    "values",
];

/// Words of the language that are no variables.
const WORDS: [&str; 17] = [
    "and", "or", "not", "in", "is", "if", "else", "elif", "for", "endif", "endfor", "true", "True",
    "false", "False", "none", "None",
];

/// What can be asked of a value by `is`.
const TESTS: [&str; 2] = ["defined", "undefined"];

/// Texts that one template may join by `~` or `+`: each join copies what was joined before.
const JOINS_MAX: usize = 32;

/// Words and signs of one `{{ … }}` or `{% … %}`.
const TOKENS_MAX: usize = 200;

/// Blocks, brackets and words such as `not` in a row: the engine goes one level down for each.
const DEPTH_MAX: usize = 32;

/// A piece of what stands in `{{ … }}` or `{% … %}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Text(&'a str),
    Number,
    Sign(char),
    /// The start of a block; whether it is a statement.
    Begin(bool),
    End,
}

/// The names of variables in a template that may run.
pub(super) fn scan(
    source: &str,
    values: &BTreeMap<String, String>,
) -> Result<BTreeSet<String>, Fault> {
    if let Some((at, _)) = source.char_indices().find(|(_, sign)| marks::is_mark(*sign)) {
        return Err(fault(at, "a private character stands here", "take it out"));
    }
    let tokens = tokens(source);
    let mut check = Check {
        tokens: &tokens,
        values,
        loop_names: BTreeSet::new(),
        used: BTreeSet::new(),
        joins: 0,
        depth: 0,
        blocks: 0,
        count: 0,
    };
    check.learn_loop_names();
    for index in 0..tokens.len() {
        check.token(index)?;
    }
    Ok(check.used)
}

fn fault(at: usize, what: impl Into<String>, remedy: impl Into<String>) -> Fault {
    Fault { at: Some(at), what: what.into(), remedy: remedy.into() }
}

struct Check<'a> {
    tokens: &'a [(usize, Token<'a>)],
    values: &'a BTreeMap<String, String>,
    loop_names: BTreeSet<&'a str>,
    used: BTreeSet<String>,
    joins: usize,
    depth: usize,
    blocks: usize,
    count: usize,
}

impl<'a> Check<'a> {
    fn get(&self, index: usize) -> Option<Token<'a>> {
        self.tokens.get(index).map(|(_, token)| *token)
    }

    /// The token `back` places in front of one.
    fn before(&self, index: usize, back: usize) -> Option<Token<'a>> {
        index.checked_sub(back).and_then(|index| self.get(index))
    }

    /// The names between `for` and `in`.
    fn learn_loop_names(&mut self) {
        for index in 0..self.tokens.len() {
            if self.get(index) != Some(Token::Name("for")) {
                continue;
            }
            for at in index + 1..self.tokens.len() {
                match self.get(at) {
                    Some(Token::Name("in") | Token::End) | None => break,
                    Some(Token::Name(name)) => {
                        self.loop_names.insert(name);
                    }
                    Some(_) => {}
                }
            }
        }
    }

    fn token(&mut self, index: usize) -> Result<(), Fault> {
        let Some((at, token)) = self.tokens.get(index).copied() else { return Ok(()) };
        self.count += 1;
        if self.count > TOKENS_MAX {
            return Err(fault(
                at,
                format!("more than {TOKENS_MAX} words and signs in one pair of braces"),
                "make it simpler",
            ));
        }
        match token {
            Token::Begin(is_statement) => {
                (self.depth, self.count) = (0, 0);
                if is_statement { self.statement(index) } else { Ok(()) }
            }
            Token::Name(name) => self.name(index, at, name),
            Token::Sign(sign) => self.sign(index, at, sign),
            Token::Text(_) | Token::Number | Token::End => Ok(()),
        }
    }

    fn statement(&mut self, index: usize) -> Result<(), Fault> {
        let Some((at, Token::Name(name))) = self.tokens.get(index + 1).copied() else {
            return Ok(());
        };
        match name {
            "if" | "for" => self.blocks += 1,
            "endif" | "endfor" => self.blocks = self.blocks.saturating_sub(1),
            _ if STATEMENTS.contains(&name) => {}
            _ => {
                let all = format!("there are {}", STATEMENTS.join(", "));
                return Err(fault(at, format!("no statement `{name}`"), all));
            }
        }
        not_too_deep(at, self.blocks)
    }

    fn sign(&mut self, index: usize, at: usize, sign: char) -> Result<(), Fault> {
        match sign {
            '*' => Err(fault(at, "there is no multiplication", "leave it out")),
            '{' | '}' => Err(fault(at, "there are no tables", "leave the brace out")),
            ':' => Err(fault(
                at,
                "texts and lists can't be sliced",
                "`truncate(80)` shortens by X's count, `truncate(words=12)` by words",
            )),
            '~' | '+' => {
                self.joins += 1;
                if self.joins > JOINS_MAX {
                    return Err(fault(
                        at,
                        format!("more than {JOINS_MAX} texts are joined"),
                        "write them side by side",
                    ));
                }
                Ok(())
            }
            '(' | '[' => {
                self.depth += 1;
                not_too_deep(at, self.depth)?;
                let is_filter = self.before(index, 2) == Some(Token::Sign('|'));
                match self.before(index, 1) {
                    Some(Token::Name(name))
                        if sign == '(' && !is_filter && !WORDS.contains(&name) =>
                    {
                        Err(fault(
                            at,
                            format!("`{name}` can't be called"),
                            "there are filters: `{{ title | upper }}`",
                        ))
                    }
                    Some(Token::Sign(')' | ']') | Token::Text(_)) if sign == '(' => {
                        Err(fault(at, "nothing can be called here", ""))
                    }
                    _ => Ok(()),
                }
            }
            '-' => {
                // Signs in front of a number are as deep as they are many.
                self.depth += 1;
                not_too_deep(at, self.depth)
            }
            ')' | ']' => {
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn name(&mut self, index: usize, at: usize, name: &'a str) -> Result<(), Fault> {
        match (self.before(index, 1), self.before(index, 2)) {
            (Some(Token::Sign('|')), _) => return self.filter(index, at, name),
            (Some(Token::Sign('.')), Some(Token::Name(owner))) => {
                return self.attribute(index, at, (owner, name));
            }
            (Some(Token::Sign('.')), _) => return Ok(()),
            (Some(Token::Name("is")), _) if name != "not" => return test(at, name),
            (Some(Token::Name("not")), Some(Token::Name("is"))) => return test(at, name),
            _ => {}
        }
        if matches!(name, "not" | "if" | "else") {
            self.depth += 1;
            not_too_deep(at, self.depth)?;
        }
        if name == "recursive" {
            return Err(fault(at, "loops can't be recursive", "leave `recursive` out"));
        }
        let is_argument = self.get(index + 1) == Some(Token::Sign('='))
            && self.get(index + 2) != Some(Token::Sign('='))
            && matches!(self.before(index, 1), Some(Token::Sign('(' | ',')));
        if is_argument || WORDS.contains(&name) || self.loop_names.contains(name) || name == "loop"
        {
            return Ok(());
        }
        if matches!(self.before(index, 1), Some(Token::Begin(true))) {
            return Ok(());
        }
        if VARIABLES.contains(&name) {
            self.used.insert(name.to_owned());
            return Ok(());
        }
        Err(fault(at, format!("no variable `{name}`"), these(&VARIABLES)))
    }

    fn attribute(&self, index: usize, at: usize, (owner, name): (&str, &str)) -> Result<(), Fault> {
        let no = |known: String| Err(fault(at, format!("`{owner}` has no `{name}`"), known));
        match owner {
            "feed" if !matches!(name, "name" | "title") => {
                no("there are feed.name and feed.title".to_owned())
            }
            "values" if !self.values.contains_key(name) => {
                let next = (self.get(index + 1), self.get(index + 2));
                let asks = matches!(
                    next,
                    (Some(Token::Sign('|')), Some(Token::Name("default")))
                        | (Some(Token::Name("is")), _)
                );
                let remedy = format!(
                    "write `values = {{ {name} = \"…\" }}`, or `{{{{ values.{name} | default(\"…\") }}}}`"
                );
                if asks { Ok(()) } else { no(remedy) }
            }
            _ if VARIABLES.contains(&owner) && owner != "feed" && owner != "values" => {
                no("it is a text or a list".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn filter(&self, index: usize, at: usize, name: &str) -> Result<(), Fault> {
        if !FILTERS.contains(&name) {
            return Err(fault(at, format!("no filter `{name}`"), these(&FILTERS)));
        }
        if !matches!(name, "regex_replace" | "date") {
            return Ok(());
        }
        let argument = (self.get(index + 1), self.tokens.get(index + 2));
        let (Some(Token::Sign('(')), Some((at, Token::Text(typed)))) = argument else {
            return Err(fault(
                at,
                format!("`{name}` wants a text in quotation marks"),
                if name == "date" {
                    "`date(\"%d.%m.%Y\")`"
                } else {
                    "`regex_replace(\"[0-9]+\", \"#\")`"
                },
            ));
        };
        if name == "regex_replace" && typed.replace("\\\\", "").contains("\\b") {
            return Err(fault(
                *at,
                "`\\b` is a backspace in a text",
                "for the end of a word write `\\\\b`",
            ));
        }
        let typed = filters::unescaped(typed);
        let checked = if name == "date" {
            filters::date_format(&typed)
        } else {
            filters::pattern(&typed).map(|_| ())
        };
        checked.map_err(|what| fault(*at, what, ""))
    }
}

fn not_too_deep(at: usize, depth: usize) -> Result<(), Fault> {
    if depth > DEPTH_MAX {
        return Err(fault(at, format!("nested more than {DEPTH_MAX} deep"), "make it simpler"));
    }
    Ok(())
}

fn test(at: usize, name: &str) -> Result<(), Fault> {
    if TESTS.contains(&name) {
        return Ok(());
    }
    Err(fault(at, format!("nothing can be asked by `is {name}`"), these(&TESTS)))
}

fn these(names: &[&str]) -> String {
    format!("there are {}", names.join(", "))
}

/// All tokens of all blocks, with their places.
fn tokens(source: &str) -> Vec<(usize, Token<'_>)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some((start, opener)) = opener(source, at) {
        at = start + 2;
        if opener == '#' {
            at = source
                .get(at..)
                .and_then(|rest| rest.find("#}"))
                .map_or(source.len(), |end| at + end + 2);
            continue;
        }
        tokens.push((start, Token::Begin(opener == '%')));
        let closer = if opener == '%' { "%}" } else { "}}" };
        while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with(closer) {
                tokens.push((at, Token::End));
                at += closer.len();
                break;
            }
            let (token, length) = token(rest);
            if let Some(token) = token {
                tokens.push((at, token));
            }
            at += length;
        }
    }
    tokens
}

/// The next `{{`, `{%` or `{#`, by its second character.
fn opener(source: &str, from: usize) -> Option<(usize, char)> {
    source.get(from..)?.match_indices('{').find_map(|(at, _)| {
        let second = source.get(from + at + 1..)?.chars().next()?;
        matches!(second, '{' | '%' | '#').then_some((from + at, second))
    })
}

/// The token at the start of a text that is not empty, if it is not white space; and its length.
fn token(rest: &str) -> (Option<Token<'_>>, usize) {
    let run = |is: fn(char) -> bool| rest.find(|sign| !is(sign)).unwrap_or(rest.len());
    let first = rest.chars().next().unwrap_or(' ');
    match first {
        '"' | '\'' => {
            let mut is_escaped = false;
            let end = rest.char_indices().skip(1).find_map(|(at, sign)| {
                let ends = sign == first && !is_escaped;
                is_escaped = sign == '\\' && !is_escaped;
                ends.then_some(at)
            });
            let inner = rest.get(1..end.unwrap_or(rest.len())).unwrap_or_default();
            (Some(Token::Text(inner)), end.map_or(rest.len(), |end| end + 1))
        }
        _ if first.is_ascii_digit() => {
            (Some(Token::Number), run(|sign| sign.is_ascii_alphanumeric() || sign == '_'))
        }
        _ if first.is_alphabetic() || first == '_' => {
            let length = run(|sign| sign.is_alphanumeric() || sign == '_');
            (Some(Token::Name(rest.get(..length).unwrap_or_default())), length)
        }
        _ if first.is_whitespace() => (None, first.len_utf8()),
        _ => (Some(Token::Sign(first)), first.len_utf8()),
    }
}
