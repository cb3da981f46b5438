//! Templates: how a user says that a post should read.
//!
//! Promises: a template that was made has no syntax error, no unknown name and no bad pattern in it;
//! rendering is bounded in time and memory whatever the template and the entry hold; a feed's words
//! stay told from the user's own. Must not: fit, defuse or judge the text that comes out.
//!
//! The syntax is Jinja's, less what could run away (`scan`): conditions, loops over lists, filters
//! of ours, nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use minijinja::value::{Object, ObjectRepr, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

pub use marks::{Kind, Part};

mod filters;
mod marks;
mod scan;

/// The longest template, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 4_096;

/// Steps of one rendering. A template of full length without loops takes about 2,000.
const FUEL: u64 = 10_000;

/// Bytes of values that one rendering may print: the longest post of any platform, in the widest
/// script. What stands between them is bounded by the template's length and the fuel.
const OUTPUT_BYTES_MAX: u64 = 300_000;

/// Loops and conditions in each other, and calls of the engine.
const DEPTH_MAX: usize = 50;

/// The name of the only template in its environment.
const NAME: &str = "template";

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where, in bytes from the template's start; `None` where that is not known.
    pub at: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do about it; empty where `what` says it.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// What a template can use. Texts are plain: no markup, one line, NFC.
#[derive(Debug, Clone, Default)]
pub struct Words<'a> {
    /// `title`
    pub title: String,
    /// `summary`
    pub summary: String,
    /// `content`; needs to be given only where [`Template::uses`] it.
    pub content: String,
    /// `link`, as it goes into the text.
    pub link: Option<&'a str>,
    /// `authors`, and the first of them as `author`.
    pub authors: Vec<String>,
    /// `categories`
    pub categories: Vec<String>,
    /// `hashtags`, each with its sign.
    pub hashtags: Vec<String>,
    /// `language`, such as `de-AT`.
    pub language: String,
    /// `date`, shown in this zone.
    pub date: Option<(DateTime<Utc>, Tz)>,
    /// `feed.name`: the user's word for it.
    pub feed_name: &'a str,
    /// `feed.title`: its publisher's.
    pub feed_title: String,
    /// `platform`
    pub platform: &'a str,
    /// `profile`
    pub profile: &'a str,
    /// `values`
    pub values: Option<&'a BTreeMap<String, String>>,
}

/// A template that may run.
pub struct Template {
    environment: Environment<'static>,
    source: String,
    names: BTreeSet<String>,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source).finish()
    }
}

impl Template {
    /// A template from its source. `values` are the custom values that it may name.
    ///
    /// # Errors
    ///
    /// The first thing in it that is wrong, with its place.
    pub fn new(source: &str, values: &BTreeMap<String, String>) -> Result<Self, Fault> {
        if source.len() > TEMPLATE_BYTES_MAX {
            return Err(Fault {
                at: None,
                what: format!("the template is {} bytes long", source.len()),
                remedy: format!("{TEMPLATE_BYTES_MAX} are the most"),
            });
        }
        let names = scan::scan(source, values)?;
        let mut environment = Environment::empty();
        environment.set_debug(true);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(DEPTH_MAX);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_formatter(write_value);
        environment.add_test("defined", |value: &Value| !value.is_undefined());
        environment.add_test("undefined", |value: &Value| value.is_undefined());
        filters::add_to(&mut environment);
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| fault(&error))?;
        Ok(Self { environment, source: source.to_owned(), names })
    }

    /// As the user typed it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it names a variable.
    pub fn uses(&self, variable: &str) -> bool {
        self.names.contains(variable)
    }

    /// The text for one entry, in parts. White space is folded within lines; lines are kept.
    ///
    /// # Errors
    ///
    /// Where a value is missing, or the rendering takes too long.
    pub fn render(&self, words: &Words<'_>) -> Result<Vec<Part>, Fault> {
        let template = self.environment.get_template(NAME).map_err(|error| fault(&error))?;
        let text = template.render(context(words)).map_err(|error| fault(&error))?;
        Ok(marks::parts(&text))
    }
}

/// A fault from the engine's error.
fn fault(error: &Error) -> Fault {
    // The error of the writer or of a filter is the cause that a person can do something about.
    let mut what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let mut remedy = String::new();
    let kind = error.kind();
    if kind == ErrorKind::OutOfFuel {
        "the template takes too many steps".clone_into(&mut what);
        "leave a loop out".clone_into(&mut remedy);
    } else if kind == ErrorKind::UndefinedError {
        what = format!("a value that is not there is used: {what}");
        "give it a value, or write `| default(\"…\")` behind it".clone_into(&mut remedy);
    }
    Fault { at: error.range().map(|range| range.start), what, remedy }
}

/// `date`: printed as a day, formatted by the filter of the same name.
#[derive(Debug)]
struct Moment(DateTime<Tz>);

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

/// The variables. What is not there is an empty text, so that `{% if title %}` asks for it. What the
/// user wrote is a "safe" text, which keeps it told from the feed's.
fn context(words: &Words<'_>) -> Value {
    let text = |text: &str| Value::from(marks::without(text));
    let own = |text: &str| Value::from_safe_string(marks::without(text));
    let list = |items: &[String]| items.iter().map(|item| text(item)).collect::<Vec<_>>();
    let values = words.values.into_iter().flatten().map(|(key, value)| (key.as_str(), own(value)));
    let date = words.date.map_or_else(
        || Value::from(""),
        |(at, zone)| Value::from_object(Moment(at.with_timezone(&zone))),
    );
    let feed = [("name", own(words.feed_name)), ("title", text(&words.feed_title))];
    Value::from_pairs([
        ("title", text(&words.title)),
        ("summary", text(&words.summary)),
        ("content", text(&words.content)),
        ("link", own(words.link.unwrap_or_default())),
        ("author", text(words.authors.first().map_or("", String::as_str))),
        ("authors", Value::from(list(&words.authors))),
        ("categories", Value::from(list(&words.categories))),
        ("hashtags", Value::from(list(&words.hashtags))),
        ("language", text(&words.language)),
        ("date", date),
        ("feed", Value::from_pairs(feed)),
        ("platform", own(words.platform)),
        ("profile", own(words.profile)),
        ("values", Value::from_pairs(values)),
    ])
}

/// What `{{ … }}` writes: the value in marks that say whose it is.
fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    if value.is_none() {
        return Ok(());
    }
    let is = |name: &str| state.lookup(name).is_some_and(|variable| variable == *value);
    let kind = if value.is_safe() {
        if is("link") { Kind::Link } else { Kind::Own }
    } else if value.kind() == ValueKind::Seq && is("hashtags") {
        Kind::Tags
    } else {
        Kind::Feed { shrink: None }
    };
    let separator = if kind == Kind::Tags { " " } else { ", " };
    let text = filters::text_of(value, separator)?;
    filters::spend(state, "printed", text.len(), OUTPUT_BYTES_MAX)?;
    out.write_str(&marks::marked(kind, &text)).map_err(|_| ErrorKind::WriteFailure.into())
}

#[cfg(test)]
mod tests;
