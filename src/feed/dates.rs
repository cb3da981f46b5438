//! Dates as feeds write them → UTC.
//!
//! Promises: whole seconds, as parts of one are told by some servers only now and then; reads RFC 3339, RFC 2822 and the many spellings around them; what it can't read for
//! certain is no date. Must not: take a missing date for the present, or a zone for the machine's.

use std::borrow::Cow;

use chrono::{
    DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, TimeDelta, Utc,
};

/// No date is longer; longer texts are not looked at.
const LENGTH_MAX: usize = 100;

/// Reads a date.
pub fn read(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if text.is_empty() || text.len() > LENGTH_MAX {
        return None;
    }
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|at| at.with_timezone(&Utc).trunc_subsecs(0))
        .or_else(|| by_words(text))
}

/// Chinese, Japanese and Korean dates, whose signs follow their numbers, in the order of ISO 8601.
fn western(text: &str) -> Cow<'_, str> {
    if !text.contains(['年', '년']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        match word.trim() {
            "上午" | "午前" | "오전" => out.push_str("AM "),
            "下午" | "午後" | "오후" => out.push_str("PM "),
            _ => out.push_str(word),
        }
    }
    for (sign, written) in [("年 ", "-"), ("년 ", "-"), ("月 ", "-"), ("월 ", "-")] {
        out = out.replace(sign, written);
    }
    Cow::Owned(out.replace(['年', '년', '月', '월'], "-").replace(['日', '일'], " "))
}

/// What the words of a date have told so far.
#[derive(Default)]
struct Found {
    numbers: Vec<(u32, usize)>,
    month: Option<u32>,
    date: Option<NaiveDate>,
    time: Option<NaiveTime>,
    afternoon: Option<bool>,
    zone: Option<FixedOffset>,
}

fn by_words(text: &str) -> Option<DateTime<Utc>> {
    let mut found = Found::default();
    let text = western(text);
    for part in text.split_inclusive(',') {
        // A name in front of a comma, before any number, is that of a weekday: "mar, 24 set 2026".
        let day_name = part.ends_with(',') && !part.contains(|c: char| c.is_ascii_digit());
        if day_name && found.numbers.is_empty() && found.date.is_none() {
            continue;
        }
        for word in part.split([',', '(', ')', ' ', '\t', '\n']).filter(|word| !word.is_empty()) {
            found.word(word)?;
        }
    }
    let date = match found.date {
        Some(date) => date,
        None => found.date_of_words()?,
    };
    let mut time = found.time.unwrap_or(NaiveTime::MIN);
    if let Some(afternoon) = found.afternoon {
        let noon = NaiveTime::from_hms_opt(12, 0, 0)?;
        let twelve = TimeDelta::hours(12);
        if afternoon && time < noon {
            time = time.overflowing_add_signed(twelve).0;
        } else if !afternoon && time >= noon {
            time = time.overflowing_sub_signed(twelve).0;
        }
    }
    let zone = found.zone.or_else(|| FixedOffset::east_opt(0))?;
    let utc = NaiveDateTime::new(date, time).checked_sub_offset(zone)?;
    Some(utc.and_utc())
}

impl Found {
    /// Takes in one word; `None` when it spoils the whole.
    fn word(&mut self, word: &str) -> Option<()> {
        if word.contains(':') {
            return self.clock_word(word);
        }
        if let Some(zone) = offset(word).or_else(|| zone_by_name(word)) {
            // "-05" after a date is a zone; before it, part of the date's own word.
            self.zone = Some(zone);
            return Some(());
        }
        let digits = word.trim_end_matches(|c: char| c.is_alphabetic() || c == '.');
        if let Ok(number) = digits.parse() {
            // "03 Apr 02 1500": the time as RFC 822 did not mean it.
            if digits.len() == 4 && self.numbers.len() == 2 && self.time.is_none() {
                self.time = NaiveTime::from_hms_opt(number / 100, number % 100, 0);
                return self.time.map(|_| ());
            }
            self.numbers.push((number, digits.len()));
            return Some(());
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return self.date_word(word);
        }
        match word.to_lowercase().as_str() {
            "am" | "a.m." => self.afternoon = Some(false),
            "pm" | "p.m." => self.afternoon = Some(true),
            // Some weekdays read like months, and stand in front of them: "mar 24 set 2026".
            name => self.month = month(name).or(self.month),
        }
        Some(())
    }

    /// `10:20`, `10:20:30.5Z`, `2026-01-02T10:20+01:00`, `GMT+00:00`, `10:20PM`.
    fn clock_word(&mut self, word: &str) -> Option<()> {
        if let Some((date, time)) = word.split_once(['T', 't'])
            && date.starts_with(|c: char| c.is_ascii_digit())
        {
            self.date_word(date)?;
            return self.clock_word(time);
        }
        if !word.starts_with(|c: char| c.is_ascii_digit()) {
            let signs = word.find(['+', '-'])?;
            let (name, zone) = word.split_at(signs);
            let known = name.is_empty() || zone_by_name(name).is_some();
            self.zone = Some(offset(zone).filter(|_| known)?);
            return Some(());
        }
        let end = word
            .find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.'))
            .unwrap_or(word.len());
        let (time, rest) = word.split_at(end);
        self.time = Some(clock_time(time)?);
        match rest.to_ascii_lowercase().as_str() {
            "" => {}
            "am" => self.afternoon = Some(false),
            "pm" => self.afternoon = Some(true),
            _ => self.zone = Some(offset(rest).or_else(|| zone_by_name(rest))?),
        }
        Some(())
    }

    /// `2026-01-02`, `2026/01/02`, `02.01.2026`, `02-Jan-2026`, `2026-01`, `20260102T…`.
    fn date_word(&mut self, word: &str) -> Option<()> {
        let word = word.split(['T', 't']).next()?;
        let parts: Vec<&str> = word.split(['-', '/', '.']).filter(|p| !p.is_empty()).collect();
        let number = |part: &str| part.parse::<u32>().ok();
        let (year, month_number, day) = match parts.as_slice() {
            [all] if all.len() == 8 => {
                let (year, rest) = all.split_at_checked(4)?;
                let (month, day) = rest.split_at_checked(2)?;
                (number(year)?, number(month)?, number(day)?)
            }
            [year, month] if year.len() == 4 => (number(year)?, number(month)?, 1),
            [year, middle, day] if year.len() == 4 => {
                let month = month(&middle.to_lowercase()).or_else(|| number(middle))?;
                (number(year)?, month, number(day)?)
            }
            [day, middle, year] => match month(&middle.to_lowercase()) {
                Some(month) => (whole_year(number(year)?, year.len()), month, number(day)?),
                // `02/01/2026` may be either; dots are European, and above twelve it is clear.
                None if year.len() == 4 && word.contains('.') => {
                    (number(year)?, number(middle)?, number(day)?)
                }
                None if year.len() == 4 && number(day)? > 12 => {
                    (number(year)?, number(middle)?, number(day)?)
                }
                None if year.len() == 4 => (number(year)?, number(day)?, number(middle)?),
                None => return None,
            },
            _ => return None,
        };
        self.date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month_number, day);
        self.date.map(|_| ())
    }

    /// Day and year beside a month's name: `5 Jan 2026`, `Jan 5, 2026`, `Jan 5 10:00 2026`.
    fn date_of_words(&self) -> Option<NaiveDate> {
        let month = self.month?;
        let year_at = self
            .numbers
            .iter()
            .position(|(_, length)| *length == 4)
            .or_else(|| (self.numbers.len() > 1).then_some(1))?;
        let (year, length) = *self.numbers.get(year_at)?;
        let (_, (day, _)) = self.numbers.iter().enumerate().find(|(at, _)| *at != year_at)?;
        let year = i32::try_from(whole_year(year, length)).ok()?;
        NaiveDate::from_ymd_opt(year, month, *day)
    }
}

const fn whole_year(year: u32, digits: usize) -> u32 {
    match (year, digits) {
        (0..=69, 1 | 2) => 2000 + year,
        (70..=99, 1 | 2) => 1900 + year,
        _ => year,
    }
}

fn clock_time(text: &str) -> Option<NaiveTime> {
    let mut parts = text.split(':');
    let hour: u32 = parts.next()?.parse().ok()?;
    let minute: u32 = parts.next()?.parse().ok()?;
    let second: u32 = match parts.next() {
        None | Some("") => 0,
        Some(second) => second.split('.').next()?.parse().ok()?,
    };
    // 24:00 is written by some for midnight, 60 for a leap second.
    let hour = if hour == 24 { 0 } else { hour };
    NaiveTime::from_hms_opt(hour, minute, std::cmp::min(second, 59))
}

/// `+0100`, `-05:00`, `+01`.
fn offset(text: &str) -> Option<FixedOffset> {
    let (sign, digits) = match text.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, text.strip_prefix('-')?),
    };
    let digits = digits.replace(':', "");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.as_str(), "0"),
        3 => digits.split_at_checked(1)?,
        4 => digits.split_at_checked(2)?,
        _ => return None,
    };
    let hours: i32 = hours.parse().ok()?;
    let minutes: i32 = minutes.parse().ok()?;
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}

fn zone_by_name(name: &str) -> Option<FixedOffset> {
    let hours = match name.to_ascii_uppercase().as_str() {
        "Z" | "UT" | "UTC" | "GMT" | "WET" => 0,
        "BST" | "CET" | "WEST" | "MEZ" => 1,
        "CEST" | "EET" | "MESZ" => 2,
        "EEST" | "MSK" => 3,
        "JST" | "KST" => 9,
        "EST" | "CDT" => -5,
        "EDT" => -4,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" | "AKDT" => -8,
        "AKST" => -9,
        "HST" => -10,
        _ => return None,
    };
    FixedOffset::east_opt(hours * 3600)
}

/// How months begin in English, German, Dutch, French, Spanish, Portuguese, Italian, Polish,
/// Hungarian, Russian and Greek. No beginning is that of two months.
const MONTHS: [&[&str]; 12] = [
    &["jan", "jän", "ene", "gen", "sty", "янв", "ιαν"],
    &["feb", "fév", "fev", "lut", "фев", "φεβ"],
    &["mar", "mär", "maart", "mrt", "már", "мар", "μάρ", "μαρ"],
    &["apr", "avr", "abr", "kwi", "ápr", "апр", "απρ"],
    &["may", "mai", "mei", "mag", "maj", "máj", "мая", "май", "μάι", "μαΐ", "μαι"],
    &["jun", "juin", "giu", "cze", "jún", "июн", "ιούν", "ιουν"],
    &["jul", "juil", "lug", "lip", "júl", "июл", "ιούλ", "ιουλ"],
    &["aug", "aoû", "aou", "ago", "sie", "авг", "αύγ", "αυγ"],
    &["sep", "set", "wrz", "sze", "сен", "σεπ"],
    &["oct", "okt", "out", "ott", "paź", "окт", "οκτ"],
    &["nov", "lis", "ноя", "νοε", "νοέ"],
    &["dec", "dez", "déc", "dic", "gru", "дек", "δεκ"],
];

/// A month by its name or a beginning of it.
fn month(word: &str) -> Option<u32> {
    let starts = |names: &[&str]| names.iter().any(|name| word.starts_with(name));
    let letters = word.trim_end_matches('.').chars().all(char::is_alphabetic);
    let at = MONTHS.iter().position(|names| starts(names)).filter(|_| letters)?;
    u32::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_read_in_many_spellings() {
        for (text, expected) in [
            ("2026-11-21T10:20:30Z", "2026-11-21T10:20:30Z"),
            ("2026-11-21T10:20:30.5+02:00", "2026-11-21T08:20:30Z"),
            ("2026-11-21T10:20", "2026-11-21T10:20:00Z"),
            ("2026-11-21T10:20:30+0100", "2026-11-21T09:20:30Z"),
            ("2026-11-21", "2026-11-21T00:00:00Z"),
            ("2026-11", "2026-11-01T00:00:00Z"),
            ("20261121T102030Z", "2026-11-21T00:00:00Z"),
            ("2026-11-21 10:20:30", "2026-11-21T10:20:30Z"),
            ("2026-11-21 10:20:30 UTC", "2026-11-21T10:20:30Z"),
            ("2026-11-21 10:20:30 -0500", "2026-11-21T15:20:30Z"),
            ("2026/11/21 10:20", "2026-11-21T10:20:00Z"),
            ("Sat, 21 Nov 2026 10:20:30 GMT", "2026-11-21T10:20:30Z"),
            ("Sat, 21 Nov 2026 10:20:30 +0100", "2026-11-21T09:20:30Z"),
            ("Mon, 21 Nov 2026 10:20:30 GMT+00:00", "2026-11-21T10:20:30Z"),
            ("Saturday, 21 November 2026 9:05:00 EST", "2026-11-21T14:05:00Z"),
            ("21 Nov 26 10:20 Z", "2026-11-21T10:20:00Z"),
            ("Fri Apr 16 12:17:21 +0000 2010", "2010-04-16T12:17:21Z"),
            ("Fri Apr 16 12:17:21 PDT 2010", "2010-04-16T19:17:21Z"),
            ("Nov 21, 2026 10:20 PM", "2026-11-21T22:20:00Z"),
            ("November 21st, 2026", "2026-11-21T00:00:00Z"),
            ("12:05AM 21-Nov-2026", "2026-11-21T00:05:00Z"),
            ("21.11.2026 10:20", "2026-11-21T10:20:00Z"),
            ("11/21/2026", "2026-11-21T00:00:00Z"),
            ("Sat, 21 Nov 2026 24:00:00 GMT", "2026-11-21T00:00:00Z"),
            ("21 Nov 26 1020 GMT", "2026-11-21T10:20:00Z"),
            ("Sa, 21. November 2026 10:20:30 +0100", "2026-11-21T09:20:30Z"),
            ("mar, 24 Set 2026 19:42:40 -0300", "2026-09-24T22:42:40Z"),
            ("mar 24 set 2026", "2026-09-24T00:00:00Z"),
            ("mar. 24 mars 2026", "2026-03-24T00:00:00Z"),
            ("24 févr. 2026 10:20", "2026-02-24T10:20:00Z"),
            ("Σαβ, 21 Νοέ 2026 10:20:30 +0200", "2026-11-21T08:20:30Z"),
            ("2026-július-13 09:15 +0200", "2026-07-13T07:15:00Z"),
            ("2026年11月21日 星期六  下午 02:46", "2026-11-21T14:46:00Z"),
            ("2026년 11월 21일 오후 2:46", "2026-11-21T14:46:00Z"),
        ] {
            let expected = DateTime::parse_from_rfc3339(expected).expect("date").to_utc();
            assert_eq!(read(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "mar, 24 2026",
            "1 Lorem 2026",
            "",
            "yesterday",
            "2026-13-40",
            "Nov 2026",
            "Feb 30 2026",
            "10:20",
            "1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&"Sat, ".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in ".{0,110}", like in "[0-9TZ:+/ .-]{0,40}") {
            let _date = read(&text);
            let _date = read(&like);
        }
    }
}
