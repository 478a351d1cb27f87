//! Enums that stores keep as words.

/// Gives an enum the words that stores spell it with, each written once for both ways.
macro_rules! words {
    ($type:ident: $($variant:ident = $word:literal),+ $(,)?) => {
        impl $type {
            /// All that there are in this version.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// As the stores spell it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What a store read back, or `None` for a word that no version of this crate has written.
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
