//! Values that are made of values.

use serde::ser::{self, Serialize};

use super::{Canonical, END, MAP, Sink, Written, encode};
use crate::error::EncodeError;

/// A sequence or tuple that is being written.
pub struct Sequence<'a>(&'a mut dyn Sink);

impl<'a> Sequence<'a> {
    pub(super) fn new(sink: &'a mut dyn Sink) -> Self {
        Self(sink)
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        value.serialize(Canonical(&mut *self.0))
    }

    fn finish(self) {
        self.0.put(&[END]);
    }
}

/// A map or struct that is being written. Its entries wait until all are there and can be sorted.
pub struct Entries<'a> {
    sink: &'a mut dyn Sink,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    key: Vec<u8>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(sink: &'a mut dyn Sink, length: usize) -> Self {
        Self {
            sink,
            // A hint, which an implementation may get wrong: not worth a large allocation.
            entries: Vec::with_capacity(length.min(64)),
            key: Vec::new(),
        }
    }

    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        self.key = encode(key)?;
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        let value = encode(value)?;
        self.entries.push((std::mem::take(&mut self.key), value));
        Ok(())
    }

    fn finish(mut self) {
        self.entries.sort_unstable();
        self.sink.put(&[MAP]);
        Canonical(&mut *self.sink).count(self.entries.len());
        for (key, value) in &self.entries {
            self.sink.put(key);
            self.sink.put(value);
        }
    }
}

macro_rules! sequences {
    ($($trait:ident: $method:ident),*) => {$(
        impl ser::$trait for Sequence<'_> {
            type Ok = ();
            type Error = EncodeError;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                self.element(value)
            }
            fn end(self) -> Written {
                self.finish();
                Ok(())
            }
        }
    )*};
}

sequences!(
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = EncodeError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        self.key(key)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.value(value)
    }
    fn end(self) -> Written {
        self.finish();
        Ok(())
    }
}

macro_rules! structs {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Entries<'_> {
            type Ok = ();
            type Error = EncodeError;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Written {
                self.key(name)?;
                self.value(value)
            }
            fn end(self) -> Written {
                self.finish();
                Ok(())
            }
        }
    )*};
}

structs!(SerializeStruct, SerializeStructVariant);
