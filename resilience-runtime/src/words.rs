//! Enums that stores keep as words.

/// Gives an enum the words that stores spell it with, each written once for both ways.
macro_rules! words {
    ($type:ident: $($variant:ident = $word:literal),+ $(,)?) => {
        impl $type {
            /// All values of this version.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word that the stores use for it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The value for a word that a store has written, or `None` if no version of this crate writes that word.
            #[must_use]
            pub fn from_stored(text: &str) -> Option<Self> {
                match text {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use words;
