//! One write to the journal, as a statement of its own.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::statements::{ADVANCE, BEGIN, END, END_ONE, RECORD, RECORD_ONE, START};
use super::{STARTING, WRITING};
use crate::dlq::NewDeadLetter;
use crate::saga::journal::{Advance, NewSaga, SagaId, SettledLetters, Status, StepRecord};
use crate::store::postgres::call::Call;
use crate::store::postgres::rows::{column, micros};
use crate::store::rows::{Unreadable, text};
use crate::timestamp::Timestamp;

/// A write that can share a statement with others.
#[derive(Debug)]
pub(super) enum Write {
    /// A saga whose id nobody else can have, and that has no key.
    Begin(Box<NewSaga>),
    /// Steps that came out, and what became of the saga.
    Advance(SagaId, i64, Box<Advance>),
}

/// What came of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The saga has begun at this moment.
    Begun(Timestamp),
    /// It is written; somebody has asked to cancel the saga, or not.
    Written(bool),
    /// Nothing is written.
    Nothing,
}

impl Write {
    pub(super) fn saga(&self) -> &SagaId {
        match self {
            Self::Begin(saga) => &saga.id,
            Self::Advance(saga, ..) => saga,
        }
    }

    pub(super) fn doing(&self) -> &'static str {
        match self {
            Self::Begin(_) => STARTING,
            Self::Advance(..) => WRITING,
        }
    }

    /// How many bytes it has, about.
    pub(super) fn size(&self) -> usize {
        let size = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self {
            Self::Begin(saga) => saga.input.len(),
            Self::Advance(_, _, advance) => {
                let steps = advance.steps.iter();
                let steps = steps.map(|step| step.arguments.len() + size(&step.output));
                steps.sum::<usize>() + size(&advance.output) + size(&advance.failure)
            }
        }
    }

    /// As a statement of its own that is less work for the server, where there is one. One that answers nothing decides
    /// nothing: [`alone`](Self::alone) says then what is so.
    pub(super) fn quick(&self) -> Option<Call> {
        match self {
            Self::Begin(_) => None,
            Self::Advance(saga, epoch, advance) => match &advance.steps[..] {
                [step] => Some(with_one_step(saga, *epoch, advance, step)),
                _ => None,
            },
        }
    }

    /// As a statement of its own.
    pub(super) fn alone(&self, owner: Uuid) -> Call {
        match self {
            Self::Begin(saga) => Call::new(STARTING, BEGIN)
                .text(saga.id.as_str())
                .text(text(&saga.name))
                .text(text(&saga.input))
                .text(owner.to_string())
                .number(saga.version.into())
                .maybe_number(saga.timeout.map(micros))
                .maybe_text(saga.parent.as_ref().map(ToString::to_string)),
            Self::Advance(saga, epoch, advance) => plain(saga, *epoch, advance),
        }
    }

    /// What the answer to the statement of its own says.
    pub(super) fn answered(&self, rows: &[PgRow]) -> Result<Answer, Unreadable> {
        let Some(row) = rows.first() else {
            return Ok(Answer::Nothing);
        };
        Ok(match self {
            Self::Begin(_) => Answer::Begun(Timestamp::from_micros(column(row, 0)?)),
            Self::Advance(..) => Answer::Written(column(row, 0)?),
        })
    }
}

/// Whether `advance` says nothing but which steps came out and what became of the saga.
pub(super) fn is_plain(advance: &Advance) -> bool {
    advance.dead_letter.is_none()
        && advance.settles == SettledLetters::Nothing
        && advance.undone.is_none()
        && advance.parking.is_none()
        && !advance.status.is_some_and(Status::is_dead)
}

fn plain(saga: &SagaId, epoch: i64, advance: &Advance) -> Call {
    let statement = if changes(advance) { END } else { RECORD };
    let call = Call::new(WRITING, statement)
        .text(saga.as_str())
        .number(epoch)
        .text(steps(&advance.steps));
    with_changes(call, advance)
}

fn with_one_step(saga: &SagaId, epoch: i64, advance: &Advance, step: &StepRecord) -> Call {
    let statement = if changes(advance) {
        END_ONE
    } else {
        RECORD_ONE
    };
    let call = Call::new(WRITING, statement)
        .text(saga.as_str())
        .number(epoch)
        .number(step.position.into())
        .text(text(&step.step))
        .number(step.occurrence.into())
        .text(text(&step.arguments))
        .text(step.outcome.as_str())
        .maybe_text(maybe(step.output.as_deref()))
        .maybe_text(maybe(step.compensation.as_deref()))
        .flag(step.undone);
    with_changes(call, advance)
}

/// Whether the row of the saga is another one then.
fn changes(advance: &Advance) -> bool {
    advance.pivots
        || advance.status.is_some()
        || advance.output.is_some()
        || advance.error.is_some()
        || advance.failure.is_some()
}

fn with_changes(call: Call, advance: &Advance) -> Call {
    if !changes(advance) {
        return call;
    }
    call.maybe_text(advance.status.map(|status| status.as_str().to_owned()))
        .maybe_text(maybe(advance.output.as_deref()))
        .maybe_text(maybe(advance.error.as_deref()))
        .maybe_text(maybe(advance.failure.as_deref()))
        .flag(advance.pivots)
}

/// A write that says more.
pub(super) fn full(saga: &SagaId, epoch: i64, advance: &Advance) -> Call {
    let (settles, settled) = match advance.settles {
        SettledLetters::Nothing => ("nothing", None),
        SettledLetters::Step(position) => ("step", Some(position)),
        SettledLetters::All => ("all", None),
    };
    let letter = advance.dead_letter.as_ref().map(letter);
    Call::new(WRITING, ADVANCE)
        .text(saga.as_str())
        .number(epoch)
        .maybe_text(advance.status.map(|status| status.as_str().to_owned()))
        .maybe_text(advance.parking.map(|parking| parking.as_str().to_owned()))
        .maybe_text(maybe(advance.output.as_deref()))
        .maybe_text(maybe(advance.error.as_deref()))
        .maybe_text(maybe(advance.failure.as_deref()))
        .flag(advance.pivots)
        .text(steps(&advance.steps))
        .maybe_number(advance.undone.map(i64::from))
        .text(settles)
        .maybe_number(settled.map(i64::from))
        .maybe_text(letter.map(|letter| letter.to_string()))
        .text(Uuid::new_v4().to_string())
}

/// A new saga, of this owner under this epoch, or what is there in its place.
pub(in super::super) fn starting(saga: &NewSaga, owner: Option<Uuid>, epoch: i64) -> Call {
    let key = saga.key.map(|key| key.digest.as_bytes().to_vec());
    Call::new(STARTING, START)
        .text(saga.id.as_str())
        .text(text(&saga.name))
        .maybe_bytes(key)
        .text(text(&saga.input))
        .maybe_text(owner.map(|owner| owner.to_string()))
        .maybe_number(saga.key.map(|key| micros(key.ttl)))
        .number(saga.version.into())
        .maybe_number(saga.timeout.map(micros))
        .maybe_text(saga.parent.as_ref().map(ToString::to_string))
        .maybe_text(saga.given.then(|| Uuid::from_u128(saga.nonce).to_string()))
        .number(epoch)
}

#[derive(Serialize)]
struct Step<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    saga: Option<&'a str>,
    position: u32,
    step: &'a str,
    occurrence: u32,
    arguments: &'a str,
    outcome: &'static str,
    output: Option<&'a str>,
    compensation: Option<&'a str>,
    undone: bool,
}

/// Steps as a JSON array. Texts that come from errors may have NUL, which is made visible; JSON has none.
pub(in super::super) fn steps(steps: &[StepRecord]) -> String {
    json_array(steps.iter().map(|step| (None, step)))
}

/// Steps of several sagas, as a JSON array.
pub(super) fn json_array<'a>(
    steps: impl Iterator<Item = (Option<&'a str>, &'a StepRecord)>,
) -> String {
    let steps: Vec<_> = steps
        .map(|(saga, step)| Step {
            saga,
            position: step.position,
            step: &step.step,
            occurrence: step.occurrence,
            arguments: &step.arguments,
            outcome: step.outcome.as_str(),
            output: step.output.as_deref(),
            compensation: step.compensation.as_deref(),
            undone: step.undone,
        })
        .collect();
    let written = serde_json::to_string(&steps).unwrap_or_default();
    without_nul(written)
}

/// JSON spells NUL out, which `text` refuses when it is read out of the JSON.
pub(super) fn without_nul(json: String) -> String {
    if !json.contains("\\u0000") {
        return json;
    }
    // An even number of backslashes before it is one escaped backslash each, and the rest are letters.
    let mut text = String::with_capacity(json.len());
    let mut rest = json.as_str();
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        text.push_str(before);
        let (escape, after) = match escape.strip_prefix("\\u0000") {
            Some(after) => ("\u{2400}", after),
            None => escape.split_at(escape.len().min(2)),
        };
        text.push_str(escape);
        rest = after;
    }
    text.push_str(rest);
    text
}

/// Text that may be missing, as the database can keep it.
pub(in super::super) fn maybe(content: Option<&str>) -> Option<String> {
    content.map(|content| text(content).into_owned())
}

/// A letter for the functions of the migration.
pub(super) fn letter(letter: &NewDeadLetter) -> Value {
    json!({
        "kind": letter.kind.as_str(),
        "operation": text(&letter.operation),
        "dependency": letter.dependency.as_deref().map(text),
        "priority": letter.priority.rank(),
        "position": letter.position,
        "arguments": payload(&letter.arguments),
        "output": letter.output.as_deref().map(payload),
        "error": text(&letter.error),
        "attempts": letter.attempts,
    })
}

/// A payload as the JSON that its column holds. One that is none, because it was cut, becomes a JSON string.
pub(in super::super) fn payload(content: &str) -> Cow<'_, str> {
    match serde_json::from_str::<serde::de::IgnoredAny>(content) {
        Ok(_) => Cow::Borrowed(content),
        Err(_) => Cow::Owned(Value::from(content).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_character_in_json_becomes_visible_and_what_only_looks_like_one_stays() {
        let json = json!(["a\0🦀", "\\u0000", "\\\0\"", "\n"]).to_string();
        let read: Vec<String> = serde_json::from_str(&without_nul(json)).unwrap();
        assert_eq!(read, ["a\u{2400}🦀", "\\u0000", "\\\u{2400}\"", "\n"]);
    }

    #[test]
    fn a_payload_that_was_cut_is_a_string() {
        assert_eq!(payload(r#"{"a":"\u0000"}"#), r#"{"a":"\u0000"}"#);
        assert_eq!(payload(r#"{"a":"#), r#""{\"a\":""#);
    }
}
