//! Digits as people type them: keyboards give those of their own script, and copied text brings marks along that nobody sees.

use zeroize::Zeroizing;

use crate::one_line::leaves_the_line;

/// The zero of each script that has decimal digits (Unicode 14, general category Nd); nine more digits follow each.
const ZEROS: [char; 66] = [
    '\u{30}',
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{ff10}',
    '\u{104a0}',
    '\u{10d30}',
    '\u{11066}',
    '\u{110f0}',
    '\u{11136}',
    '\u{111d0}',
    '\u{112f0}',
    '\u{11450}',
    '\u{114d0}',
    '\u{11650}',
    '\u{116c0}',
    '\u{11730}',
    '\u{118e0}',
    '\u{11950}',
    '\u{11c50}',
    '\u{11d50}',
    '\u{11da0}',
    '\u{16a60}',
    '\u{16ac0}',
    '\u{16b50}',
    '\u{1d7ce}',
    '\u{1d7d8}',
    '\u{1d7e2}',
    '\u{1d7ec}',
    '\u{1d7f6}',
    '\u{1e140}',
    '\u{1e2f0}',
    '\u{1e950}',
    '\u{1fbf0}',
];

/// The text with the decimal digits of every script as ASCII digits, and without what is not seen: marks of direction, joiners,
/// controls.
#[must_use]
pub(super) fn with_plain_digits(text: &str) -> Zeroizing<String> {
    // Nothing grows, so that no copy is left behind on the way.
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    for c in text.chars().filter(|c| !leaves_the_line(*c) || c.is_whitespace()) {
        plain.push(ascii_digit(c).unwrap_or(c));
    }
    plain
}

/// A code of six digits, as a person typed it; spaces and dashes are dropped. `None` if it is none.
#[must_use]
pub fn six_digits(text: &str) -> Option<Zeroizing<String>> {
    let plain = with_plain_digits(text);
    let mut code = Zeroizing::new(String::with_capacity(plain.len()));
    code.extend(plain.chars().filter(|c| !c.is_whitespace() && !is_dash(*c)));
    (code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit())).then_some(code)
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}')
}

fn ascii_digit(c: char) -> Option<char> {
    let value = ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(u32::from(*zero)).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_are_read_as_digits() {
        for text in [
            "123456",
            " 123 456 ",
            "123-456",
            "123\u{2011}456",
            "١٢٣٤٥٦",
            "۱۲۳۴۵۶",
            "१२३४५६",
            "১২৩৪৫৬",
            "១២៣៤៥៦",
            "１２３４５６",
            "𝟏𝟐𝟑𝟒𝟓𝟔",
            "١٢٣456",
            "\u{200f}١٢٣٤٥٦\u{200e}",
            "\u{202b}123\u{a0}456\u{202c}",
            "\u{2066}123456\u{2069}\u{feff}",
        ] {
            assert_eq!(six_digits(text).as_deref().map(String::as_str), Some("123456"), "{text:?}");
        }
        for zero in ZEROS {
            let ten: String = (0..10).filter_map(|value| char::from_u32(u32::from(zero) + value)).collect();
            assert_eq!(with_plain_digits(&ten).as_str(), "0123456789", "{zero:?}");
        }
    }

    #[test]
    fn other_text_is_no_code() {
        for text in ["", "12345", "1234567", "12345x", "一二三四五六", "¹²³⁴⁵⁶", "½23456", "ⅠⅡⅢⅣⅤⅥ", "12.456", "١٢٣٤٥"]
        {
            assert!(six_digits(text).is_none(), "{text}");
        }
    }
}
