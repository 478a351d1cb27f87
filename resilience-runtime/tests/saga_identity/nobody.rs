//! Sagas that are waited for and that no process can end.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::saga::journal::{Journal, NewSaga, SagaId};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::process::Process;

/// Writes down every warning.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_saga_that_nobody_knows_is_warned_once() {
    let process = Process::first(&[]).await;
    let another = process.spy.store.another_worker();
    let id = SagaId::from("order-9".to_owned());
    let saga = NewSaga {
        id: id.clone(),
        given: true,
        name: "by_id".to_owned(),
        version: 7,
        key: None,
        input: "{}".to_owned(),
        timeout: None,
        parent: None,
        nonce: 9,
    };
    another.start(saga).await.unwrap();
    let log = Log::default();
    let _logs = tracing::subscriber::set_default(log.clone());
    let warnings = || {
        let lines = log.0.lock().unwrap();
        let about = lines.iter().filter(|it| it.contains("is waited for"));
        about.cloned().collect::<Vec<_>>()
    };
    let handle = process.runtime.sagas().handle::<String, Error>(&id);
    let waiting = tokio::spawn(async move { handle.result().await });
    // Somebody lives who has it.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(warnings(), [""; 0]);
    drop(another);
    tokio::time::sleep(Duration::from_secs(600)).await;
    let warned = warnings();
    assert_eq!(warned.len(), 1, "{warned:?}");
    for part in ["saga=\"by_id\"", "saga_id=order-9", "version=7", "deploy"] {
        assert!(warned[0].contains(part), "{warned:?}");
    }
    waiting.abort();
}
