//! Records as they lie on the server: a head, a line and a body.
//!
//! The head has the state (padded to 11 characters), the fingerprint and the nonce, each with a space behind it, so that
//! scripts find them without looking: at 1, 13 and 78. The line has the number of the run, whether the end of an earlier
//! one was not seen (0 or 1), the fencing token, and the end of the lease in milliseconds since 1970. The body of a claim
//! is the channels of those who wait, a line each; that of a result is the length of its schema, a line feed, the
//! schema and the content.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::idempotency::Digest;
use crate::idempotency::store::{Record, RecordKind};
use crate::lease::Nonce;

/// The state of a claim.
pub(super) const RUNNING: &str = "running";

const FINGERPRINT: std::ops::Range<usize> = 12..76;
/// Where the line begins.
const HEAD: usize = 110;

/// A state as long as all others.
pub(super) fn padded(state: &str) -> String {
    format!("{state:<11}")
}

pub(super) fn head(state: &str, fingerprint: Digest, nonce: Nonce) -> String {
    let mut head = String::with_capacity(HEAD);
    let _ = write!(head, "{state:<11} {fingerprint} {nonce} ");
    head
}

pub(super) fn body(record: &Record) -> String {
    let Record {
        schema, content, ..
    } = record;
    let mut body = String::with_capacity(8 + schema.len() + content.len());
    let _ = writeln!(body, "{}", schema.len());
    body.push_str(schema);
    body.push_str(content);
    body
}

/// The result that was stored as these bytes, if it is one.
pub(super) fn result(stored: &[u8]) -> Option<Record> {
    let stored = std::str::from_utf8(stored).ok()?;
    let (_line, body) = stored.get(HEAD..)?.split_once('\n')?;
    let (length, rest) = body.split_once('\n')?;
    let (schema, content) = rest.split_at_checked(length.parse().ok()?)?;
    Some(Record {
        fingerprint: Digest::from_hex(stored.get(FINGERPRINT)?)?,
        kind: RecordKind::from_word(stored.get(..11)?.trim_end())?,
        schema: Arc::from(schema),
        content: Arc::from(content),
    })
}
