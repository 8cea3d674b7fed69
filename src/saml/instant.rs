//! Points in time as SAML writes them: `xs:dateTime` in UTC (SAML Core §1.3.3).

use time::{Date, Month, Time, UtcDateTime};

/// Reads an instant: `YYYY-MM-DDThh:mm:ss[.fraction](Z|+00:00|-00:00)`.
///
/// The standard has no other zone than UTC. A finer fraction than milliseconds is cut off (it asks receivers not to rely
/// on one), `24:00:00` and leap seconds (which §1.3.3 forbids) are refused, and so are years of other than four digits.
pub(crate) fn parse_instant(text: &str) -> Option<UtcDateTime> {
    let text =
        text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).or_else(|| text.strip_suffix("-00:00"))?;
    let (date, time) = text.split_once('T')?;
    let (year, rest) = date.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let (hour, rest) = time.split_once(':')?;
    let (minute, rest) = rest.split_once(':')?;
    let (second, fraction) = match rest.split_once('.') {
        Some((second, fraction)) => (second, Some(fraction)),
        None => (rest, None),
    };
    let millisecond = match fraction {
        None => 0,
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.bytes().chain(*b"00").take(3).fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'))
        }
        Some(_) => return None,
    };
    let two = |digits: &str| u8::try_from(number(digits, 2)?).ok();
    let month = Month::try_from(two(month)?).ok()?;
    let date = Date::from_calendar_date(i32::from(number(year, 4)?), month, two(day)?).ok()?;
    let time = Time::from_hms_milli(two(hour)?, two(minute)?, two(second)?, millisecond).ok()?;
    Some(UtcDateTime::new(date, time))
}

/// Exactly so many decimal digits.
fn number(digits: &str, length: usize) -> Option<u16> {
    let plain = digits.len() == length && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// Writes an instant with milliseconds and `Z`: the one form that every receiver reads.
#[cfg_attr(not(test), expect(dead_code, reason = "assertions are about to use it"))]
pub(crate) fn format_instant(at: UtcDateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::utc_datetime;

    use super::*;

    #[test]
    fn utc_in_its_three_spellings_is_read() {
        for text in ["2026-11-24T15:04:05Z", "2026-11-24T15:04:05+00:00", "2026-11-24T15:04:05-00:00"] {
            assert_eq!(parse_instant(text), Some(utc_datetime!(2026-11-24 15:04:05)), "{text}");
        }
        assert_eq!(parse_instant("2024-02-29T00:00:00.5Z"), Some(utc_datetime!(2024-02-29 00:00:00.5)));
        assert_eq!(parse_instant("2024-02-29T00:00:00.1239999999Z"), Some(utc_datetime!(2024-02-29 00:00:00.123)));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "Z",
            "2026-11-24",
            "2026-11-24T15:04:05",
            "2026-11-24T15:04:05+01:00",
            "2026-11-24T15:04:05z",
            "2026-11-24t15:04:05Z",
            "2026-11-24 15:04:05Z",
            "2026-11-24T15:04Z",
            "2026-11-24T15:04:05.Z",
            "2026-11-24T15:04:05.-1Z",
            "2026-11-24T15:04:60Z",
            "2026-11-24T24:00:00Z",
            "2026-02-29T15:04:05Z",
            "2026-13-01T15:04:05Z",
            "2026-00-01T15:04:05Z",
            "02026-01-01T15:04:05Z",
            "-2026-01-01T15:04:05Z",
            "+026-01-01T15:04:05Z",
            "2026-1-1T15:04:05Z",
            " 2026-11-24T15:04:05Z",
            "2026-11-24T15:04:05ZZ",
            "２026-11-24T15:04:05Z",
        ] {
            assert_eq!(parse_instant(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(milliseconds in 0_i64..4_102_444_800_000) {
            let at = UtcDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).unwrap();
            prop_assert_eq!(parse_instant(&format_instant(at)), Some(at));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = parse_instant(&text);
        }
    }
}
