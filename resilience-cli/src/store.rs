//! The store: where it is, and opening it without changing it.

use std::env::VarError;

use resilience_runtime::runtime::{OpenError, Runtime};
use resilience_runtime::store::risk::Risk;

use crate::failure::{Failure, FailureKind};

/// The URL of the store, from the option or from the environment. A path is a file of SQLite.
pub(crate) fn url(given: Option<String>) -> Result<String, Failure> {
    let given = match given {
        Some(url) => Some(url),
        None => match std::env::var("RESILIENCE_URL") {
            Ok(url) => Some(url),
            Err(VarError::NotPresent) => None,
            Err(VarError::NotUnicode(_)) => {
                let message =
                    "RESILIENCE_URL is not UTF-8: give the store another name, or a link to it";
                return Err(Failure::new(FailureKind::Usage, message));
            }
        },
    };
    let given = given.filter(|it| !it.is_empty()).ok_or_else(|| {
        Failure::new(
            FailureKind::Usage,
            "which store? Give --url with the path of an SQLite file or a postgres:// URL, or set RESILIENCE_URL",
        )
    })?;
    let scheme = given.split_once(':').map(|it| it.0);
    const SCHEMES: [&str; 4] = ["sqlite", "memory", "postgres", "postgresql"];
    let is_url = given.contains("://") || scheme.is_some_and(|it| SCHEMES.contains(&it));
    let url = if is_url {
        given
    } else {
        format!("sqlite:{given}")
    };
    match url.split_once(':').map_or("", |it| it.0) {
        "sqlite" => Ok(url),
        "postgres" | "postgresql" if url.contains("://") => Ok(url),
        // It may be half a password.
        _ => Err(Failure::new(
            FailureKind::Usage,
            "sagas and dead letters are in SQLite files and at postgres:// URLs; this names another kind of store",
        )),
    }
}

/// What kind of store it is, for people. Never the URL, which may have a password.
pub(crate) fn kind(url: &str) -> &'static str {
    match url.starts_with("sqlite:") {
        true => "SQLite",
        false => "PostgreSQL",
    }
}

/// Opens what is there, for looking at it.
pub(crate) async fn open(url: &str) -> Result<Runtime, Failure> {
    let (runtime, _) = open_as_it_is(url, true).await?;
    Ok(runtime)
}

/// Opens the store, and says what it was refused for: programs that work on it have accepted that.
pub(crate) async fn open_as_it_is(
    url: &str,
    existing_only: bool,
) -> Result<(Runtime, Vec<(Risk, String)>), OpenError> {
    let mut risks: Vec<(Risk, String)> = Vec::new();
    loop {
        let mut builder = Runtime::builder(url).without_recovery();
        if existing_only {
            builder = builder.existing_only();
        }
        for (risk, _) in &risks {
            builder = builder.accept(*risk);
        }
        match builder.open().await {
            Ok(runtime) => return Ok((runtime, risks)),
            Err(OpenError::Risky { risk, finding }) if risks.iter().all(|it| it.0 != risk) => {
                risks.push((risk, finding));
            }
            Err(error) => return Err(error),
        }
    }
}
