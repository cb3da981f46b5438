//! `[backup]`: raw → checked.
//!
//! Promises: a backup has a folder, a time and a number of copies. Must not: touch the folder.

use chrono::NaiveTime;
use chrono::Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};

use super::complaints::Complaints;
use super::section::Section;
use super::tree::{Table, Value};
use super::{Backup, keys, times, values};
use crate::domain::pace::PostAt;

/// Copies that can be kept.
const KEEP_BOUNDS: std::ops::RangeInclusive<usize> = 1..=1000;
/// Copies that are kept without `backup.keep`.
const KEEP_DEFAULT: usize = 14;
const EXAMPLE: &str = "for example `path = \"/var/backups/tidings\"`";

pub(super) fn backup(root: &Table, complaints: &mut Complaints) -> Option<Backup> {
    if matches!(&root.get("backup")?.value, Value::Table(keys) if keys.is_empty()) {
        return None;
    }
    let section = Section::of(root, "backup", "[backup]", complaints);
    section.only(keys::BACKUP, complaints);
    section.missing("path", EXAMPLE, complaints);
    let path = section.read("path", complaints, values::path);
    let at = section.read("at", complaints, times::post_at);
    let keep = section.read("keep", complaints, |node| values::whole(node, &KEEP_BOUNDS));
    Some(Backup {
        path: path?,
        at: at.unwrap_or_else(at_night),
        keep: keep.unwrap_or(KEEP_DEFAULT),
    })
}

/// 03:30 each day.
fn at_night() -> PostAt {
    let time = NaiveTime::from_hms_opt(3, 30, 0).unwrap_or(NaiveTime::MIN);
    PostAt::Slot { days: vec![Mon, Tue, Wed, Thu, Fri, Sat, Sun], time }
}
