//! The type that a result is stored as, in words.

use std::fmt;
use std::sync::Arc;

/// The name of a type, as the compiler has it, and the version that its author gave it: `shop::Order@1`.
///
/// A type that was renamed, moved or given another version is another type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schema {
    pub(super) type_name: &'static str,
    pub(super) version: u32,
}

impl Schema {
    /// The words, as they are stored.
    pub(super) fn words(self) -> Arc<str> {
        self.to_string().into()
    }

    /// Whether `stored` says the same. Records that were written before there were schemas say nothing, and only
    /// their content can tell.
    pub(super) fn accepts(self, stored: &str) -> bool {
        stored.is_empty()
            || stored
                .strip_prefix(self.type_name)
                .and_then(|rest| rest.strip_prefix('@'))
                .is_some_and(|version| version.parse() == Ok(self.version))
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.type_name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_accepts_its_own_words_and_none() {
        let schema = Schema {
            type_name: "shop::Order",
            version: 2,
        };
        assert!(
            schema.accepts("shop::Order@2")
                && schema.accepts("")
                && schema.accepts(&schema.words())
        );
        for other in [
            "shop::Order@1",
            "shop::Order",
            "shop::Order@",
            "shop::Order2@2",
            "Order@2",
            "@2",
        ] {
            assert!(!schema.accepts(other), "{other}");
        }
    }
}
