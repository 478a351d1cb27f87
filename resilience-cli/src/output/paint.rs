//! Colours, where a person looks.

use std::io::{self, IsTerminal as _};

/// Colours only on a terminal, and if nobody asked for none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(bool);

/// What a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Good,
    Careful,
    Bad,
    Strong,
    Weak,
}

impl Paint {
    pub(crate) fn for_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self(io::stdout().is_terminal() && !refused)
    }

    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(false)
    }

    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Good => "32",
            Tone::Careful => "33",
            Tone::Bad => "31",
            Tone::Strong => "1",
            Tone::Weak => "2",
        };
        if self.0 {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
