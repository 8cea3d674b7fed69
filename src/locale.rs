//! In which language a person reads, and how it is chosen. What there is to read stands in the [texts](crate::texts).

use std::fmt;
use std::sync::LazyLock;

use rust_embed::RustEmbed;

/// A language is there when it has a folder `templates/locales/<tag>` with these words.
#[derive(RustEmbed)]
#[folder = "templates/"]
#[include = "locales/*/common.ftl"]
struct Folders;

/// The tags of the languages that there are: the default first, the others by their letters.
static TAGS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut tags = vec![DEFAULT];
    for path in Folders::iter() {
        if let Some((tag, _)) = path.trim_start_matches("locales/").split_once('/').filter(|(tag, _)| *tag != DEFAULT) {
            // Once for the life of the process.
            tags.push(String::leak(tag.to_owned()));
        }
    }
    tags.get_mut(1..).unwrap_or_default().sort_unstable();
    tags
});

const DEFAULT: &str = "en";

/// The tag of the [pseudo-language](Locale::PSEUDO).
#[cfg(any(test, feature = "demo"))]
const PSEUDO: &str = "en-XA";

/// Nobody's browser wants more languages than this; what comes after is not read.
const MOST_WANTED: usize = 16;
/// No header about languages that a browser writes is longer.
const LONGEST_HEADER: usize = 512;

/// A language that there is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Locale(&'static str);

impl Locale {
    /// The one of a person whose language is not known, or is not there.
    pub const DEFAULT: Self = Self(DEFAULT);

    /// The English texts, made longer, accented and marked: what a page shows without them comes from no locale file. It is given
    /// to those who name it, and offered nowhere.
    #[cfg(any(test, feature = "demo"))]
    pub const PSEUDO: Self = Self(PSEUDO);

    /// All that are offered, the default first.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        TAGS.iter().copied().map(Self)
    }

    /// The language of this very tag, in capitals or not.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        #[cfg(any(test, feature = "demo"))]
        if tag.eq_ignore_ascii_case(PSEUDO) {
            return Some(Self::PSEUDO);
        }
        Self::all().find(|locale| locale.0.eq_ignore_ascii_case(tag))
    }

    /// The offered language that comes nearest to what is wanted: the same, or one without the region (`es` for `es-MX`).
    fn nearest(wanted: &str) -> Option<Self> {
        let same = |tag: &str| Self::all().find(|locale| locale.0.eq_ignore_ascii_case(tag));
        let mut tag = wanted;
        loop {
            if let Some(locale) = same(tag) {
                return Some(locale);
            }
            tag = tag.rsplit_once('-')?.0;
        }
    }

    /// By a header `Accept-Language` (RFC 9110, 12.5.4): the wanted language that is there; of several, the one that is wanted
    /// most, then the one named first. What cannot be read is passed over.
    #[must_use]
    pub fn accepted(header: &str) -> Option<Self> {
        // Of what is cut off in the middle nothing is believed.
        let bounded = match header.get(..LONGEST_HEADER) {
            Some(beginning) => beginning.rsplit_once(',')?.0,
            None => header,
        };
        let mut best: Option<(u16, Self)> = None;
        for wanted in bounded.split(',').take(MOST_WANTED) {
            let (range, weight) =
                wanted.split_once(';').map_or((wanted, Some(1000)), |(range, q)| (range, thousandths(q)));
            let range = range.trim();
            let Some(weight) = weight.filter(|weight| *weight > 0) else { continue };
            let found = if range == "*" { Some(Self::DEFAULT) } else { Self::nearest(range) };
            if let Some(locale) = found
                && best.is_none_or(|(most, _)| weight > most)
            {
                best = Some((weight, locale));
            }
        }
        best.map(|(_, locale)| locale)
    }

    /// Its tag (BCP 47), for the attribute `lang` and the header `Content-Language`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        self.0
    }

    /// In which direction it is written, for the attribute `dir`.
    #[must_use]
    pub fn direction(self) -> &'static str {
        match self.0.split('-').next() {
            Some("ar" | "dv" | "fa" | "he" | "ps" | "sd" | "ug" | "ur" | "yi") => "rtl",
            _ => "ltr",
        }
    }
}

/// In which languages a text that is not ours is looked for, for a page in the language of this tag: that one, the same without
/// its region, English.
pub fn in_order(tag: &str) -> impl Iterator<Item = &str> {
    let primary = tag.split('-').next().unwrap_or(tag);
    [tag, primary, DEFAULT].into_iter()
}

/// The weight of a wanted language (`q=0.8`), in thousandths.
fn thousandths(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, part) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    if part.len() > 3 || !part.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let part: u16 = format!("{part:0<3}").parse().ok()?;
    match (whole, part) {
        ("0", part) => Some(part),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

impl Default for Locale {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_there_by_its_folder_and_in_any_capitals() {
        assert_eq!(Locale::of_tag("EN"), Some(Locale::DEFAULT));
        assert_eq!(Locale::of_tag("en-xa"), Some(Locale::PSEUDO));
        for unknown in ["", "xx", "en-", "..", "en/common.ftl", "en-US"] {
            assert_eq!(Locale::of_tag(unknown), None, "{unknown}");
        }
        assert!(Locale::all().all(|locale| locale != Locale::PSEUDO), "offered");
        assert_eq!(Locale::all().next(), Some(Locale::DEFAULT));
    }

    #[test]
    fn accept_language_finds_what_is_there_and_never_fails() {
        for header in
            ["en", "en-US", "xx, en-GB;q=0.8", "*", "EN-us;q=0.001", "de;q=x, en;q=0.5", "en;Q=1.000", "en-XA"]
        {
            assert_eq!(Locale::accepted(header), Some(Locale::DEFAULT), "{header}");
        }
        let long = "x".repeat(100_000);
        for header in
            ["", "xx", "en;q=0", "en;q=0.000", "en;q=2", "en;q=1.1", "en;q=0.0001", "en;q", "*;q=0", "é", &long]
        {
            assert_eq!(Locale::accepted(header), None, "{header}");
        }
        let cut = format!("{}en;q=0", " ".repeat(LONGEST_HEADER - 2));
        assert_eq!(Locale::accepted(&cut), None, "what is cut is not read");
        let late = format!("{}en", "xx,".repeat(MOST_WANTED));
        assert_eq!(Locale::accepted(&late), None, "what comes late is not read");
    }

    #[test]
    fn the_weight_of_a_wanted_language_is_read_in_thousandths() {
        for (text, expected) in [("q=0.8", 800), ("q=1", 1000), ("q=0", 0), (" q = 0.05", 50), ("q=1.000", 1000)] {
            assert_eq!(thousandths(text), Some(expected), "{text}");
        }
        for text in ["q", "q=", "q=-1", "q=.5", "q=0.+1", "r=1", "q=0.1234"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }
}
