//! What keys are made of: a value in canonical form, its digest, and its words for a person.
//!
//! The keys of records, of locks and of flights differ in what they add to a value, and in nothing else.
//!
//! Equal are integers of every width, `f32` and the same `f64`, `0.0` and `-0.0`, maps in any order, structs with
//! their fields in any order (and the map of the same entries), tuples and sequences, a newtype and what it wraps.
//! `1`, `1.0`, `"1"` and `true` are four keys. Enum variants go by name. Sets are sequences, whose order counts. NaN
//! is refused.

mod canonical;
mod digest;

use serde::Serialize;

use crate::error::EncodeError;

pub use canonical::Canonical;
pub(crate) use canonical::{blank, describe};
pub use digest::Digest;

/// The expression of `key = …`: `Serialize`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    label = "the key is made from its serialised form",
    note = "derive `serde::Serialize` for `{Self}`, or use a part of it that identifies the \
            call, such as an id"
)]
pub trait KeyValue {
    /// Writes the value.
    ///
    /// # Errors
    /// When it has no canonical form.
    fn write(&self, out: Canonical<'_>) -> Result<(), EncodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyValue for T {
    fn write(&self, out: Canonical<'_>) -> Result<(), EncodeError> {
        self.serialize(out)
    }
}

/// A value in canonical form.
pub(crate) fn canonical<K: KeyValue + ?Sized>(key: &K) -> Result<Vec<u8>, EncodeError> {
    let mut encoded = Vec::new();
    key.write(Canonical::into(&mut encoded))?;
    Ok(encoded)
}

/// A value in canonical form, as errors tell it; with the beginning of the digest that it is known by.
pub(crate) fn words(encoded: &[u8], digest: Option<Digest>) -> String {
    let text = describe(encoded);
    match digest {
        Some(digest) => format!("{text} ({})", digest.beginning()),
        None => text,
    }
}
