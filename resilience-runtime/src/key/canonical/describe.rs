//! What a person reads of a value that is kept in the canonical encoding.

use super::{
    BYTES, END, FALSE, FLOAT, INTEGER, MAP, NONE, SEQUENCE, SOME, STRING, TRUE, UNIT, VARIANT,
};

/// How many characters a description has at most.
const MOST: usize = 100;

/// `encoded` in words: `"order 17"`, `[7, true]`, `{"id": 3}`. Ends with `…` where it is cut off, at 100
/// characters. For errors only.
pub(crate) fn describe(encoded: &[u8]) -> String {
    let mut reader = Reader {
        encoded,
        text: String::new(),
        // The last one is for `…`.
        left: MOST - 1,
    };
    if reader.value().is_none() {
        reader.text.push('…');
    }
    reader.text
}

/// Reads tokens and writes words. Every method answers `None` when there is no more room, or, which does not happen
/// with what [`Canonical`](super::Canonical) has written, no more tokens.
struct Reader<'a> {
    encoded: &'a [u8],
    text: String,
    left: usize,
}

impl Reader<'_> {
    /// Writes at least one character before it goes deeper, so that the room bounds the depth.
    fn value(&mut self) -> Option<()> {
        match self.byte()? {
            UNIT => self.say("()"),
            NONE => self.say("None"),
            SOME => {
                self.say("Some(")?;
                self.value()?;
                self.say(")")
            }
            FALSE => self.say("false"),
            TRUE => self.say("true"),
            INTEGER => {
                if self.byte()? == 1 {
                    self.say("-")?;
                }
                let magnitude = u128::from_be_bytes(self.array()?);
                self.say(&magnitude.to_string())
            }
            FLOAT => {
                let bits = u64::from_be_bytes(self.array()?);
                self.say(&format!("{:?}", f64::from_bits(bits)))
            }
            STRING => self.string(),
            BYTES => {
                self.say("0x")?;
                let bytes = self.lengthy()?;
                bytes
                    .iter()
                    .try_for_each(|byte| self.say(&format!("{byte:02x}")))
            }
            SEQUENCE => self.sequence(),
            MAP => self.map(),
            VARIANT => self.variant(),
            _ => None,
        }
    }

    fn string(&mut self) -> Option<()> {
        let bytes = self.lengthy()?;
        self.say("\"")?;
        for character in std::str::from_utf8(bytes).ok()?.chars() {
            for escaped in character.escape_debug() {
                self.put(escaped)?;
            }
        }
        self.say("\"")
    }

    fn sequence(&mut self) -> Option<()> {
        self.say("[")?;
        let mut first = true;
        while *self.encoded.first()? != END {
            if !std::mem::take(&mut first) {
                self.say(", ")?;
            }
            self.value()?;
        }
        self.byte()?;
        self.say("]")
    }

    fn map(&mut self) -> Option<()> {
        self.say("{")?;
        for entry in 0..u64::from_be_bytes(self.array()?) {
            if entry > 0 {
                self.say(", ")?;
            }
            self.value()?;
            self.say(": ")?;
            self.value()?;
        }
        self.say("}")
    }

    fn variant(&mut self) -> Option<()> {
        let _tag = self.byte()?;
        let name = std::str::from_utf8(self.lengthy()?).ok()?;
        self.say(name)?;
        if *self.encoded.first()? == UNIT {
            return self.byte().map(drop);
        }
        self.say("(")?;
        self.value()?;
        self.say(")")
    }

    fn say(&mut self, text: &str) -> Option<()> {
        text.chars().try_for_each(|character| self.put(character))
    }

    fn put(&mut self, character: char) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        self.text.push(character);
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.encoded.split_first_chunk::<N>()?;
        self.encoded = rest;
        Some(*array)
    }
}

impl<'a> Reader<'a> {
    /// The bytes after their length.
    fn lengthy(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u64::from_be_bytes(self.array()?)).ok()?;
        let (bytes, rest) = self.encoded.split_at_checked(length)?;
        self.encoded = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::super::encode;
    use super::*;

    #[derive(Serialize)]
    enum Kind {
        Unit,
        Wrapping(u8),
        Named { id: u8 },
        Pair(bool, char),
    }

    fn words<T: Serialize + ?Sized>(value: &T) -> String {
        describe(&encode(value).unwrap())
    }

    #[test]
    fn values_are_told_as_they_would_be_written() {
        assert_eq!(words("order 17"), "\"order 17\"");
        assert_eq!(words("a\"\n\0é"), "\"a\\\"\\n\\0é\"");
        assert_eq!(words(&17), "17");
        assert_eq!(
            words(&i128::MIN),
            "-170141183460469231731687303715884105728"
        );
        assert_eq!(
            words(&(7, true, false, 0.5, 'x')),
            "[7, true, false, 0.5, \"x\"]"
        );
        assert_eq!(words(&((), None::<u8>, Some(1))), "[(), None, Some(1)]");
        assert_eq!(
            words(&BTreeMap::from([("id", 3), ("no", 4)])),
            "{\"id\": 3, \"no\": 4}"
        );
        assert_eq!(words(&Kind::Unit), "Unit");
        assert_eq!(words(&Kind::Wrapping(1)), "Wrapping(1)");
        assert_eq!(words(&Kind::Named { id: 1 }), "Named({\"id\": 1})");
        assert_eq!(words(&Kind::Pair(true, 'x')), "Pair([true, \"x\"])");
        assert_eq!(words(&Vec::<u8>::new()), "[]");
        assert_eq!(describe(&[BYTES, 0, 0, 0, 0, 0, 0, 0, 2, 1, 255]), "0x01ff");
    }

    #[test]
    fn a_long_value_is_cut_off() {
        let long = words(&"é".repeat(1_000));
        assert_eq!(long, format!("\"{}…", "é".repeat(98)));
        assert_eq!(words(&"é".repeat(97)), format!("\"{}\"", "é".repeat(97)));
        assert_eq!(words(&vec![1_000_000; 50]).chars().count(), 100);
        // A depth that would end the stack if it was followed.
        let deep = vec![SOME; 1_000_000];
        assert_eq!(describe(&deep).chars().count(), 100);
    }

    #[test]
    fn what_is_no_encoding_is_no_panic() {
        for encoded in [
            &[][..],
            &[99],
            &[STRING, 255, 255, 255, 255, 255, 255, 255, 255],
            &[SEQUENCE],
            &[MAP],
        ] {
            assert!(describe(encoded).ends_with('…'), "{encoded:?}");
        }
    }
}
