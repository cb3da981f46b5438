//! `options` of profiles and feeds: Ayrshare's own, by the contract's names.
//!
//! Promises: a typo, a wrong type, what would break our promises, and what fails at X when it goes
//! out together is told at load time. Must not: know the fields; `domain/options` lists them.

use serde_json::{Map, Number, Value as Json};

use super::complaints::{Complaints, Fault};
use super::section::Section;
use super::tree::{Node, Value, quoted};
use super::{Feed, Profile, keys};
use crate::domain::options::{Options, Shape, X_OPTIONS, names, refusal, shape};

/// The most that the options of one table may take as JSON, in bytes.
const BYTES_MAX: usize = 16 * 1024;

/// The options, if there are any.
pub(super) fn read(section: &Section<'_>, complaints: &mut Complaints) -> Option<Options> {
    let node = section.node("options")?;
    let place = format!("{}: options", section.place);
    let fields = fields(node, place, false, complaints);
    let options = Options::new(fields);
    let bytes = serde_json::to_string(&options).map_or(0, |text| text.len());
    if bytes > BYTES_MAX {
        let fault =
            Fault::key(format!("they take {bytes} bytes"), format!("{BYTES_MAX} are the most"));
        section.complain("options", node, &fault, complaints);
    }
    Some(options)
}

/// The fields of a table, each checked at its own line.
fn fields(
    node: &Node,
    place: String,
    of_x: bool,
    complaints: &mut Complaints,
) -> Map<String, Json> {
    let section = Section::new(node, place, complaints);
    let mut fields = Map::new();
    let Value::Table(table) = &node.value else {
        return fields;
    };
    for (name, node) in table {
        let value = match shape(name, of_x) {
            Some(Shape::X) => {
                let place = format!("{}: {X_OPTIONS}", section.place);
                Json::Object(self::fields(node, place, true, complaints))
            }
            Some(shape) => match json(node).and_then(|value| checked(shape, value)) {
                Ok(value) => value,
                Err(fault) => {
                    section.complain(name, node, &fault, complaints);
                    continue;
                }
            },
            None => {
                unknown(&section, (name, node), of_x, complaints);
                continue;
            }
        };
        fields.insert(name.clone(), value);
    }
    fields
}

fn checked(shape: Shape, value: Json) -> Result<Json, Fault> {
    match shape.fault(&value) {
        Some(expected) => Err(Fault::key(
            format!("expected {expected}"),
            "the names and types are Ayrshare's own",
        )),
        None => Ok(value),
    }
}

/// A field that is refused, or that nobody knows.
fn unknown(
    section: &Section<'_>,
    (name, node): (&str, &Node),
    of_x: bool,
    complaints: &mut Complaints,
) {
    if let Some((why, remedy)) = refusal(name, of_x).or_else(|| refusal(name, !of_x)) {
        section.complain(name, node, &Fault::key(format!("refused: {why}"), remedy), complaints);
        return;
    }
    // One of the other table is a likely slip.
    let remedy = if shape(name, !of_x).is_some() {
        let table = if of_x { "`options` itself" } else { "`options.twitterOptions`" };
        format!("it belongs into {table}")
    } else {
        keys::nearest(name, names(of_x)).map_or_else(
            || format!("the options here are {}", names(of_x).join(", ")),
            |near| format!("did you mean `{near}`?"),
        )
    };
    let shown = quoted(name);
    let what = format!("{}: Ayrshare has no option `{}`", section.place, shown.trim_matches('"'));
    complaints.add(&node.origin, what, remedy);
}

/// A value as JSON has it.
fn json(node: &Node) -> Result<Json, Fault> {
    Ok(match &node.value {
        Value::Text(text) => Json::String(text.clone()),
        Value::Flag(flag) => Json::Bool(*flag),
        Value::Number(digits) => number(digits)
            .ok_or_else(|| Fault::key("not a number that JSON can carry", "give a smaller one"))?,
        Value::Date(_) => {
            return Err(Fault::key(
                "expected a text, found a date or time",
                "put it into \"quotation marks\"",
            ));
        }
        Value::List(items) => Json::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        Value::Table(table) => Json::Object(
            table
                .iter()
                .map(|(key, node)| Ok((key.clone(), json(node)?)))
                .collect::<Result<_, Fault>>()?,
        ),
    })
}

fn number(digits: &str) -> Option<Json> {
    let whole = digits.parse::<i64>().ok().map(Number::from);
    whole.or_else(|| Number::from_f64(digits.parse().ok()?)).map(Json::Number)
}

/// What fails when the options of a feed and of its profiles, and its media, go out together.
pub(super) fn together(
    feed: &Feed,
    profiles: &[Profile],
    section: &Section<'_>,
    complaints: &mut Complaints,
) {
    let with_media = !feed.media.from.is_empty() || feed.media.fallback.is_some();
    let own = profiles.iter().filter(|profile| feed.profiles.contains(&profile.name));
    let mut comment_goes = false;
    for profile in own.clone() {
        let options = feed.options.over(&profile.options);
        for platform in &profile.platforms {
            comment_goes |= options.on(platform).fields().contains_key("firstComment");
            let clash = options.on(platform).clash(with_media, feed.media.video);
            if let Some((what, remedy)) = clash {
                let place = format!("{}: options", section.place);
                let with = format!("with profile {}", quoted(&profile.name));
                complaints.add(&section.origin, format!("{place} ({with}): {what}"), remedy);
                break;
            }
        }
    }
    let has_profile = own.count() > 0;
    if has_profile && feed.options.fields().contains_key("firstComment") && !comment_goes {
        complaints.add(
            &section.origin,
            format!("{}: options: firstComment: X refuses comments of this kind, and the feed goes to X alone", section.place),
            "leave it out, or add another network to the profile",
        );
    }
}
