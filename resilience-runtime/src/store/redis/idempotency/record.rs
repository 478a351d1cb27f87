//! Records as they come back from the server.

use std::sync::Arc;

use redis::Value;

use crate::idempotency::Digest;
use crate::idempotency::store::{Record, RecordKind};

/// A string, if it is one.
pub(super) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// From the fields state, fingerprint, schema and content.
pub(super) fn record_of(fields: &[Value]) -> Option<Record> {
    let [kind, fingerprint, schema, content] = fields else {
        return None;
    };
    Some(Record {
        fingerprint: Digest::from_hex(text(fingerprint)?)?,
        kind: RecordKind::from_word(text(kind)?)?,
        schema: Arc::from(text(schema)?),
        content: Arc::from(text(content)?),
    })
}

/// From a message, which has the record where it is small: state, fingerprint and the length of the schema, each
/// followed by a line feed, then the schema and the content.
pub(super) fn pushed(message: &[u8]) -> Option<Record> {
    let message = std::str::from_utf8(message).ok()?;
    let (kind, rest) = message.split_once('\n')?;
    let (fingerprint, rest) = rest.split_once('\n')?;
    let (length, rest) = rest.split_once('\n')?;
    let (schema, content) = rest.split_at_checked(length.parse().ok()?)?;
    Some(Record {
        fingerprint: Digest::from_hex(fingerprint)?,
        kind: RecordKind::from_word(kind)?,
        schema: Arc::from(schema),
        content: Arc::from(content),
    })
}
