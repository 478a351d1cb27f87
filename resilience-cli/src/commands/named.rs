//! The saga that somebody names, by its id or the beginning of it.

use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::{SagaFilter, SagaId, SagaRecord, SagaSummary};

use crate::failure::{Failure, FailureKind};
use crate::output::line;

/// A beginning has so many characters at least: a slip of the finger is no id.
const LEAST: usize = 4;
/// So many are listed where a beginning fits several.
const CANDIDATES: u32 = 10;

/// The saga whose id is `text`, or else the only one whose id begins with it.
pub(crate) async fn saga(runtime: &Runtime, text: &str) -> Result<SagaRecord, Failure> {
    let sagas = runtime.sagas();
    if let Some(record) = sagas.get(&SagaId::from(text.to_owned())).await? {
        return Ok(record);
    }
    if text.chars().count() < LEAST {
        let message = format!(
            "there is no saga {}; the beginning of an id has {LEAST} characters at least",
            line(text)
        );
        return Err(Failure::new(FailureKind::NotFound, message));
    }
    let alike = SagaFilter {
        id_prefix: Some(text.to_owned()),
        ..SagaFilter::default()
    };
    let found = sagas.list(alike, None, CANDIDATES + 1).await?;
    let id = match &found[..] {
        [one] => &one.id,
        [] => return Err(none(text)),
        several => return Err(ambiguous(text, several)),
    };
    // It may have been deleted since.
    sagas.get(id).await?.ok_or_else(|| none(text))
}

/// Its id.
pub(crate) async fn id(runtime: &Runtime, text: &str) -> Result<SagaId, Failure> {
    Ok(saga(runtime, text).await?.id)
}

/// Its id, where one is named.
pub(crate) async fn id_if_any(
    runtime: &Runtime,
    text: Option<&str>,
) -> Result<Option<SagaId>, Failure> {
    Ok(match text {
        Some(text) => Some(id(runtime, text).await?),
        None => None,
    })
}

fn none(text: &str) -> Failure {
    let message = format!("there is no saga {}, and none that begins so", line(text));
    Failure::new(FailureKind::NotFound, message)
}

fn ambiguous(text: &str, several: &[SagaSummary]) -> Failure {
    let most = usize::try_from(CANDIDATES).unwrap_or(usize::MAX);
    let mut message = format!("several sagas begin with {}; name one:", line(text));
    for saga in several.iter().take(most) {
        let (id, name) = (line(saga.id.as_str()), line(&saga.name));
        message.push_str(&format!("\n  {id}  {name} ({})", saga.status.as_str()));
    }
    if several.len() > most {
        message.push_str("\n  …");
    }
    Failure::new(FailureKind::Usage, message)
}

/// The name of a saga's function, with a version that is not the first.
pub(crate) fn short(name: &str, version: u32) -> String {
    match version {
        1 => name.to_owned(),
        version => format!("{name} v{version}"),
    }
}

/// What a program has to know, so that it can work on a saga.
pub(crate) fn code(record: &SagaRecord) -> String {
    format!("the saga `{}` in version {}", record.name, record.version)
}
