//! A phone number: checked against the number plans, in its one international form.

use std::fmt;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType, Region};

use super::typed::with_plain_digits;

/// A valid phone number.
///
/// `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber {
    e164: String,
    international: String,
    region: String,
    kind: PhoneKind,
}

/// A country or territory that has phones: two letters (ISO 3166-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// Reads two capital letters.
    ///
    /// # Errors
    /// [`PhoneNumberError::UnknownRegion`] when no country with a number plan has them.
    pub fn parse(code: &str) -> Result<Self, PhoneNumberError> {
        let region = Region::from_code(code).map_err(|_| PhoneNumberError::UnknownRegion)?;
        match region.as_region_str().as_bytes() {
            [first, second]
                if code.as_bytes() == [*first, *second]
                    && PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some() =>
            {
                Ok(Self([*first, *second]))
            }
            _ => Err(PhoneNumberError::UnknownRegion),
        }
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a number is, as far as its plan tells. In North America a plan cannot tell mobile from fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PhoneKind {
    /// A fixed line.
    FixedLine,
    /// Either of the two.
    FixedLineOrMobile,
    /// A mobile.
    Mobile,
    /// Whatever else: free, premium, shared cost, pager, voice mail, company-wide.
    Other,
    /// A number on the internet.
    Voip,
}

impl PhoneNumber {
    /// Checks a number as a person typed it, in digits of any script. `region` is the country to read it in when it does not begin with `+`,
    /// as two letters (ISO 3166-1), for example `US`.
    ///
    /// # Errors
    /// Why it is not a number.
    pub fn parse(text: &str, region: &str) -> Result<Self, PhoneNumberError> {
        let plain = with_plain_digits(text).replace('\u{ff0b}', "+");
        let text = plain.trim();
        let region = Region::from_code(region).map_err(|_| PhoneNumberError::UnknownRegion)?;
        let number = PHONE_NUMBER_UTIL.parse(text, Some(region)).map_err(|_| PhoneNumberError::NotANumber)?;
        if !PHONE_NUMBER_UTIL.is_valid_number(&number) || !number.extension().is_empty() {
            return Err(PhoneNumberError::NotANumber);
        }
        let e164 = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned();
        // A number that says its country must come out with the very digits that went in, but for the zero that is dialled
        // within the country (`+44 (0)7911 …`): a code sent to another person's phone is worse than a refusal.
        if text.starts_with('+') && !is_same_number(&digits(text), &digits(&e164), number.country_code) {
            return Err(PhoneNumberError::NotANumber);
        }
        let region = PHONE_NUMBER_UTIL.get_region_for_number(&number).ok_or(PhoneNumberError::NotANumber)?;
        let kind = match PHONE_NUMBER_UTIL.get_number_type(&number) {
            PhoneNumberType::FixedLine => PhoneKind::FixedLine,
            PhoneNumberType::FixedLineOrMobile => PhoneKind::FixedLineOrMobile,
            PhoneNumberType::Mobile => PhoneKind::Mobile,
            PhoneNumberType::VoIP => PhoneKind::Voip,
            _ => PhoneKind::Other,
        };
        let international = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::International).into_owned();
        Ok(Self { e164, international, region: region.as_region_str().to_string(), kind })
    }

    /// The number in E.164: `+`, country code, number; digits only.
    #[must_use]
    pub fn e164(&self) -> &str {
        &self.e164
    }

    /// The number as people read it, with its country code.
    #[must_use]
    pub fn international(&self) -> &str {
        &self.international
    }

    /// The country it belongs to: two letters, or `001` where it belongs to none.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The same as a country. `None` where it belongs to none, as satellite and international premium numbers do.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        Country::parse(&self.region).ok()
    }

    /// What it shares with the ten thousand numbers beside it, which are mostly rented out together: all but its last four digits.
    #[must_use]
    pub fn block(&self) -> &str {
        self.e164.get(..self.e164.len().saturating_sub(4)).unwrap_or_default()
    }

    /// What the plan says it is.
    #[must_use]
    pub fn kind(&self) -> PhoneKind {
        self.kind
    }

    /// Whether we send codes to it: numbers of one person's phone, and no others (NIST SP 800-63B-4, 3.1.3.3).
    ///
    /// # Errors
    /// [`PhoneNumberError::NotForTextMessages`] for the rest.
    pub fn for_text_messages(self) -> Result<Self, PhoneNumberError> {
        match self.kind {
            PhoneKind::Mobile | PhoneKind::FixedLineOrMobile => Ok(self),
            PhoneKind::FixedLine | PhoneKind::Other | PhoneKind::Voip => Err(PhoneNumberError::NotForTextMessages),
        }
    }

    /// Enough for its person to recognise it: the last four digits.
    #[must_use]
    pub fn masked(&self) -> String {
        let start = self.e164.len().saturating_sub(4);
        format!("••• {}", self.e164.get(start..).unwrap_or_default())
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

/// Whether the digits are the same, or have one zero more behind the country's code.
fn is_same_number(typed: &str, international: &str, country_code: i32) -> bool {
    let country = country_code.to_string();
    let with_zero = international.strip_prefix(&country).map(|national| format!("{country}0{national}"));
    typed == international || with_zero.is_some_and(|with_zero| typed == with_zero)
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Why a text is not a phone number that we can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneNumberError {
    /// No number plan has such a number.
    #[error("not a valid phone number")]
    NotANumber,
    /// A number, but not of a phone that receives one person's text messages.
    #[error("text messages cannot be sent to this number")]
    NotForTextMessages,
    /// The country is not one of ISO 3166-1.
    #[error("not a country code")]
    UnknownRegion,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e164(text: &str, region: &str) -> Result<String, PhoneNumberError> {
        PhoneNumber::parse(text, region).map(|number| number.e164().to_owned())
    }

    #[test]
    fn one_number_has_one_form_however_it_is_typed() {
        for text in ["(202) 456-1111", "202.456.1111", "1 202 456 1111", "+1 202-456-1111", " 2024561111 "] {
            assert_eq!(e164(text, "US").as_deref(), Ok("+12024561111"), "{text}");
        }
    }

    #[test]
    fn a_number_with_a_country_keeps_its_digits_whatever_the_region() {
        for region in ["US", "DE", "FR"] {
            assert_eq!(e164("+49 151 23456789", region).as_deref(), Ok("+4915123456789"));
        }
    }

    #[test]
    fn the_zero_that_is_dialled_within_a_country_is_passed_over_where_the_plan_has_one() {
        for text in
            ["+44 (0)7911 123456", "+44 07911 123456", "+44 (0) 7911 123456", "0044 (0)7911 123456", "(0)7911 123456"]
        {
            assert_eq!(e164(text, "GB").as_deref(), Ok("+447911123456"), "{text}");
        }
        assert_eq!(e164("+44 (0)7911 123456", "US").as_deref(), Ok("+447911123456"));
        assert_eq!(e164("+49 (0)151 23456789", "DE").as_deref(), Ok("+4915123456789"));
        // In Italy it belongs to the number.
        assert_eq!(e164("+39 (0)6 698 82511", "IT").as_deref(), Ok("+390669882511"));
        for text in ["+44 (00)7911 123456", "+44 (1)7911 123456", "+1 (0)202 456 1111", "+44 7911 (0)123456"] {
            assert_eq!(e164(text, "GB"), Err(PhoneNumberError::NotANumber), "{text}");
        }
    }

    #[test]
    fn digits_of_any_script_make_the_number() {
        for text in ["+٤٤ ٧٩١١ ١٢٣٤٥٦", "\u{202a}+44 7911 123456\u{202c}", "＋４４７９１１１２３４５６", "٠٧٩١١١٢٣٤٥٦"]
        {
            assert_eq!(e164(text, "GB").as_deref(), Ok("+447911123456"), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "12", "911", "hello", "+1 000 000 0000", "202 456 1111 ext. 7", "+999 123 456 789"] {
            assert_eq!(e164(text, "US"), Err(PhoneNumberError::NotANumber), "{text}");
        }
        assert_eq!(e164("202 456 1111", "U"), Err(PhoneNumberError::UnknownRegion));
    }

    #[test]
    fn codes_go_to_one_persons_phone_only() {
        let usable = |text| PhoneNumber::parse(text, "US").unwrap().for_text_messages().is_ok();
        assert!(usable("+1 202 456 1111"));
        assert!(usable("+49 151 23456789"));
        assert!(!usable("+1 800 444 4444"), "free of charge");
        assert!(!usable("+1 900 555 1212"), "premium");
        assert!(!usable("+49 30 123456"), "fixed line");
    }

    #[test]
    fn a_number_has_a_country_unless_it_is_everywhere() {
        let country = |text| PhoneNumber::parse(text, "US").ok().and_then(|phone| phone.country());
        assert_eq!(country("+1 202 456 1111"), Some(Country(*b"US")));
        assert_eq!(country("+1 787 456 1111"), Some(Country(*b"PR")));
        assert_eq!(country("+1 876 210 1234"), Some(Country(*b"JM")));
        for everywhere in ["+881 6 1234 5678", "+979 1 2345 6789", "+882 13 300655"] {
            assert_eq!(country(everywhere), None, "{everywhere}");
        }
        for none in ["", "us", "USA", "XX", "001", "ZZ"] {
            assert_eq!(Country::parse(none), Err(PhoneNumberError::UnknownRegion), "{none}");
        }
        assert_eq!(PhoneNumber::parse("+1 202 456 1111", "US").unwrap().block(), "+1202456");
    }

    #[test]
    fn debug_and_mask_hide_the_number() {
        let number = PhoneNumber::parse("+1 202 456 1111", "US").unwrap();
        assert_eq!(format!("{number:?}"), "PhoneNumber(…)");
        assert_eq!(number.masked(), "••• 1111");
        assert_eq!((number.region(), number.kind()), ("US", PhoneKind::FixedLineOrMobile));
    }
}
