//! Texts of others on a terminal: they may hold anything.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// `text` on one line, without what a terminal would take for a command.
pub(crate) fn line(text: &str) -> String {
    text.chars().map(|c| harmless(c, ' ')).collect()
}

/// The same with its line breaks.
pub(crate) fn block(text: &str) -> String {
    text.chars().map(|c| harmless(c, '\n')).collect()
}

/// JSON, in which the same is escaped: JSON itself only demands it of the first 32 characters.
pub(super) fn json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if harmless(c, '\n') == c {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped.push_str(&format!("\\u{unit:04x}"));
        }
    }
    escaped
}

fn harmless(c: char, line_break: char) -> char {
    match c {
        '\n' => line_break,
        '\t' | '\r' => ' ',
        // Lines and paragraphs end with these, too.
        '\u{2028}' | '\u{2029}' => line_break,
        // Those that turn the direction of what follows would make a line read as another one.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '\u{FFFD}'
        }
        // Nobody sees these.
        '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}' => '\u{FFFD}',
        c if c.is_control() => '\u{FFFD}',
        c => c,
    }
}

/// How many columns it takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// What of `text` fits into `most` columns; an ellipsis says that there was more.
pub(super) fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut columns = 0;
    for c in text.chars() {
        columns += c.width().unwrap_or(0);
        if columns + 1 > most {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_as_a_command() {
        let text = line("a\0b\u{1b}[31mc\nd\te\u{202e}f");
        assert_eq!(text, "a\u{FFFD}b\u{FFFD}[31mc d e\u{FFFD}f");
        assert_eq!(block("a\nb"), "a\nb");
        assert_eq!(line("a\u{61c}b\u{200b}c\u{2028}d"), "a\u{FFFD}b\u{FFFD}c d");
        assert_eq!(line("👩\u{200d}🔧"), "👩\u{200d}🔧");
    }

    #[test]
    fn json_has_the_same_value_and_no_command_either() {
        let value = "a\0b\u{1b}[31mc\u{9b}31m\u{7f}\u{202e}\u{2028}\u{e0041}\u{FFFD}👩\u{200d}🔧\n";
        let text = json(&serde_json::to_string(value).unwrap());
        assert!(text.chars().all(|c| harmless(c, ' ') == c), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }

    #[test]
    fn columns_are_counted_and_not_bytes() {
        assert_eq!(width("📦é"), 3);
        assert_eq!(cut("📦📦📦", 5), "📦📦…");
        assert_eq!(cut("📦📦", 4), "📦📦");
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
