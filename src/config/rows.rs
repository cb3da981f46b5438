//! Profiles and feeds as rows of a CSV file, one client a line.
//!
//! Promises: a column is a key of `[[profile]]`, or with `feed.` in front one of `[[feed]]`; an
//! empty cell is a key left out. Must not: take a secret; a cell only says where it is.

use std::sync::Arc;

use super::complaints::{Complaints, Origin};
use super::keys;
use super::tree::{self, Node, Table, Value};

/// Rows that are read.
const ROWS_MAX: usize = 100_000;
/// Columns whose cells are lists, with `;` between the items.
const LISTS: [&str; 4] = ["platforms", "post_at", "quiet_hours", "blackout"];
/// Columns whose cells say where a secret is: `env:NAME`, `file:/path` or `credential:name`.
const SECRETS: [&str; 3] = ["profile_key", "x_api_key", "x_api_secret"];
/// In front of the name of a column that is a key of `[[feed]]`.
const FEED: &str = "feed.";
/// The column of a feed's address; several may stand there, with spaces between them.
const URL: &str = "url";

/// Reads a file of rows as the tables that they stand for.
pub(super) fn read(text: &str, file: &Arc<str>, complaints: &mut Complaints) -> Option<Table> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(false)
        .comment(Some(b'#'))
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let at = |line: u64| Origin::Row(Arc::clone(file), usize::try_from(line).unwrap_or(usize::MAX));
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            complaints.add(&at(1), format!("not CSV: {error}"), "the first line names the columns");
            return None;
        }
    };
    if !columns_are_known(&header, &at(1), complaints) {
        return None;
    }
    let mut profiles = Vec::new();
    let mut feeds = Vec::new();
    for (number, row) in reader.records().enumerate() {
        let row = match row {
            Ok(row) if number < ROWS_MAX => row,
            Ok(row) => {
                let origin = at(row.position().map_or(1, csv::Position::line));
                let what = format!("more than {ROWS_MAX} rows");
                complaints.add(&origin, what, "use several files");
                return None;
            }
            Err(error) => {
                let origin = at(error.position().map_or(1, csv::Position::line));
                let remedy = "each row has as many cells as the first line; a comma in a cell \
                              needs \"quotation marks\" around it";
                complaints.add(&origin, format!("not CSV: {}", told(&error)), remedy);
                return None;
            }
        };
        let origin = at(row.position().map_or(1, csv::Position::line));
        let (profile, feed) = tables_of(&header, &row, &origin);
        feeds.extend(feeds_of(&profile, &feed, &origin));
        profiles.push(Node { origin, value: Value::Table(profile), typed: None });
    }
    let list = |nodes: Vec<Node>| Node { origin: at(1), value: Value::List(nodes), typed: None };
    let mut root = Table::from([("profile".to_owned(), list(profiles))]);
    if !feeds.is_empty() {
        root.insert("feed".to_owned(), list(feeds));
    }
    Some(root)
}

/// What is wrong with a row, without its content.
fn told(error: &csv::Error) -> String {
    if let csv::ErrorKind::UnequalLengths { expected_len, len, .. } = error.kind() {
        return format!("{len} cells where the first line has {expected_len}");
    }
    "it can't be read".to_owned()
}

fn columns_are_known(header: &csv::StringRecord, at: &Origin, complaints: &mut Complaints) -> bool {
    let mut good = true;
    let mut seen = Vec::new();
    let all: Vec<String> = keys::PROFILE
        .into_iter()
        .map(str::to_owned)
        .chain(
            keys::FEED
                .into_iter()
                .filter(|key| *key != "profiles")
                .map(|key| format!("{FEED}{key}")),
        )
        .collect();
    for name in header {
        let problem = if seen.contains(&name) {
            Some((
                format!("the column \"{}\" comes twice", name.escape_debug()),
                "name it once".to_owned(),
            ))
        } else if all.iter().any(|known| known == name) {
            None
        } else {
            let near = keys::nearest(name, all.iter().map(String::as_str));
            let remedy = near.map_or_else(
                || "columns are the keys of [[profile]], and feed.url, feed.interval … for its feed".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            Some((format!("unknown column \"{}\"", name.escape_debug()), remedy))
        };
        if let Some((what, remedy)) = problem {
            complaints.add(at, what, remedy);
            good = false;
        }
        seen.push(name);
    }
    good
}

/// The row's profile, and its feed if it has cells of one.
fn tables_of(
    header: &csv::StringRecord,
    row: &csv::StringRecord,
    origin: &Origin,
) -> (Table, Table) {
    let mut profile = Table::new();
    let mut feed = Table::new();
    for (name, cell) in header.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
        let (table, key) = match name.strip_prefix(FEED) {
            Some(key) => (&mut feed, key),
            None => (&mut profile, name),
        };
        let value = value(key, cell, origin);
        table.insert(key.to_owned(), Node { origin: origin.clone(), value, typed: None });
    }
    (profile, feed)
}

fn value(key: &str, cell: &str, origin: &Origin) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    if SECRETS.contains(&key)
        && let Some((kind, target)) = cell.split_once(':')
    {
        let node = Node { origin: origin.clone(), value: text(target), typed: None };
        return Value::Table(Table::from([(kind.to_owned(), node)]));
    }
    if LISTS.contains(&key) && !cell.starts_with('[') {
        let items = cell.split(';').map(str::trim).filter(|item| !item.is_empty());
        let node = |item: &str| Node { origin: origin.clone(), value: text(item), typed: None };
        return Value::List(items.map(node).collect());
    }
    match key {
        "name" | "group" | URL => text(cell),
        _ => tree::value_of_text(cell, origin),
    }
}

/// One feed for each address of the row; named like the profile, from the second on with a number.
fn feeds_of(profile: &Table, feed: &Table, origin: &Origin) -> Vec<Node> {
    let node = |value| Node { origin: origin.clone(), value, typed: None };
    let name = match (feed.get("name"), profile.get("name")) {
        (Some(Node { value: Value::Text(name), .. }), _)
        | (_, Some(Node { value: Value::Text(name), .. })) => name.clone(),
        (_, _) => String::new(),
    };
    let addresses = match feed.get(URL) {
        Some(Node { value: Value::Text(addresses), .. }) => addresses.clone(),
        Some(_) | None if feed.is_empty() => return Vec::new(),
        // Cells of a feed without its address: told by the feed's own check.
        Some(_) | None => String::new(),
    };
    let mut feeds = Vec::new();
    let addresses: Vec<&str> = addresses.split_whitespace().collect();
    for number in 1..=std::cmp::max(addresses.len(), 1) {
        let mut table = feed.clone();
        let own = if number == 1 { name.clone() } else { format!("{name}-{number}") };
        table.insert("name".to_owned(), node(Value::Text(own)));
        if let Some(address) = addresses.get(number - 1) {
            table.insert(URL.to_owned(), node(Value::Text((*address).to_owned())));
        }
        if let Some(profile) = profile.get("name") {
            table.insert("profiles".to_owned(), node(Value::List(vec![profile.clone()])));
        }
        feeds.push(node(Value::Table(table)));
    }
    feeds
}
