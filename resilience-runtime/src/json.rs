//! What JSON would change without a word, and reading what only the author's types can read.
//!
//! `serde_json` writes NaN and the infinities as `null`, and so it does `Some(None)` and `Some(())`. A
//! record with such a value would read back as another value, or not at all.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

type Error = serde_json::Error;

/// What `read`, which is code of the author's types, makes of a text. One that panics has not read it: whoever asked knows
/// what becomes of what cannot be read.
pub(crate) fn read<T>(read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(serde::de::Error::custom("its `Deserialize` panicked")))
}

/// How many `Some` with nothing in them `value` has: as JSON they are `None`.
///
/// # Errors
/// When a number in `value` is not finite, and has no JSON form at all.
pub(crate) fn count_hollow<T: Serialize + ?Sized>(value: &T) -> Result<u32, Error> {
    let mut hollow = 0;
    value.serialize(Walk {
        hollow: &mut hollow,
        in_some: false,
    })?;
    Ok(hollow)
}

/// Walks through a value and writes nothing.
struct Walk<'a> {
    hollow: &'a mut u32,
    in_some: bool,
}

impl Walk<'_> {
    fn nothing(self) {
        *self.hollow += u32::from(self.in_some);
    }

    fn inside<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(Walk {
            hollow: self.hollow,
            in_some: false,
        })
    }
}

macro_rules! plain {
    ($($method:ident($($type:ty),*))*) => {$(
        fn $method(self, $(_: $type),*) -> Result<(), Error> {
            Ok(())
        }
    )*};
}

macro_rules! compound {
    ($($method:ident($($type:ty),*) -> $compound:ident;)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<Self::$compound, Error> {
            Ok(self)
        }
    )*};
}

impl Serializer for Walk<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    plain! {
        serialize_bool(bool) serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_i128(i128) serialize_u128(u128)
        serialize_unit_variant(&'static str, u32, &'static str)
    }

    compound! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(&'static str, usize) -> SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        if value.is_finite() {
            Ok(())
        } else {
            Err(Error::custom(format!(
                "the number {value} has no JSON form: keep it in an `Option`, or as text"
            )))
        }
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.nothing();
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.nothing();
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.nothing();
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(Walk {
            in_some: true,
            ..self
        })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.inside(value)
    }
}

macro_rules! elements {
    ($($compound:ident::$method:ident($($name:ty)?))*) => {$(
        impl $compound for Walk<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $(_: $name,)?
                value: &T,
            ) -> Result<(), Error> {
                self.inside(value)
            }

            fn end(self) -> Result<(), Error> {
                Ok(())
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element()
    SerializeTuple::serialize_element()
    SerializeTupleStruct::serialize_field()
    SerializeTupleVariant::serialize_field()
    SerializeStruct::serialize_field(&'static str)
    SerializeStructVariant::serialize_field(&'static str)
}

impl SerializeMap for Walk<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.inside(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.inside(value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}
