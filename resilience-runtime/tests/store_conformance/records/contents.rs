//! Records come back as they were.

use resilience_runtime::idempotency::store::{Completion, IdempotencyStore, Record, RecordKind};

use super::Caller;
use crate::fixture::{Fixture, HOUR};

const TEXTS: [&str; 12] = [
    "",
    "null",
    "false",
    "0",
    "9007199254740993",
    "\"\"",
    "[]",
    r#""a\u0000b""#,
    "\"🦀 ärger \\\" ' ; -- $1 ?1 {} %s \"",
    "\\",
    "line\r\n\tand \u{1b} and \u{7f} and \u{2028}",
    " ␀ ",
];

pub(crate) async fn records_come_back_as_they_were_stored(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let kinds = [RecordKind::Value, RecordKind::Error, RecordKind::Tombstone];
    let pairs = TEXTS.iter().chain(&["\0", "a\0b\0", "\0🦀"]);
    for (number, text) in (0..).zip(pairs) {
        for (kind, offset) in kinds.into_iter().zip([0, 100, 200]) {
            // JSON has no NUL of its own.
            if text.contains('\0') && kind != RecordKind::Tombstone {
                continue;
            }
            let schema = TEXTS[number as usize % TEXTS.len()];
            comes_back(&here, &there, offset + number, kind, text, schema).await;
        }
    }
}

pub(crate) async fn long_contents_come_back(fixture: impl Fixture<Store: IdempotencyStore>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let long = format!("\"{}\"", "0123456789abcdef".repeat(65536));
    let wide = format!("\"{}\"", "🦀'\\\"".repeat(65536));
    let nested = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
    for (number, text) in (0..).zip([long, wide, nested]) {
        let kind = RecordKind::Value;
        comes_back(&here, &there, number, kind, &text, "Vec<Page>").await;
    }
}

async fn comes_back(
    here: &impl IdempotencyStore,
    there: &impl IdempotencyStore,
    key: u32,
    kind: RecordKind,
    content: &str,
    schema: &str,
) {
    let caller = Caller::of(key);
    caller.granted(here).await;
    let record = Record {
        kind,
        schema: schema.into(),
        ..caller.value(content)
    };
    let stored = here.complete(caller.key(), caller.nonce(), record.clone(), HOUR);
    assert_eq!(stored.await.unwrap(), Completion::Stored);
    let found = caller.another().record(there).await;
    assert!(found == record, "{kind:?} {key}");
    let refused = caller.another().completes(there, "0").await;
    assert!(
        refused == Completion::Refused(Some(record)),
        "{kind:?} {key}"
    );
}
