//! What a dead letter shows of arguments and outputs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use crate::core::Settings;

/// `text`, which is JSON, for people: without what the hook of the builder takes away, and cut to its limit. It is JSON
/// again.
pub(crate) fn shown(text: &str, settings: &Settings) -> String {
    let redacted = settings.redact.as_ref().map(|redact| {
        let mut value = value_of(text);
        // A hook that fails half way must not show what it is there to hide.
        match catch_unwind(AssertUnwindSafe(|| redact(&mut value))) {
            Ok(()) => value.to_string(),
            Err(_) => json!({ "hidden": "the hook that redacts it panicked" }).to_string(),
        }
    });
    cut(
        redacted.unwrap_or_else(|| text.to_owned()),
        settings.payload_limit,
    )
}

fn value_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// `text`, or, when it is longer than `limit` bytes, an object with its beginning and its length that is not.
fn cut(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    let bytes = text.len();
    let around = json!({ "cut": "", "bytes": bytes }).to_string().len();
    let mut room = limit.saturating_sub(around);
    let mut end = 0;
    for (at, letter) in text.char_indices() {
        let Some(left) = room.checked_sub(escaped(letter)) else {
            break;
        };
        room = left;
        end = at + letter.len_utf8();
    }
    json!({ "cut": text.get(..end), "bytes": bytes }).to_string()
}

/// How many bytes a character takes in a JSON string.
fn escaped(letter: char) -> usize {
    match letter {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => letter.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn limited(payload_limit: usize) -> Settings {
        Settings {
            payload_limit,
            ..Settings::default()
        }
    }

    #[test]
    fn what_fits_is_shown_as_it_is() {
        let text = r#"{"a": 1.50}"#;
        assert_eq!(shown(text, &limited(text.len())), text);
    }

    #[test]
    fn what_is_longer_is_cut_between_two_characters() {
        let text = format!("\"{}\"", "ü".repeat(100));
        assert_eq!(
            shown(&text, &limited(40)),
            r#"{"bytes":202,"cut":"\"üüüüüüüü"}"#
        );
        assert_eq!(shown(&text, &limited(0)), r#"{"bytes":202,"cut":""}"#);
    }

    #[test]
    fn the_hook_sees_the_value_and_is_not_trusted_when_it_panics() {
        let mut settings = limited(1000);
        settings.redact = Some(Arc::new(|value| {
            if let Some(card) = value.get_mut("card") {
                *card = Value::from("***");
            }
            assert!(value.get("panic").is_none());
        }));
        let card = r#"{"card":"4242","item":1}"#;
        assert_eq!(shown(card, &settings), r#"{"card":"***","item":1}"#);
        let hidden = shown(r#"{"card":"4242","panic":1}"#, &settings);
        assert!(
            hidden.contains("hidden") && !hidden.contains("4242"),
            "{hidden}"
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_is_json_within_the_limit(text in ".*", limit in 32_usize..200) {
            let text = Value::String(text).to_string();
            let shown = shown(&text, &limited(limit));
            prop_assert!(shown.len() <= limit, "{}", shown);
            let value: Value = serde_json::from_str(&shown).unwrap();
            if let Some(cut) = value.get("cut") {
                prop_assert!(text.starts_with(cut.as_str().unwrap()));
                prop_assert_eq!(value.get("bytes"), Some(&Value::from(text.len())));
                // One more character would not have fitted: the longest takes six bytes.
                prop_assert!(shown.len() + 6 > limit);
            }
        }
    }
}
