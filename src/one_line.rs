//! What others wrote, shown to operators: in terminals and logs a line stands for one thing, and reads as it is stored.

use std::fmt::{self, Write as _};

/// Whether a character ends or rearranges a line, or is not seen in it: controls (C0, DEL, C1), the line and paragraph separators,
/// and Unicode's format characters (general category Cf), among them those that turn the direction of reading.
pub(crate) fn leaves_the_line(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{890}'..='\u{891}'
                | '\u{8e2}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Shows what it holds on one line: each character that would leave it is written as an escape (`\n`, `\u{202e}`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneLine<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| {
            if leaves_the_line(c) { write!(self.0, "{}", c.escape_default()) } else { self.0.write_char(c) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_leaves_its_line_or_turns_it() {
        let written = "a\r\n\0\t\u{1b}[2J\u{7f}\u{85}\u{9b}\u{ad}\u{200b}\u{200f}\u{2028}\u{2029}\u{202e}\u{2066}\u{2069}\u{feff}\u{e0041}z";
        let shown = "a\\r\\n\\u{0}\\t\\u{1b}[2J\\u{7f}\\u{85}\\u{9b}\\u{ad}\\u{200b}\\u{200f}\\u{2028}\\u{2029}\\u{202e}\\u{2066}\\u{2069}\\u{feff}\\u{e0041}z";
        assert_eq!(OneLine(written).to_string(), shown);
    }

    #[test]
    fn what_people_write_is_shown_as_it_is() {
        let written = "Café ‘Zoë’ \"x\" C:\\y हिन्दी עברית 漢字 e\u{301}\u{a0}🙂";
        assert_eq!(OneLine(written).to_string(), written);
    }
}
