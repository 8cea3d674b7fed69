//! Points in time on the wire: `xs:dateTime` in UTC.

use time::{Date, Month, Time, UtcDateTime};

/// The text is no time that SAML allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is written YYYY-MM-DDThh:mm:ss[.fff]Z, in UTC")]
pub struct MalformedInstant;

/// Reads an `xs:dateTime` in UTC, which is written with `Z` (SAML Core §1.3.3). What is finer than a millisecond is cut
/// off: nobody may rely on it.
///
/// # Errors
/// [`MalformedInstant`], also for other time zones, for years of other than four digits, for leap seconds and for hour 24.
pub fn parse(text: &str) -> Result<UtcDateTime, MalformedInstant> {
    read(text).ok_or(MalformedInstant)
}

fn read(text: &str) -> Option<UtcDateTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, fraction)) => (clock, fraction),
        None => (time, "0"),
    };
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    if fraction.is_empty() || fraction.len() > 20 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let millisecond: u16 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;

    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
    let narrow = |number: u16| u8::try_from(number).ok();
    let time = Time::from_hms_milli(narrow(hour)?, narrow(minute)?, narrow(second)?, millisecond).ok()?;
    Some(UtcDateTime::new(date, time))
}

/// Three numbers of exactly these many digits.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[u16; 3]> {
    let mut parts = text.split(separator);
    let mut next = |length: usize| {
        let part = parts.next()?;
        let plain = part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        if plain { part.parse().ok() } else { None }
    };
    let [first, second, third] = digits;
    let numbers = [next(first)?, next(second)?, next(third)?];
    if parts.next().is_some() { None } else { Some(numbers) }
}

/// Writes a time with milliseconds and `Z`.
#[must_use]
pub fn format(instant: UtcDateTime) -> String {
    let (date, time) = (instant.date(), instant.time());
    let mut text = String::with_capacity("YYYY-MM-DDThh:mm:ss.fffZ".len());
    if date.year() < 0 {
        text.push('-');
    }
    push_digits(&mut text, date.year().unsigned_abs(), 1000);
    for (before, number) in [
        ('-', u8::from(date.month())),
        ('-', date.day()),
        ('T', time.hour()),
        (':', time.minute()),
        (':', time.second()),
    ] {
        text.push(before);
        push_digits(&mut text, u32::from(number), 10);
    }
    text.push('.');
    push_digits(&mut text, u32::from(time.millisecond()), 100);
    text.push('Z');
    text
}

/// Appends a number whose first digit counts this much.
fn push_digits(text: &mut String, number: u32, first: u32) {
    let mut place = first;
    while place > 0 {
        text.extend(char::from_digit(number / place % 10, 10));
        place /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::utc_datetime;

    use super::{format, parse};

    #[test]
    fn times_are_read_with_any_fraction_and_cut_to_milliseconds() {
        assert_eq!(parse("2026-11-24T15:00:01Z"), Ok(utc_datetime!(2026-11-24 15:00:01)));
        assert_eq!(parse("2026-11-24T15:00:01.5Z"), Ok(utc_datetime!(2026-11-24 15:00:01.5)));
        assert_eq!(parse("2026-11-24T15:00:01.1239999Z"), Ok(utc_datetime!(2026-11-24 15:00:01.123)));
        let finest = format!("2026-11-24T15:00:01.{}Z", "5".repeat(20));
        assert_eq!(parse(&finest), Ok(utc_datetime!(2026-11-24 15:00:01.555)));
    }

    #[test]
    fn anything_else_is_no_time() {
        for text in [
            "",
            "yesterday",
            "2026-11-24",
            "2026-11-24T15:00:01",
            "2026-11-24T15:00:01+01:00",
            "2026-11-24T15:00:01z",
            "2026-11-24 15:00:01Z",
            "2026-11-24T15:00:01.Z",
            "2026-11-24T15:00:01.555555555555555555555Z",
            "2026-11-24T15:00:01.123xZ",
            "2026-11-24T15:00Z",
            "2026-13-24T15:00:01Z",
            "2026-02-30T15:00:01Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T23:59:60Z",
            "-2026-11-24T15:00:01Z",
            "292277026596-12-31T23:59:59Z",
            "2026-11-24T15:00:01:00Z",
            "+026-11-24T15:00:01Z",
            "2026-11-24T15:00:0１Z",
            " 2026-11-24T15:00:01Z",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(ms in 0_i64..253_402_300_799_999) {
            let instant = time::UtcDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap();
            prop_assert_eq!(parse(&format(instant)), Ok(instant));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".*") {
            let _ = parse(&text);
        }
    }
}
