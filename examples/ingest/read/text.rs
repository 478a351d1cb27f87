//! Plain text.

use super::Found;

/// The text as it is. Its title is the name of its file: a first line may be anything.
pub(super) fn read(text: &str) -> Found {
    Found {
        text: text.to_owned(),
        ..Found::default()
    }
}
