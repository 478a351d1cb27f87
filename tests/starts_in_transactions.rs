//! A saga that is started in a transaction is not one that somebody has left.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience::{Error, Runtime, saga};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

#[saga]
async fn ship(order: u64) -> Result<u64, Error> {
    Ok(order)
}

#[tokio::test]
async fn the_log_does_not_say_that_somebody_has_left_it() {
    let heard = Heard::default();
    let _default = tracing::subscriber::set_default(heard.clone());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let url = format!("sqlite://{}", file.display());
    let runtime = Runtime::builder(url).poll_interval(Duration::from_millis(1));
    let runtime = runtime.scoped().open().await.unwrap();
    let options = SqliteConnectOptions::new().filename(&file);
    for order in 0..10 {
        let mut connection = options.connect().await.unwrap();
        let mut transaction = sqlx::Connection::begin(&mut connection).await.unwrap();
        let start = saga::start_in(&mut *transaction, ship(order));
        let handle = runtime.scope(start).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(handle.result().await.unwrap(), order);
    }
    runtime.shutdown().await;
    let heard = heard.0.lock().unwrap();
    assert!(heard.is_empty(), "{heard:?}");
}

/// What is said at `INFO` or worse.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Subscriber for Heard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "resilience" && metadata.is_event() && *metadata.level() <= Level::INFO
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}
