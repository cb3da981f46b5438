//! The time zone of this machine, as a first guess at the user's.
//!
//! Promises: a zone that exists, or none. Must not: be asked by anything but a set-up: a config names
//! its zones itself.

use std::fs;
use std::path::Path;

use chrono_tz::Tz;

use super::environment::Environment;

/// Where the machine keeps its zone: a link into the zone data, and the name as text (Debian).
const LINK: &str = "/etc/localtime";
const NAME: &str = "/etc/timezone";

/// The zone of `TZ`, or else of the machine; `None` where neither names one.
pub fn zone_here(environment: &Environment) -> Option<Tz> {
    let of_variable = environment.get("TZ").and_then(named);
    of_variable.or_else(|| linked(Path::new(LINK))).or_else(|| {
        let name = fs::read_to_string(NAME).ok()?;
        named(&name)
    })
}

fn linked(link: &Path) -> Option<Tz> {
    let target = fs::canonicalize(link).ok().or_else(|| fs::read_link(link).ok())?;
    named(target.to_str()?)
}

/// A zone by its name, or by the path of its data.
fn named(text: &str) -> Option<Tz> {
    let text = text.trim().trim_start_matches(':');
    let name = text.rsplit_once("zoneinfo/").map_or(text, |(_, name)| name);
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_read_from_a_name_or_a_path() {
        for text in ["Europe/Vienna", ":Europe/Vienna", "/usr/share/zoneinfo/Europe/Vienna\n"] {
            assert_eq!(named(text), Some(Tz::Europe__Vienna), "{text}");
        }
        for text in ["", "CET-1CEST", "/etc/nowhere", "Europe"] {
            assert_eq!(named(text), None, "{text}");
        }
    }

    #[test]
    fn the_variable_wins() {
        let environment: Environment = [("TZ", "Asia/Kathmandu")].into_iter().collect();
        assert_eq!(zone_here(&environment), Some(Tz::Asia__Kathmandu));
    }
}
