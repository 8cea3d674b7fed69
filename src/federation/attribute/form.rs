//! The form in which each attribute is released: cut, normalised, and free of characters that XML cannot carry; and what is
//! derived, so that a service need not have the whole (SP 800-63C-4 on derived attribute values).

use time::{Date, Duration, Month, UtcDateTime};

use super::AttributeName;

impl AttributeName {
    /// The form in which the value of the attribute that it is [made from](Self::made_from) is released now: cut, normalised,
    /// and free of characters that XML cannot carry.
    ///
    /// # Errors
    /// The value cannot be brought into the form that its name promises.
    pub fn wire_form(self, held: &str, now: UtcDateTime) -> Result<String, Underivable> {
        let held = held.trim();
        let value = match self {
            Self::AgeOver18 | Self::AgeOver21 | Self::AgeOver65 => {
                self.is_reached(held, now).map(|it_is| it_is.to_string())
            }
            Self::Dob => iso_date(held).map(|date| date.to_string()),
            Self::Phone => e164(held),
            Self::Ssn => dashed_ssn(held),
            Self::Zipcode => five_digit_zip(held),
            _ => Some(held.to_owned()),
        };
        value
            .filter(|value| !value.is_empty() && value.chars().all(can_stand_in_xml))
            .ok_or(Underivable { attribute: self })
    }

    /// Whether the person who was born on this day has reached the age. The birthday must have begun in every time zone, so
    /// that nobody is called older than they are where they live; who was born on 29 February has it on 1 March in other years.
    fn is_reached(self, born: &str, now: UtcDateTime) -> Option<bool> {
        const LAST_TIME_ZONE: Duration = Duration::hours(-12);
        let born = iso_date(born)?;
        let year = born.year().checked_add(self.least_age_years()?)?;
        let birthday = born.replace_year(year).or_else(|_| Date::from_calendar_date(year, Month::March, 1)).ok()?;
        Some(now.checked_add(LAST_TIME_ZONE)?.date() >= birthday)
    }
}

/// The value that is held cannot be brought into the form that its name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value held for `{attribute}` does not have the form that is released")]
pub struct Underivable {
    /// Whose value it is. The value itself is not told.
    pub attribute: AttributeName,
}

/// Characters that XML 1.0 §2.2 allows in content.
const fn can_stand_in_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn five_digit_zip(held: &str) -> Option<String> {
    let digits: String = held.chars().take(5).collect();
    let rest_is_plus_four = held.get(digits.len()..).is_some_and(|rest| {
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        rest.is_empty() || (rest.len() == 4 && rest.bytes().all(|b| b.is_ascii_digit()))
    });
    (digits.len() == 5 && digits.bytes().all(|b| b.is_ascii_digit()) && rest_is_plus_four).then_some(digits)
}

fn iso_date(held: &str) -> Option<Date> {
    Date::parse(held, time::macros::format_description!("[year]-[month]-[day]")).ok()
}

fn dashed_ssn(held: &str) -> Option<String> {
    let digits: String = held.chars().filter(|c| *c != '-').collect();
    if digits.len() != 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(format!("{}-{}-{}", digits.get(..3)?, digits.get(3..5)?, digits.get(5..)?))
}

fn e164(held: &str) -> Option<String> {
    let compact: String = held.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
    let digits = compact.strip_prefix('+').unwrap_or(&compact);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match (compact.starts_with('+'), digits.len()) {
        // E.164 §6.2.1: at most 15 digits; no country's whole number has fewer than 7.
        (true, 7..=15) => Some(format!("+{digits}")),
        // A number without a country is one of the North American plan.
        (false, 10) => Some(format!("+1{digits}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::utc_datetime;

    use super::*;

    const NOW: UtcDateTime = utc_datetime!(2026-12-01 12:00);

    #[test]
    fn derived_forms_are_what_their_names_promise() {
        let form = |name: AttributeName, held: &str| name.wire_form(held, NOW).ok();
        assert_eq!(form(AttributeName::Zipcode, "12345-6789").as_deref(), Some("12345"));
        assert_eq!(form(AttributeName::Zipcode, "12345").as_deref(), Some("12345"));
        assert_eq!(form(AttributeName::Zipcode, "1234"), None);
        assert_eq!(form(AttributeName::Zipcode, "123456"), None);
        assert_eq!(form(AttributeName::Zipcode, "1234x"), None);
        assert_eq!(form(AttributeName::Zipcode, "12345-67x9"), None);
        assert_eq!(form(AttributeName::Dob, "1938-10-06").as_deref(), Some("1938-10-06"));
        assert_eq!(form(AttributeName::Dob, "1938-02-30"), None);
        assert_eq!(form(AttributeName::Ssn, "900123456").as_deref(), Some("900-12-3456"));
        assert_eq!(form(AttributeName::Ssn, "900-12-3456").as_deref(), Some("900-12-3456"));
        assert_eq!(form(AttributeName::Ssn, "90012345"), None);
        assert_eq!(form(AttributeName::Ssn, "90012345x"), None);
        assert_eq!(form(AttributeName::Phone, "+1 202-555-0123").as_deref(), Some("+12025550123"));
        assert_eq!(form(AttributeName::Phone, "(202) 555-0123").as_deref(), Some("+12025550123"));
        assert_eq!(form(AttributeName::Phone, "555-0123"), None);
        assert_eq!(form(AttributeName::Phone, "(202) 555-012x"), None);
        assert_eq!(form(AttributeName::Phone, "+1 202 555 012 ext"), None);
    }

    #[test]
    fn a_value_that_xml_cannot_carry_is_not_derivable() {
        assert!(AttributeName::FirstName.wire_form("A\u{0}B", NOW).is_err());
        assert!(AttributeName::FirstName.wire_form("  ", NOW).is_err());
        assert!(AttributeName::FirstName.wire_form("Zoë \u{1F600}", NOW).is_ok());
    }

    #[test]
    fn an_age_is_reached_when_its_birthday_has_begun_everywhere() {
        let reached = |born: &str, now| AttributeName::AgeOver18.wire_form(born, now).ok();
        let birthday = utc_datetime!(2026-12-01 00:00);
        for (now, expected) in [
            (birthday, "false"),
            (birthday + Duration::hours(12) - Duration::NANOSECOND, "false"),
            (birthday + Duration::hours(12), "true"),
        ] {
            assert_eq!(reached("2008-12-01", now).as_deref(), Some(expected), "{now}");
        }
        assert_eq!(reached("2008-02-29", utc_datetime!(2026-02-28 23:59)).as_deref(), Some("false"));
        assert_eq!(reached("2008-02-29", utc_datetime!(2026-03-01 12:00)).as_deref(), Some("true"));
        assert_eq!(reached("2008-02-30", NOW), None);
        assert_eq!(reached("9990-01-01", NOW), None);
    }

    #[test]
    fn each_age_is_the_one_that_its_name_says() {
        for (name, last_day) in [
            (AttributeName::AgeOver18, "2008-12-01"),
            (AttributeName::AgeOver21, "2005-12-01"),
            (AttributeName::AgeOver65, "1961-12-01"),
        ] {
            assert_eq!(name.made_from(), AttributeName::Dob);
            assert_eq!(name.wire_form(last_day, NOW).as_deref(), Ok("true"), "{name}");
            let a_day_later = last_day.replace("-01", "-02");
            assert_eq!(name.wire_form(&a_day_later, NOW).as_deref(), Ok("false"), "{name}");
        }
        let others = AttributeName::ALL.into_iter().filter(|name| !name.as_str().starts_with("age_over_"));
        assert!(others.into_iter().all(|name| name.made_from() == name));
    }
}
