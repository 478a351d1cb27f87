//! What the failure of one try means.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::super::address::Host;

/// Why one try had no answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: RedisError,
    /// The question was sent, and nobody knows what became of it.
    pub(super) may_have_run: bool,
    pub(super) next: Next,
}

/// What may help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing.
    GiveUp,
    /// The same again, over another connection.
    Again,
    /// The same again, when the server is ready.
    Later,
    /// The text of the script.
    Text,
    /// The text without its first line: servers older than 7.0 do not know that there are flags.
    TextWithoutFlags,
    /// Asking this server from now on.
    Moved(Host),
    /// Asking this server once.
    Ask(Host),
}

/// Whether the connection is of further use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    Keep,
    Replace,
}

impl Failure {
    /// The server could not be reached.
    pub(super) fn unreachable(error: RedisError) -> Self {
        let next = match error.kind() {
            ErrorKind::Io
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly,
            ) => Next::Later,
            _ => Next::GiveUp,
        };
        Self {
            error,
            may_have_run: false,
            next,
        }
    }

    /// A question was sent, and `error` came back or happened.
    pub(super) fn of(error: RedisError) -> (Self, Worth) {
        let mut worth = Worth::Keep;
        let mut may_have_run = false;
        let next = match error.kind() {
            ErrorKind::Io => {
                worth = Worth::Replace;
                may_have_run = true;
                // Whoever does not answer at all is not asked again by the same caller, who has waited enough.
                if error.is_timeout() {
                    Next::GiveUp
                } else {
                    Next::Again
                }
            }
            ErrorKind::Server(ServerErrorKind::NoScript) => Next::Text,
            ErrorKind::Server(kind @ (ServerErrorKind::Moved | ServerErrorKind::Ask)) => {
                match error.redirect_node().and_then(|(node, _)| host(node)) {
                    Some(host) if kind == ServerErrorKind::Moved => Next::Moved(host),
                    Some(host) => Next::Ask(host),
                    None => Next::Later,
                }
            }
            ErrorKind::Server(ServerErrorKind::ReadOnly) => {
                // It was the master; whoever is asked for the master again finds another one.
                worth = Worth::Replace;
                Next::Later
            }
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain,
            ) => Next::Later,
            ErrorKind::Server(ServerErrorKind::ResponseError) if is_uncompiled(&error) => {
                Next::TextWithoutFlags
            }
            ErrorKind::Extension if error.code() == Some("BUSY") => Next::Later,
            ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::AuthenticationFailed => {
                Next::GiveUp
            }
            // An answer that cannot be read is one: the question was done.
            _ => {
                worth = Worth::Replace;
                may_have_run = true;
                Next::GiveUp
            }
        };
        let failure = Self {
            error,
            may_have_run,
            next,
        };
        (failure, worth)
    }
}

fn is_uncompiled(error: &RedisError) -> bool {
    let detail = error.detail();
    detail.is_some_and(|it| it.starts_with("Error compiling script"))
}

/// From `name:port`, where the name may have colons and may be empty.
fn host(text: &str) -> Option<Host> {
    let (name, port) = text.rsplit_once(':')?;
    Some(Host {
        name: name.to_owned(),
        port: port.parse().ok()?,
    })
}
