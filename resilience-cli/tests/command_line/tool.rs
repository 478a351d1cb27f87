//! Running the tool.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// What it said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// What it said, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_str(&self.out) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {self:?}"),
        }
    }

    /// It ended like this.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs it on the store at `url`, if one is given, in an environment of its own.
pub(crate) async fn run(url: Option<&str>, arguments: &[&str]) -> Ran {
    let mut command = command(url.map(OsStr::new));
    command.args(arguments);
    output(command).await
}

/// The same, to be run by the caller.
pub(crate) fn command(url: Option<&OsStr>) -> Command {
    command_of(Path::new(env!("CARGO_BIN_EXE_resilience")), url)
}

/// The tool at this path.
pub(crate) fn command_of(path: &Path, url: Option<&OsStr>) -> Command {
    let mut command = Command::new(path);
    command.env_remove("RESILIENCE_URL").env("USER", "ada");
    if let Some(url) = url {
        command.env("RESILIENCE_URL", url);
    }
    command
}

/// What a command says.
pub(crate) async fn output(mut command: Command) -> Ran {
    let output = tokio::task::spawn_blocking(move || command.output());
    output.await.unwrap().unwrap().into()
}
