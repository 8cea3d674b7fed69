//! Why something went wrong, in words that may be told.

use std::error::Error;
use std::fmt;

use crate::one_line::leaves_the_line;

/// The longest explanation, in characters.
const LONGEST: usize = 400;

/// What an error of ours says of itself. Errors repeat nothing personal (a house rule); where one names a part of a message from
/// outside, that cannot break out of the line or fill the log.
///
/// Only an error can be explained, so text cannot get in this way either:
///
/// ```compile_fail,E0277
/// // fails: the trait bound `String: std::error::Error` is not satisfied
/// signet::event::Explanation::of(&String::from("anything"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation(String);

impl Explanation {
    /// What this error says.
    #[must_use]
    pub fn of(error: &dyn Error) -> Self {
        let shown = |c: char| if leaves_the_line(c) { char::REPLACEMENT_CHARACTER } else { c };
        Self(error.to_string().chars().take(LONGEST).map(shown).collect())
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("element {0}")]
    struct Quoting(String);

    #[test]
    fn what_an_error_quotes_stays_on_its_line_and_is_cut() {
        let told = Explanation::of(&Quoting("a\nERROR signed_in\u{1b}[31m\u{202e}".to_owned())).to_string();
        assert_eq!(told, "element a\u{fffd}ERROR signed_in\u{fffd}[31m\u{fffd}");
        assert_eq!(Explanation::of(&Quoting("x".repeat(1_000))).to_string().chars().count(), LONGEST);
    }
}
