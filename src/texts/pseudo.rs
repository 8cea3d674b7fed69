//! The pseudo-language: the English texts, made longer, accented and put between ⟦ and ⟧. What a page shows outside of these
//! marks comes from no locale file, and what does not fit will not fit in a longer language either.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use fluent_templates::fluent_bundle::FluentResource;
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::fluent_bundle::concurrent::FluentBundle;

use super::{ENGLISH, ENGLISH_FILES};

/// The mark before a text of a locale file.
pub(crate) const OPENS: char = '⟦';
/// The mark behind it.
pub(crate) const CLOSES: char = '⟧';

static BUNDLE: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| {
    let mut bundle = FluentBundle::new_concurrent(vec![ENGLISH]);
    bundle.set_use_isolating(false);
    bundle.set_transform(Some(marked));
    for file in ENGLISH_FILES {
        // What has a fault is left out, and is missed by the test that draws every page.
        let resource = FluentResource::try_new(file.to_owned()).unwrap_or_else(|(resource, _)| resource);
        bundle.add_resource_overriding(resource);
    }
    bundle
});

pub(super) fn lookup(key: &str, arguments: &HashMap<Cow<'static, str>, FluentValue<'_>>) -> Option<String> {
    let pattern = BUNDLE.get_message(key)?.value()?;
    let arguments = arguments.iter().map(|(name, value)| (name.as_ref(), value.clone())).collect();
    Some(BUNDLE.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned())
}

/// A stretch of a text between what is inserted, line by line: a mail's addresses and paragraphs stay what they are.
fn marked(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_alphabetic) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<String> = text.split('\n').map(marked_line).collect();
    Cow::Owned(lines.join("\n"))
}

fn marked_line(line: &str) -> String {
    let words = line.trim();
    if !words.contains(char::is_alphabetic) {
        return line.to_owned();
    }
    let before = line.get(..line.len() - line.trim_start().len()).unwrap_or_default();
    let after = line.get(line.trim_end().len()..).unwrap_or_default();
    let accented: String = words.chars().map(accented).collect();
    // A third longer, as German or Spanish are.
    let longer = "~".repeat(words.chars().count().div_ceil(3));
    format!("{before}{OPENS}{accented}{longer}{CLOSES}{after}")
}

const fn accented(letter: char) -> char {
    match letter {
        'a' => 'á',
        'c' => 'ç',
        'e' => 'é',
        'i' => 'í',
        'n' => 'ñ',
        'o' => 'ö',
        's' => 'š',
        'u' => 'ü',
        'y' => 'ý',
        'A' => 'Å',
        'E' => 'È',
        'I' => 'Î',
        'O' => 'Ø',
        'S' => 'Š',
        'U' => 'Û',
        'Y' => 'Ý',
        other => other,
    }
}

/// What of a shown text stands outside of the marks: it comes from no locale file.
#[cfg(test)]
pub(crate) fn outside_of_marks(shown: &str) -> Vec<String> {
    let (mut depth, mut outside) = (0_u32, String::new());
    for letter in shown.chars() {
        match letter {
            OPENS => {
                depth += 1;
                outside.push('\n');
            }
            CLOSES => depth = depth.saturating_sub(1),
            letter if depth == 0 => outside.push(letter),
            _ => {}
        }
    }
    let pieces = outside.split('\n').map(str::trim).filter(|piece| piece.contains(char::is_alphabetic));
    pieces.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;
    use crate::texts;

    #[test]
    fn what_is_inserted_stays_as_it_is_and_all_else_is_marked() {
        let text = texts::text(Locale::PSEUDO, "remove-named", &[("name", "Phone".to_owned())]);
        assert_eq!(text, "⟦Rémövé~~⟧ Phone");
        assert_eq!(outside_of_marks(&text), ["Phone"]);
        let two = texts::lookup(Locale::PSEUDO, "tries-left", [("count".to_owned(), FluentValue::from(2))]).unwrap();
        assert_eq!(outside_of_marks(&two), Vec::<String>::new(), "{two}");
        assert!(two.starts_with("2 ⟦möré"), "{two}");
    }

    #[test]
    fn every_english_text_has_one_in_the_pseudo_language() {
        for key in texts::keys() {
            let shown = texts::lookup(Locale::PSEUDO, key, []).unwrap_or_else(|| panic!("{key}"));
            assert!(shown.contains(OPENS), "{key}: {shown}");
        }
    }
}
