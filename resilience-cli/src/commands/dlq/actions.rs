//! Closing letters.

use resilience_runtime::dlq::{DeadLetterError, DeadLetterId};
use resilience_runtime::operator::Operator;
use resilience_runtime::runtime::Runtime;
use serde_json::json;

use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Tone, line};

pub(super) async fn resolve(
    runtime: &Runtime,
    ids: &[DeadLetterId],
    note: &str,
    by: &Operator,
    output: &Output,
) -> Result<(), Failure> {
    let mut tally = Tally::default();
    for &id in ids {
        let done = runtime.dead_letters().resolve(id, note, by.clone()).await;
        tally.close(id, done, "resolved", output);
    }
    tally.finish(output)
}

pub(super) async fn discard(
    runtime: &Runtime,
    ids: &[DeadLetterId],
    by: &Operator,
    output: &Output,
) -> Result<(), Failure> {
    let mut tally = Tally::default();
    for &id in ids {
        let done = runtime.dead_letters().discard(id, by.clone()).await;
        tally.close(id, done, "discarded", output);
    }
    tally.finish(output)
}

/// What was done to several letters: a line each for people, and one array for programs.
#[derive(Default)]
pub(super) struct Tally {
    done: Vec<serde_json::Value>,
    first: Option<FailureKind>,
}

impl Tally {
    fn close(
        &mut self,
        id: DeadLetterId,
        done: Result<(), DeadLetterError>,
        word: &str,
        output: &Output,
    ) {
        match done {
            Ok(()) => self.good(id, word, word, output),
            Err(error) => self.bad(id, None, &error.into(), output),
        }
    }

    /// It came to this: a word for programs, and a text for people.
    pub(super) fn good(&mut self, id: DeadLetterId, word: &str, text: &str, output: &Output) {
        let text = output.paint.paint(Tone::Good, text);
        output.say(&format!("{id}: {text}"));
        self.done.push(json!({ "letter": id, "result": word }));
    }

    /// It did not.
    pub(super) fn bad(
        &mut self,
        id: DeadLetterId,
        word: Option<&str>,
        failure: &Failure,
        output: &Output,
    ) {
        let text = output.paint.paint(Tone::Bad, &line(&failure.message));
        output.say(&format!("{id}: {text}"));
        let word = word.unwrap_or(failure.kind.as_str());
        self.done
            .push(json!({ "letter": id, "result": word, "message": failure.message }));
        self.first.get_or_insert(failure.kind);
    }

    /// Says everything to programs. The exit status is that of the first letter that failed.
    pub(super) fn finish(self, output: &Output) -> Result<(), Failure> {
        output.value(&self.done);
        match self.first {
            None => Ok(()),
            Some(kind) => Err(Failure::new(kind, "")),
        }
    }
}
