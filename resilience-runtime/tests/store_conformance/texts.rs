//! Texts with everything in them, and very long ones.

use resilience_runtime::dlq::{Closing, NewDeadLetter, Queue};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, SagaFilter, Status, StepOutcome, StepRecord,
};

use super::{
    Workers, advance, begun, came_to, dead, known_as, letter, letter_of, loaded, named, new_saga,
    operator, started, status, step, steps,
};

/// Not every database has a NUL in a text: it may be replaced by the sign for it.
fn shown(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

/// What JSON escapes is no matter to a store.
const JSON: &str = "{\"a\":\"\\u0000 🦀 ' \\\" \\\\\"}";

pub(crate) async fn texts_come_back_or_are_visibly_replaced(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = NewSaga {
        input: JSON.to_owned(),
        ..named("check'out🦀\0;--")
    };
    let name = saga.name.clone();
    let id = begun(&store, saga).await;
    let written = StepRecord {
        step: "re\0serve🦀".to_owned(),
        arguments: JSON.to_owned(),
        outcome: StepOutcome::Failed,
        output: Some(JSON.to_owned()),
        ..step(0)
    };
    let work = NewDeadLetter {
        operation: "🦀\0end".to_owned(),
        dependency: Some("ware\0house 🦀".to_owned()),
        arguments: JSON.to_owned(),
        error: "before\0after 🦀".to_owned(),
        ..letter(0)
    };
    let write = Advance {
        steps: vec![written],
        error: Some("\0 at the start".to_owned()),
        output: Some(JSON.to_owned()),
        failure: Some(JSON.to_owned()),
        dead_letter: Some(work),
        ..status(Status::CompensationFailed)
    };
    advance(&store, &id, write).await;
    let record = loaded(&store, &id).await;
    assert_eq!(record.input, JSON);
    assert_eq!(record.output.as_deref(), Some(JSON));
    assert_eq!(record.failure.as_deref(), Some(JSON));
    assert_eq!(record.steps[0].arguments, JSON);
    assert_eq!(record.steps[0].output.as_deref(), Some(JSON));
    assert_eq!(shown(&record.steps[0].step), "re\u{2400}serve🦀");
    assert_eq!(shown(&record.name), shown(&name));
    assert_eq!(shown(&record.error.unwrap()), "\u{2400} at the start");

    let found = letter_of(&store, &id).await;
    assert_eq!(found.work.arguments, JSON);
    assert_eq!(shown(&found.work.error), "before\u{2400}after 🦀");
    assert_eq!(shown(&found.work.operation), "🦀\u{2400}end");
    let dependency = found.work.dependency.unwrap();
    assert_eq!(shown(&dependency), "ware\u{2400}house 🦀");
    assert_eq!(shown(&found.saga_name.unwrap()), shown(&name));
    let by = Operator::named("a\0da 🦀").because("'; --\0");
    let closing = Closing::Resolve("done\0by hand".to_owned());
    assert!(Queue::close(&store, found.id, closing, by).await.unwrap());
    let found = store.get(found.id).await.unwrap().unwrap();
    assert_eq!(shown(&found.note.unwrap()), "done\u{2400}by hand");
    let audit = store.audit(found.id).await.unwrap();
    assert_eq!(shown(&audit[0].operator), "a\u{2400}da 🦀");
    assert_eq!(shown(audit[0].reason.as_deref().unwrap()), "'; --\u{2400}");
}

pub(crate) async fn names_are_found_whatever_is_in_them(fixture: impl Workers) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let names = ["check'out🦀\0;--", "", "100%_", "{\"a\"}", "Straße", "a,b"];
    for name in names {
        begun(&crashes, named(name)).await;
    }
    fixture.crash(crashes).await;
    for name in names {
        let filter = SagaFilter {
            name: Some(name.to_owned()),
            ..SagaFilter::default()
        };
        let found = Journal::list(&store, filter, None, 9).await.unwrap();
        assert_eq!(found.len(), 1, "{name:?}");
        let taken = store.take_over(vec![known_as(name, 1)], 9).await.unwrap();
        assert_eq!(taken.len(), 1, "{name:?}");
        assert_eq!(shown(&taken[0].name), shown(name));
    }
}

pub(crate) async fn long_texts_come_back(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    // 10 MB each.
    let long = |filling: &str| format!("\"{}\"", filling.repeat(10 << 20));
    let saga = NewSaga {
        input: long("i"),
        ..new_saga(None)
    };
    let id = begun(&store, saga).await;
    let written = StepRecord {
        output: Some(long("s")),
        ..step(0)
    };
    advance(&store, &id, steps([written])).await;
    let end = Advance {
        output: Some(long("o")),
        ..status(Status::Completed)
    };
    advance(&store, &id, end).await;
    let record = loaded(&other, &id).await;
    assert!(record.input == long("i"));
    assert!(record.output == Some(long("o")));
    assert!(record.steps[0].output == Some(long("s")));
    // What follows is not slower for it, and not broken.
    let id = came_to(&other, dead(0)).await;
    let failed = started(&other).await;
    let end = Advance {
        error: Some(long("e")),
        failure: Some(long("f")),
        ..status(Status::Failed)
    };
    advance(&other, &failed, end).await;
    let record = loaded(&store, &failed).await;
    assert!(record.error == Some(long("e")) && record.failure == Some(long("f")));
    let letter = letter_of(&store, &id).await.id;
    let closing = Closing::Resolve(long("n"));
    assert!(
        Queue::close(&store, letter, closing, operator())
            .await
            .unwrap()
    );
    let note = other.get(letter).await.unwrap().unwrap().note;
    assert!(note == Some(long("n")));
}
