//! The form in which each attribute is released: cut, normalised, and free of characters that XML cannot carry.

use super::AttributeName;

impl AttributeName {
    /// The form in which the value is released: cut, normalised, and free of characters that XML cannot carry.
    ///
    /// # Errors
    /// The value cannot be brought into the form that its name promises.
    pub fn wire_form(self, held: &str) -> Result<String, Underivable> {
        let held = held.trim();
        let value = match self {
            Self::Dob => iso_date(held),
            Self::Phone => e164(held),
            Self::Ssn => dashed_ssn(held),
            Self::Zipcode => five_digit_zip(held),
            _ => Some(held.to_owned()),
        };
        value
            .filter(|value| !value.is_empty() && value.chars().all(can_stand_in_xml))
            .ok_or(Underivable { attribute: self })
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

fn iso_date(held: &str) -> Option<String> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let date = time::Date::parse(held, format).ok()?;
    date.format(format).ok()
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
    use super::*;

    #[test]
    fn derived_forms_are_what_their_names_promise() {
        let form = |name: AttributeName, held: &str| name.wire_form(held).ok();
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
        assert!(AttributeName::FirstName.wire_form("A\u{0}B").is_err());
        assert!(AttributeName::FirstName.wire_form("  ").is_err());
        assert!(AttributeName::FirstName.wire_form("Zoë \u{1F600}").is_ok());
    }
}
