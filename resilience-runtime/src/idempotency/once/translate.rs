//! An answer, as the record that is kept of it, and back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Once;
use crate::error::Error;
use crate::idempotency::key::Words;
use crate::idempotency::schema::Schema;
use crate::idempotency::store::{Record, RecordKind};
use crate::outcome::{Answer, Records};
use crate::telemetry::names;

/// Why a record does not answer.
pub(in crate::idempotency) enum Unread {
    /// It has no result.
    Lost(String),
    /// It is of this type, and not of that one.
    Changed(String, String),
}

impl<T, E, S: Records<T, E>> Once<T, E, S> {
    /// What is kept of an answer: its kind, its type, and its text; `None` for an error that frees the key.
    pub(in crate::idempotency) fn kept(
        &self,
        answer: &Answer<T, E>,
    ) -> Option<(RecordKind, Schema, String)> {
        let kind = match &answer.result {
            Ok(_) => RecordKind::Value,
            // A policy's failure is of the moment, whatever the pattern says of its variant.
            Err(_) if answer.origin.is_refusal() => return None,
            Err(_) => RecordKind::Error,
        };
        // The user's code, after the body has had its effect: a panic there must not make it run again.
        let encoded = catch_unwind(AssertUnwindSafe(|| match &answer.result {
            Ok(value) => Some((self.records.values().encode)(value)),
            Err(error) => self.records.error(error),
        }));
        let schema = self.schema(kind);
        let max = self.idempotent.max_result;
        let reason = match encoded {
            Ok(None) => return None,
            Ok(Some(Ok(content))) if content.len() <= max => return Some((kind, schema, content)),
            Ok(Some(Ok(content))) => {
                format!("it has {} bytes of JSON, and {max} are kept", content.len())
            }
            Ok(Some(Err(error))) => format!("it has no JSON form: {error}"),
            Err(_) => "it has no JSON form: what writes it panicked".to_owned(),
        };
        let function = self.function.name;
        tracing::warn!(target: "resilience", function, reason,
            "a result is not kept, and later duplicates will fail");
        self.count(names::IDEMPOTENCY_TOMBSTONES);
        Some((RecordKind::Tombstone, schema, reason))
    }

    pub(in crate::idempotency) fn read(&self, record: &Record) -> Result<Result<T, E>, Unread> {
        let (schema, content) = (self.schema(record.kind), &*record.content);
        let decoded = match record.kind {
            RecordKind::Tombstone => return Err(Unread::Lost(content.to_owned())),
            _ if !schema.accepts(&record.schema) => {
                let stored = record.schema.to_string();
                return Err(Unread::Changed(stored, schema.to_string()));
            }
            RecordKind::Value => (self.records.values().decode)(content).map(Ok),
            RecordKind::Error => self.records.read_error(content).map(Err),
        };
        decoded.map_err(|error| {
            let stored = format!("an earlier form of {schema} ({error})");
            Unread::Changed(stored, schema.to_string())
        })
    }

    fn schema(&self, kind: RecordKind) -> Schema {
        let type_name = match kind {
            RecordKind::Error => self.records.error_type(),
            RecordKind::Value | RecordKind::Tombstone => (self.records.values().type_name)(),
        };
        let version = self.idempotent.version;
        Schema { type_name, version }
    }

    pub(in crate::idempotency) fn unread(&self, unread: Unread, words: &Words) -> Answer<T, E> {
        let (function, key) = (self.function.name, words.to_string());
        self.refused(match unread {
            Unread::Lost(reason) => Error::ResultLost {
                function,
                key,
                reason,
            },
            Unread::Changed(stored, current) => Error::SchemaChanged {
                function,
                key,
                stored,
                current,
            },
        })
    }
}
