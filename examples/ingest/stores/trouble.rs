//! What a store says when it fails.

use std::error::Error as StdError;
use std::fmt;

/// The text of a store's error, and what to do about it.
#[derive(Debug)]
pub struct Trouble(String);

/// What the libraries say, in lower case, and what helps.
const ADVICE: [(&[&str], &str); 4] = [
    (
        &["disk is full", "no space left", "storage full"],
        "the disk is full: free some space and run again",
    ),
    (
        &[
            "readonly",
            "read-only",
            "permission denied",
            "unable to open",
        ],
        "it cannot be written: check its permissions and its disk, or choose another --data",
    ),
    (
        &[
            "malformed",
            "not a database",
            "corrupt",
            "invalid data",
            "not a redb",
        ],
        "the file is damaged: move the data directory away and ingest again, or choose another --data",
    ),
    (
        &["already open", "locked"],
        "another process is using it: wait for it to end and run again",
    ),
];

impl<E: StdError> From<E> for Trouble {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        Self::new(&text)
    }
}

impl Trouble {
    /// Whether there is no space left.
    pub fn disk_is_full(&self) -> bool {
        let (signs, _) = ADVICE[0];
        let text = self.0.to_lowercase();
        signs.iter().any(|sign| text.contains(sign))
    }

    /// A failure in words, with advice where there is some.
    pub fn new(text: &str) -> Self {
        let lower = text.to_lowercase();
        let advice = ADVICE
            .iter()
            .find(|(signs, _)| signs.iter().any(|sign| lower.contains(sign)));
        match advice {
            Some((_, advice)) => Self(format!("{text}; {advice}")),
            None => Self(text.to_owned()),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_followed_by_what_to_do() {
        let full = Trouble::from(std::io::Error::from_raw_os_error(28));
        assert!(
            full.to_string().ends_with("free some space and run again"),
            "{full}"
        );
        assert!(full.disk_is_full());
        let read_only = Trouble::from(std::io::Error::from_raw_os_error(30));
        assert!(
            read_only.to_string().contains("it cannot be written"),
            "{read_only}"
        );
        assert!(!read_only.disk_is_full());
        assert_eq!(Trouble::new("odd").to_string(), "odd");
    }
}
