//! `resilience doctor`.

mod queue;

use resilience_runtime::runtime::{OpenError, Runtime};
use resilience_runtime::store::risk::Risk;
use serde::Serialize;

use crate::arguments::Doctor;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Tone, line};
use crate::store;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    result: Level,
    finding: String,
    /// What to do about it.
    remedy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    Ok,
    Warn,
    Fail,
}

impl Check {
    fn ok(check: &'static str, finding: impl Into<String>) -> Self {
        Self::of(check, Level::Ok, finding, None)
    }

    fn warn(check: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::of(check, Level::Warn, finding, Some(remedy.into()))
    }

    fn fail(check: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::of(check, Level::Fail, finding, Some(remedy.into()))
    }

    fn of(
        check: &'static str,
        result: Level,
        finding: impl Into<String>,
        remedy: Option<String>,
    ) -> Self {
        Self {
            check,
            result,
            finding: finding.into(),
            remedy,
        }
    }
}

pub(crate) async fn run(url: &str, doctor: &Doctor, output: &Output) -> Result<(), Failure> {
    let mut checks = Vec::new();
    let unusable = look(url, doctor, &mut checks).await?;
    output.value(&checks);
    for check in &checks {
        let (word, tone) = match check.result {
            Level::Ok => ("ok  ", Tone::Good),
            Level::Warn => ("warn", Tone::Careful),
            Level::Fail => ("fail", Tone::Bad),
        };
        let word = output.paint.paint(tone, word);
        output.say(&format!(
            "{word}  {}: {}",
            check.check,
            line(&check.finding)
        ));
        if let Some(remedy) = &check.remedy {
            output.say(&format!("      → {}", line(remedy)));
        }
    }
    let failed = checks.iter().any(|it| it.result == Level::Fail);
    match unusable {
        Some(failure) => Err(failure),
        None if failed => Err(Failure::new(FailureKind::Failed, "")),
        None => Ok(()),
    }
}

/// What is found; a failure where the store could not be looked at to the end.
async fn look(
    url: &str,
    doctor: &Doctor,
    checks: &mut Vec<Check>,
) -> Result<Option<Failure>, Failure> {
    const SCHEMA: &str = "schema";
    let kind = store::kind(url);
    let unusable = Failure::new(FailureKind::Store, "");
    let schema = match Runtime::schema(url).await {
        Ok(schema) => schema,
        Err(error) => {
            let is_missing = matches!(error, OpenError::Missing { .. });
            let failure = Failure::from(error);
            if failure.kind == FailureKind::Usage {
                return Err(failure);
            }
            let remedy = match (is_missing, url.starts_with("sqlite:")) {
                (true, _) => {
                    "name the file that the programs open; a new one is made by them, or by `resilience migrate`"
                }
                (false, true) => {
                    "name the file that the programs open, as a user who may read and write it and its directory; if this \
                     is the one, and it is damaged, stop the programs and restore it from a backup"
                }
                (false, false) => {
                    "check the URL (host, port, database, user, password), and that the server runs and lets this user in"
                }
            };
            checks.push(Check::fail("store", failure.message, remedy));
            return Ok(Some(unusable));
        }
    };
    checks.push(Check::ok("store", format!("{kind}, and it answers")));
    if let Some(schema) = schema {
        let (found, known) = (schema.found, schema.known);
        if !schema.is_current() {
            let (finding, remedy) = match schema.is_newer() {
                true => (
                    format!("version {found}, and this tool knows {known} at most"),
                    "use the version of the tool that belongs to the programs on this store",
                ),
                false if found == 0 => (
                    "there are no tables of this crate".to_owned(),
                    "`resilience migrate` makes them, and so does a program that opens the store",
                ),
                false => (
                    format!("version {found}, and this tool works on {known}"),
                    "upgrade the programs, then run `resilience migrate`",
                ),
            };
            checks.push(Check::fail(SCHEMA, finding, remedy));
            return Ok(Some(unusable));
        }
        checks.push(Check::ok(SCHEMA, format!("version {found}")));
    }
    let (runtime, risks) = match store::open_as_it_is(url, true).await {
        Ok(opened) => opened,
        Err(error) => {
            checks.push(unopened(error));
            return Ok(Some(unusable));
        }
    };
    checks.extend(settings(risks, &doctor.accept));
    let looked = queue::look(&runtime, doctor.dead_letter_limit, checks).await;
    runtime.shutdown().await;
    if let Err(error) = looked {
        let remedy =
            "the store went away, or its tables are damaged: look at its log, and run this again";
        checks.push(Check::fail("store", error.to_string(), remedy));
        return Ok(Some(unusable));
    }
    Ok(None)
}

fn unopened(error: OpenError) -> Check {
    let remedy = "programs cannot open the store either: do what the message says";
    Check::fail("opening", Failure::from(error).message, remedy)
}

/// What makes the server a bad place, as programs see it when they start.
fn settings(risks: Vec<(Risk, String)>, accepted: &[Risk]) -> Vec<Check> {
    const SETTINGS: &str = "settings";
    if risks.is_empty() {
        return vec![Check::ok(SETTINGS, "nothing that breaks a promise")];
    }
    let check = |(risk, finding): (Risk, String)| {
        if accepted.contains(&risk) {
            let remedy = format!("none: Risk::{risk} is accepted");
            return Check::warn(SETTINGS, finding, remedy);
        }
        let remedy = format!(
            "change it; programs that do not say `.accept(Risk::{risk})` do not start (and `doctor --accept {risk}` \
             only warns)"
        );
        Check::fail(SETTINGS, finding, remedy)
    };
    risks.into_iter().map(check).collect()
}
