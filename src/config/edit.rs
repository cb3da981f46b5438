//! Feeds put into the config file and taken out of it, by their own lines and no other.
//!
//! Promises: what is not touched stays byte for byte; a change that would alter anything else, or
//! leave a config that does not load, is refused before a byte is written; the file is replaced
//! whole or not at all, with its mode and owner. Must not: read a secret.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::environment::Environment;
use super::{Complaints, Config, load};

/// A feed to be put into the config.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewFeed {
    /// Its keys with their values, `name` and `url` first.
    pub keys: Vec<(String, Value)>,
}

/// Why a config file can't be changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It can't be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no TOML.
    #[error("{} is no TOML: `tidings check` says where", .0.display())]
    Syntax(PathBuf),
    /// The feed's lines can't be told from others.
    #[error(
        "{} holds its feeds in another way than as [[feed]] tables with all their lines together: change it by hand", .0.display()
    )]
    Tangled(PathBuf),
    /// Somebody else changed it meanwhile.
    #[error("{} was changed by somebody else meanwhile: nothing was written; try again", .0.display())]
    Changed(PathBuf),
    /// It can't be written.
    #[error("cannot write {}: nothing was changed", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A config file while it is being changed.
#[derive(Debug, Clone)]
pub struct Draft {
    path: PathBuf,
    original: String,
    text: String,
}

impl Draft {
    /// Reads a config file.
    ///
    /// # Errors
    ///
    /// Where it can't be read or is no TOML.
    pub fn open(path: &Path) -> Result<Self, EditError> {
        // What a link points to is changed, and the link stays.
        let read = |source| EditError::Read { path: path.to_owned(), source };
        let path = fs::canonicalize(path).map_err(read)?;
        let text = fs::read_to_string(&path).map_err(read)?;
        let draft = Self { path, original: text.clone(), text };
        draft.table()?;
        Ok(draft)
    }

    /// A text for a config file that is not there yet; [`Draft::save`] is not for it.
    ///
    /// # Errors
    ///
    /// Where it is no TOML.
    pub fn begin(path: &Path, text: String) -> Result<Self, EditError> {
        let draft = Self { path: path.to_owned(), original: String::new(), text };
        draft.table()?;
        Ok(draft)
    }

    /// Its feeds as typed, with what they inherit from `[defaults.feed]`.
    ///
    /// # Errors
    ///
    /// Where they are not a list of tables.
    pub fn feeds(&self) -> Result<Vec<Table>, EditError> {
        let root = self.table()?;
        let tangled = || EditError::Tangled(self.path.clone());
        let defaults = root.get("defaults").and_then(|it| it.get("feed")).and_then(Value::as_table);
        let Some(feeds) = root.get("feed") else {
            return Ok(Vec::new());
        };
        let feeds = feeds.as_array().ok_or_else(tangled)?;
        feeds
            .iter()
            .map(|feed| {
                let mut whole = defaults.cloned().unwrap_or_default();
                whole.extend(feed.as_table().ok_or_else(tangled)?.clone());
                Ok(whole)
            })
            .collect()
    }

    /// Puts a feed at the end.
    ///
    /// # Errors
    ///
    /// Where the file holds its feeds in another way than as `[[feed]]`.
    pub fn add(&mut self, feed: &NewFeed) -> Result<(), EditError> {
        let mut expected = self.table()?;
        let list = expected.entry("feed").or_insert_with(|| Value::Array(Vec::new()));
        let list = list.as_array_mut().ok_or_else(|| EditError::Tangled(self.path.clone()))?;
        list.push(Value::Table(feed.keys.iter().cloned().collect()));
        let mut lines = vec![String::new(), "[[feed]]".to_owned()];
        lines.extend(feed.keys.iter().map(|(key, value)| format!("{key} = {}", inline(value))));
        let end = self.line_end();
        let mut text = self.text.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str(end);
        }
        for line in lines {
            text.push_str(&line);
            text.push_str(end);
        }
        self.take(text, &expected)
    }

    /// Takes a feed out. Comments above it stay; those between its keys go with it.
    ///
    /// # Errors
    ///
    /// Where its lines can't be told from others. Gives whether there was such a feed.
    pub fn remove(&mut self, name: &str) -> Result<bool, EditError> {
        let mut expected = self.table()?;
        let is_it =
            |feed: &Value| feed.get("name").and_then(Value::as_str).is_some_and(|it| it == name);
        let feeds = expected.get_mut("feed").and_then(Value::as_array_mut);
        let Some((feeds, at)) =
            feeds.and_then(|feeds| feeds.iter().position(is_it).map(|at| (feeds, at)))
        else {
            return Ok(false);
        };
        feeds.remove(at);
        if feeds.is_empty() {
            expected.remove("feed");
        }
        let tangled = || EditError::Tangled(self.path.clone());
        let range = self.lines_of(at).ok_or_else(tangled)?;
        let (before, rest) = self.text.split_at_checked(range.start).ok_or_else(tangled)?;
        let after = rest.get(range.len()..).ok_or_else(tangled)?;
        self.take(format!("{before}{after}"), &expected)?;
        Ok(true)
    }

    /// The bytes of the n-th feed: from the blank line above its header to the end of its last value's line.
    fn lines_of(&self, feed: usize) -> Option<Range<usize>> {
        let root = DeTable::parse(&self.text).ok()?;
        let DeValue::Array(feeds) = root.get_ref().get("feed")?.get_ref() else {
            return None;
        };
        let feed = feeds.get(feed)?;
        let header = feed.span();
        let end = std::cmp::max(header.end, end_of(feed.get_ref()));
        let end = self.text.get(end..)?.find('\n').map_or(self.text.len(), |line| end + line + 1);
        let before = self.text.get(..header.start)?;
        let start = before.rfind('\n').map_or(0, |line| line + 1);
        // One blank line above goes with it, as it came with it.
        let above = self.text.get(..start)?;
        let blank = ["\r\n", "\n"].into_iter().find(|line_end| {
            let rest = above.strip_suffix(*line_end);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('\n'))
        });
        Some(start.saturating_sub(blank.map_or(0, str::len))..end)
    }

    /// Takes a new text, if it says what it should and nothing else.
    fn take(&mut self, text: String, expected: &Table) -> Result<(), EditError> {
        if text.parse::<Table>().ok().as_ref() != Some(expected) {
            return Err(EditError::Tangled(self.path.clone()));
        }
        self.text = text;
        Ok(())
    }

    fn table(&self) -> Result<Table, EditError> {
        self.text.parse().map_err(|_| EditError::Syntax(self.path.clone()))
    }

    fn line_end(&self) -> &'static str {
        let first = self.text.split_inclusive('\n').next().unwrap_or_default();
        if first.ends_with("\r\n") { "\r\n" } else { "\n" }
    }

    /// The text as it would be written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What would be loaded.
    ///
    /// # Errors
    ///
    /// Everything that would be wrong, at once; lines are those of the new text.
    pub fn check(&self, environment: &Environment) -> Result<Config, Complaints> {
        load::of_text(&self.path, &self.text, environment)
    }

    /// Replaces the file.
    ///
    /// # Errors
    ///
    /// Where somebody changed it since it was read, or it can't be written.
    pub fn save(&self) -> Result<(), EditError> {
        let write = |source| EditError::Write { path: self.path.clone(), source };
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let beside = self.path.with_file_name(format!(".{name}.{}.new", std::process::id()));
        let written = self.write_beside(&beside).map_err(write);
        let done = written.and_then(|()| {
            if fs::read_to_string(&self.path).is_ok_and(|now| now == self.original) {
                fs::rename(&beside, &self.path).map_err(write)
            } else {
                Err(EditError::Changed(self.path.clone()))
            }
        });
        if done.is_err() {
            // It may not have come into being at all.
            drop(fs::remove_file(&beside));
        }
        done?;
        if let Some(folder) = self.path.parent() {
            // That the new name survives a power cut; the file is good either way.
            drop(File::open(folder).and_then(|folder| folder.sync_all()));
        }
        Ok(())
    }

    fn write_beside(&self, beside: &Path) -> io::Result<()> {
        let like = fs::metadata(&self.path)?;
        let mut file = create(beside)?;
        file.write_all(self.text.as_bytes())?;
        keep_owner(beside, &file, &like)?;
        file.set_permissions(like.permissions())?;
        file.sync_all()
    }
}

/// A file that is not there yet, closed to others until it has the mode of the one that it replaces.
#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn keep_owner(path: &Path, file: &File, like: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    std::os::unix::fs::chown(path, Some(like.uid()), Some(like.gid()))
        .map_err(|error| io::Error::new(error.kind(), format!("its owner can't be kept: {error}")))
}

#[cfg(not(unix))]
fn keep_owner(_path: &Path, _file: &File, _like: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Where the last value in it ends.
fn end_of(value: &DeValue<'_>) -> usize {
    match value {
        DeValue::Table(table) => {
            let ends = table.iter().map(|(key, value)| {
                std::cmp::max(
                    key.span().end,
                    std::cmp::max(value.span().end, end_of(value.get_ref())),
                )
            });
            ends.max().unwrap_or(0)
        }
        DeValue::Array(list) => list
            .iter()
            .map(|value| std::cmp::max(value.span().end, end_of(value.get_ref())))
            .max()
            .unwrap_or(0),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => 0,
    }
}

/// A value in TOML's notation, on one line.
pub fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(list) => {
            format!("[{}]", list.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Table(table) => {
            let pairs: Vec<String> = table
                .iter()
                .map(|(key, value)| format!("{} = {}", name(key), inline(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
            value.to_string()
        }
    }
}

/// Reads one value in TOML's notation, on one line.
pub fn value_of(text: &str) -> Option<Value> {
    let mut table: Table = format!("value = {text}").parse().ok()?;
    if table.len() == 1 { table.remove("value") } else { None }
}

fn name(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !key.is_empty() && key.bytes().all(bare) { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_control() => {
                let escape = format!("\\u{:04X}", u32::from(letter));
                quoted.push_str(&escape);
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = r#"# Mine
[[profile]]
name = "main"   # so
platforms = ["twitter"]

# ---- feeds
[[feed]]
# a note
name = "a"
url = "https://a.example"
headers.X-A = "1"

# about b
[[feed]]
name = 'b'
url = """https://b.example""" # tail
[feed.cookies]
s = { env = "S" }

[prices]
post = 0.0150
# end"#;

    const B: &str = r#"[[feed]]
name = 'b'
url = """https://b.example""" # tail
[feed.cookies]
s = { env = "S" }
"#;

    const C: &str = r#"# end

[[feed]]
name = "c"
url = "https://c.example/?a=\"b\"\\"
"#;

    fn draft(text: &str) -> Draft {
        Draft { path: "tidings.toml".into(), original: text.to_owned(), text: text.to_owned() }
    }

    fn feed(name: &str) -> NewFeed {
        let keys = [("name", name), ("url", "https://c.example/?a=\"b\"\\")];
        NewFeed { keys: keys.map(|(key, text)| (key.to_owned(), text.into())).to_vec() }
    }

    #[test]
    fn only_a_feeds_own_lines_come_and_go() {
        let mut changed = draft(FILE);
        assert!(changed.remove("b").expect("removed"));
        assert_eq!(changed.text, FILE.replace(B, ""));
        assert!(!changed.remove("b").expect("there is none"));
        changed.add(&feed("c")).expect("added");
        assert!(changed.text.ends_with(C), "{}", changed.text);
        assert!(changed.remove("c").expect("removed") && changed.remove("a").expect("removed"));
        assert!(changed.text.contains("# ---- feeds\n\n# about b\n"), "{}", changed.text);
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        for tangled in [
            "feed = [{ name = \"a\" }, { name = \"b\" }]\n",
            "[[feed]]\nname = \"a\"\n[prices]\npost = 1\n[feed.cookies]\nb = 1\n",
            "feed = 1\n",
        ] {
            let mut changed = draft(tangled);
            let removed = changed.remove("a");
            assert!(!matches!(removed, Ok(true)), "{tangled}");
            if !tangled.starts_with('[') {
                assert!(changed.add(&feed("b")).is_err(), "{tangled}");
            }
            assert_eq!(changed.text, tangled);
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("# a comment [[feed]]\n".to_owned()),
            Just("\n".to_owned()),
            Just("  \n".to_owned()),
        ];
        let feeds =
            (0_usize..6, proptest::collection::vec(part, 0..24)).prop_map(|(feeds, parts)| {
                let mut parts = parts.into_iter();
                let mut text = String::new();
                for feed in 0..feeds {
                    text.extend(parts.by_ref().take(2));
                    text.push_str("[[feed]]\n");
                    text.extend(parts.by_ref().take(1));
                    text.extend(["name = \"f", &feed.to_string(), "\" # \"\n"]);
                    text.extend(parts.by_ref().take(1));
                    text.push_str(if feed % 2 == 0 {
                        "[feed.headers]\nA = '''1\n2'''\n"
                    } else {
                        "url = 'x'\n"
                    });
                }
                text.extend(parts);
                text
            });
        (feeds, any::<bool>())
            .prop_map(|(text, crlf)| if crlf { text.replace('\n', "\r\n") } else { text })
    }

    proptest! {
        #[test]
        fn adding_and_removing_leaves_every_byte(text in texts(), name in "\\PC{1,12}") {
            let mut changed = draft(&text);
            let name = format!("new {name}");
            changed.add(&feed(&name)).expect("added");
            prop_assert!(changed.text.starts_with(&text));
            prop_assert!(changed.remove(&name).expect("removed"));
            prop_assert_eq!(&changed.text, &text);
        }

        #[test]
        fn removing_takes_no_other_line(text in texts(), which in 0_usize..6) {
            let mut changed = draft(&text);
            let was = changed.feeds().expect("feeds").len();
            let removed = changed.remove(&format!("f{which}")).expect("removed");
            prop_assert_eq!(removed, which < was);
            // What is left is the old text without one piece of it.
            let lost = text.len() - changed.text.len();
            let from = text.bytes().zip(changed.text.bytes()).take_while(|(a, b)| a == b).count();
            let whole = (0..=from).any(|at| {
                text.get(..at).zip(text.get(at + lost..)).is_some_and(|(head, tail)| {
                    format!("{head}{tail}") == changed.text
                })
            });
            prop_assert!(whole);
        }

        #[test]
        fn values_read_back(text in "\\PC*", control in "[\\x00-\\x20\"\\\\]*") {
            let inner: Value = format!("{text}{control}").into();
            let table = Value::Table([(text, inner.clone())].into_iter().collect());
            for value in [inner.clone(), Value::Array(vec![inner, table.clone()]), table] {
                prop_assert_eq!(value_of(&inline(&value)), Some(value));
            }
        }
    }
}
