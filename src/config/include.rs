//! `include`: profiles and feeds from other files, for who has many.
//!
//! Promises: what an included file says is checked like the rest, and complaints name its own file
//! and line; files of a folder come in the order of their names. Must not: let an included file
//! change anything but profiles, groups and feeds, or include others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::complaints::{Complaints, Fault, Origin};
use super::section::Section;
use super::tree::{self, Node, Table, Value};
use super::{load, rows, values};

/// Files that may be included.
const FILES_MAX: usize = 10_000;
/// What an included file may hold.
const SHARED: [&str; 3] = ["feed", "group", "profile"];

/// Lays what the files named by `include` hold after what the config itself holds.
pub(super) fn follow(config: &Path, root: &mut Table, complaints: &mut Complaints) {
    let Some(node) = root.remove("include") else {
        return;
    };
    let listed = Node {
        origin: node.origin.clone(),
        value: Value::Table(Table::from([("include".to_owned(), node)])),
        typed: None,
    };
    let section = Section::new(&listed, String::new(), complaints);
    let names = section.list("include", "[\"profiles.d\", \"clients.csv\"]", complaints, |node| {
        let path = values::path(node)?;
        Ok((node.origin.clone(), path))
    });
    let folder = config.parent().unwrap_or_else(|| Path::new(""));
    let mut files = Vec::new();
    for (origin, name) in names.unwrap_or_default() {
        match files_of(&folder.join(&name)) {
            Ok(found) => files.extend(found.into_iter().map(|file| (origin.clone(), file))),
            Err(fault) => complaints.add(
                &origin,
                format!("include: {} {}", name.display(), fault.what),
                fault.remedy,
            ),
        }
    }
    if let Some((origin, _)) = files.get(FILES_MAX) {
        complaints.add(
            origin,
            format!("include: more than {FILES_MAX} files"),
            "put several profiles into one file",
        );
        return;
    }
    for (origin, file) in files {
        if let Some(table) = read(&origin, &file, complaints) {
            append(root, table, complaints);
        }
    }
}

/// A file itself, or the files of a folder that are ours to read.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, Fault> {
    const REMEDY: &str = "name a file that ends in .toml or .csv, or a folder of such files, from \
                          the config's own folder on";
    if path.is_dir() {
        let unreadable = |error| Fault::key(format!("can't be listed: {error}"), REMEDY);
        let mut files = Vec::new();
        for entry in path.read_dir().map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            if is_ours(&file) && !file.is_dir() {
                files.push(file);
            }
        }
        files.sort();
        return Ok(files);
    }
    if is_ours(path) {
        return Ok(vec![path.to_owned()]);
    }
    Err(Fault::key("is neither a folder nor a file that ends in .toml or .csv", REMEDY))
}

/// Whether a name ends in `.toml` or `.csv` and does not begin with a dot, as an editor's own do.
fn is_ours(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden && (has_ending(path, "toml") || has_ending(path, "csv"))
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case(ending))
}

fn read(at: &Origin, file: &Path, complaints: &mut Complaints) -> Option<Table> {
    let name: Arc<str> = file.display().to_string().into();
    let text = match load::read(file) {
        Ok(text) => text,
        Err(fault) => {
            let origin = fault
                .line
                .map_or_else(|| at.clone(), |line| Origin::Included(Arc::clone(&name), line));
            complaints.add(&origin, format!("include: {name} {}", fault.what), fault.remedy);
            return None;
        }
    };
    if has_ending(file, "csv") {
        return rows::read(&text, &name, complaints);
    }
    let mut table =
        tree::parse(&text, |line| Origin::Included(Arc::clone(&name), line), complaints)?;
    table.retain(|key, node| {
        let is_shared = SHARED.contains(&key.as_str());
        if !is_shared {
            complaints.add(
                &node.origin,
                format!("`{}` in an included file", key.escape_debug()),
                "an included file holds [[profile]], [[feed]] and [group.…] only; the rest stands \
                 in the config itself",
            );
        }
        is_shared
    });
    Some(table)
}

/// Lists grow, and groups join the groups.
fn append(root: &mut Table, table: Table, complaints: &mut Complaints) {
    for (key, node) in table {
        let Some(there) = root.get_mut(&key) else {
            root.insert(key, node);
            continue;
        };
        match (&mut there.value, node.value) {
            (Value::List(list), Value::List(more)) => list.extend(more),
            (Value::Table(table), Value::Table(more)) => {
                for (name, group) in more {
                    if table.contains_key(&name) {
                        complaints.add(
                            &group.origin,
                            format!("a second {key} with the name \"{}\"", name.escape_debug()),
                            "give each its own name",
                        );
                        continue;
                    }
                    table.insert(name, group);
                }
            }
            // Of the two the one that is neither is told by its own check, if it comes to that.
            (there, other) => {
                if let Value::List(_) | Value::Table(_) = other {
                    *there = other;
                }
            }
        }
    }
}
