//! The canonical encoding that keys and fingerprints are digests of.
//!
//! A value is written as typed tokens, as its `Serialize` implementation produces them, without a
//! detour through text. No encoding is a prefix of another one, so values that follow each other
//! never run together: `("a", "bc")` is not `("ab", "c")`.
//!
//! What is equal, because callers and deployments mean the same by it:
//! - integers of every width and sign: `1u8`, `1i64`; `f32` and the `f64` of the same value;
//!   `0.0` and `-0.0`;
//! - maps whatever their order, and structs whatever the order of their fields; a struct is the map
//!   of its fields;
//! - tuples and sequences of the same elements; a newtype struct and what it wraps; a `char` and the
//!   string of it.
//!
//! What differs: `1`, `1.0`, `"1"` and `true`; `None`, `()` and `""`; `Some(x)` and `x`; bytes and
//! strings. Enum variants go by their names. Sets are sequences to `serde`, and the order of a
//! sequence counts: a `HashSet` has a new order in every process and makes a poor key.
//! NaN is refused, because it is not equal to itself.

mod compound;
mod describe;

use serde::ser::{self, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::EncodeError;
use compound::{Entries, Sequence};
pub(crate) use describe::describe;

// The format. A change here changes every stored key: raise the versions of the domains that hash it.
const UNIT: u8 = 0x01;
const NONE: u8 = 0x02;
const SOME: u8 = 0x03;
const FALSE: u8 = 0x04;
const TRUE: u8 = 0x05;
/// Followed by the sign (1 for negative) and the magnitude in 16 bytes, most significant first.
const INTEGER: u8 = 0x06;
/// Followed by the bits of the `f64`, most significant first.
const FLOAT: u8 = 0x07;
/// Followed by the length in 8 bytes and the text in UTF-8.
const STRING: u8 = 0x08;
/// Followed by the length in 8 bytes and the bytes.
const BYTES: u8 = 0x09;
/// Followed by the elements and [`END`]: a sequence need not know its length beforehand, and no
/// element begins with `END`.
const SEQUENCE: u8 = 0x0a;
/// Followed by the number of entries in 8 bytes, and the entries in the order of their bytes.
const MAP: u8 = 0x0b;
/// Followed by the name as a string, and the content as a value.
const VARIANT: u8 = 0x0c;
const END: u8 = 0x00;

/// Where tokens go: a hasher, or the buffer of a map's entry.
pub(crate) trait Sink: Send {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Sha256 {
    fn put(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Writes one value in the canonical encoding.
pub struct Canonical<'a>(&'a mut dyn Sink);

impl std::fmt::Debug for Canonical<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canonical")
    }
}

impl<'a> Canonical<'a> {
    pub(crate) fn into(sink: &'a mut dyn Sink) -> Self {
        Self(sink)
    }

    /// Writes `text` as a string.
    pub(crate) fn text(&mut self, text: &str) {
        self.lengthy(STRING, text.as_bytes());
    }

    /// Writes `number` as an integer.
    pub(crate) fn number(&mut self, number: u32) {
        self.integer(false, number.into());
    }

    /// Writes that there is a value, which follows, or that there is none.
    pub(crate) fn presence(&mut self, present: bool) {
        self.0.put(&[if present { SOME } else { NONE }]);
    }

    fn lengthy(&mut self, tag: u8, bytes: &[u8]) {
        self.0.put(&[tag]);
        self.count(bytes.len());
        self.0.put(bytes);
    }

    fn count(&mut self, count: usize) {
        // A `usize` has at most 64 bits.
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0.put(&count.to_be_bytes());
    }

    fn integer(&mut self, negative: bool, magnitude: u128) {
        self.0.put(&[INTEGER, u8::from(negative)]);
        self.0.put(&magnitude.to_be_bytes());
    }

    fn variant(&mut self, name: &str) {
        self.0.put(&[VARIANT]);
        self.text(name);
    }
}

/// What these bytes, a canonical encoding, are when they say nothing: the empty string, the unit or `None`,
/// also inside `Some`.
pub(crate) fn blank(mut encoded: &[u8]) -> Option<&'static str> {
    while let [SOME, inner @ ..] = encoded {
        encoded = inner;
    }
    match encoded {
        [UNIT] => Some("is `()`"),
        [NONE] => Some("is `None`"),
        [STRING, 0, 0, 0, 0, 0, 0, 0, 0] => Some("is empty"),
        _ => None,
    }
}

impl ser::Error for EncodeError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Written = Result<(), EncodeError>;

macro_rules! integers {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, value: $type) -> Written {
            self.serialize_i128(value.into())
        }
    )*};
}

impl<'a> ser::Serializer for Canonical<'a> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Sequence<'a>;
    type SerializeTuple = Sequence<'a>;
    type SerializeTupleStruct = Sequence<'a>;
    type SerializeTupleVariant = Sequence<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Entries<'a>;
    type SerializeStructVariant = Entries<'a>;

    integers!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64);
    integers!(serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);

    fn serialize_i128(mut self, value: i128) -> Written {
        self.integer(value < 0, value.unsigned_abs());
        Ok(())
    }

    fn serialize_u128(mut self, value: u128) -> Written {
        self.integer(false, value);
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Written {
        self.0.put(&[if value { TRUE } else { FALSE }]);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Written {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Written {
        if value.is_nan() {
            return Err(EncodeError(
                "it contains NaN, which is not equal to itself and so cannot identify anything"
                    .to_owned(),
            ));
        }
        let value = if value == 0.0 { 0.0 } else { value };
        self.0.put(&[FLOAT]);
        self.0.put(&value.to_bits().to_be_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Written {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(mut self, value: &str) -> Written {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(mut self, value: &[u8]) -> Written {
        self.lengthy(BYTES, value);
        Ok(())
    }

    fn serialize_none(self) -> Written {
        self.0.put(&[NONE]);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        self.0.put(&[SOME]);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.0.put(&[UNIT]);
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Written {
        self.serialize_unit()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Written {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Written {
        self.variant(variant);
        self.serialize_unit()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        self.variant(variant);
        value.serialize(self)
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Sequence<'a>, EncodeError> {
        self.0.put(&[SEQUENCE]);
        Ok(Sequence::new(self.0))
    }

    fn serialize_tuple(self, length: usize) -> Result<Sequence<'a>, EncodeError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<Sequence<'a>, EncodeError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Sequence<'a>, EncodeError> {
        self.variant(variant);
        self.serialize_seq(Some(length))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Entries<'a>, EncodeError> {
        Ok(Entries::new(self.0, length.unwrap_or(0)))
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<Entries<'a>, EncodeError> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Entries<'a>, EncodeError> {
        self.variant(variant);
        self.serialize_map(Some(length))
    }
}

/// The canonical encoding, in a buffer of its own.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    value.serialize(Canonical(&mut bytes))?;
    Ok(bytes)
}
