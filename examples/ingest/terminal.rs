//! Writing to people, and to programs.

use std::io::{self, IsTerminal as _, Write as _};

/// Writes a line to standard output. A reader that went away is no failure.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Colours for standard output: only where a person looks at them.
#[derive(Debug, Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    /// Colours if standard output is a terminal, and nobody asked for none.
    pub fn for_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self(io::stdout().is_terminal() && !refused)
    }

    /// As it should be.
    pub fn good(self, text: &str) -> String {
        self.painted("32", text)
    }

    /// Not as it should be.
    pub fn bad(self, text: &str) -> String {
        self.painted("31", text)
    }

    /// What matters.
    pub fn bold(self, text: &str) -> String {
        self.painted("1", text)
    }

    /// What matters less.
    pub fn dim(self, text: &str) -> String {
        self.painted("2", text)
    }

    fn painted(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// `text` without what a terminal would take for a command: file names may hold anything.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect()
}
