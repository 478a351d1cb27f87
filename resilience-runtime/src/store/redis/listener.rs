//! The ear of a process: one connection with one channel of its own, to which scripts publish what its waiters
//! wait for.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, RedisError, Value};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::connection::Connection;
use super::waiters::Waiters;
use crate::lease::Nonce;
use crate::pauses::Pauses;

/// The pauses between two tries to connect.
const RECONNECTS: Pauses = Pauses::new(Duration::from_millis(10), Duration::from_millis(500));

/// How often it is made sure, while somebody waits, that the connection is not dead without a sign.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// What listens. It stops when it is dropped.
pub(crate) struct Listener {
    channel: String,
    waiters: Waiters,
    heard: watch::Receiver<Heard>,
    task: JoinHandle<()>,
}

/// How the first try to listen ended.
#[derive(Clone, Default)]
enum Heard {
    #[default]
    Nothing,
    Listening,
    Failed(RedisError),
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener {
    /// Begins to listen, for as long as this lives.
    pub(crate) fn start(connection: Arc<Connection>, prefix: &str) -> Self {
        let channel = format!("{prefix}:channel:{}", Nonce::random());
        let waiters = Waiters::default();
        let (sender, heard) = watch::channel(Heard::default());
        let task = tokio::spawn(listen(connection, channel.clone(), waiters.clone(), sender));
        Self {
            channel,
            waiters,
            heard,
            task,
        }
    }

    /// The name of the channel, for scripts to publish to.
    pub(crate) fn channel(&self) -> &str {
        &self.channel
    }

    /// Who waits.
    pub(crate) fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    /// Waits for the first try, and answers with its error.
    pub(super) async fn listening(&self) -> Result<(), RedisError> {
        let mut heard = self.heard.clone();
        let heard = heard
            .wait_for(|heard| !matches!(heard, Heard::Nothing))
            .await;
        match heard.as_deref() {
            Ok(Heard::Failed(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

async fn listen(
    connection: Arc<Connection>,
    channel: String,
    waiters: Waiters,
    heard: watch::Sender<Heard>,
) {
    let mut pauses = RECONNECTS;
    loop {
        let ended = Arc::new(Notify::new());
        match subscribe(&connection, &channel, &waiters, &ended).await {
            Ok(live) => {
                pauses = RECONNECTS;
                heard.send_replace(Heard::Listening);
                // Before this moment nobody listened.
                waiters.wake_all();
                lives(live, &channel, &waiters, &ended).await;
            }
            Err(error) => {
                tracing::debug!(target: "resilience", %error, "nobody listens for wake-ups");
                heard.send_replace(Heard::Failed(error));
                sleep(pauses.next()).await;
            }
        }
    }
}

async fn subscribe(
    connection: &Connection,
    channel: &str,
    waiters: &Waiters,
    ended: &Arc<Notify>,
) -> Result<MultiplexedConnection, RedisError> {
    let (waiters, ended) = (waiters.clone(), Arc::clone(ended));
    let pushed = Box::new(move |push: PushInfo| {
        match (&push.kind, push.data.as_slice()) {
            (PushKind::Message, [_, Value::BulkString(message)]) => waiters.deliver(message),
            (PushKind::Disconnection, _) => ended.notify_one(),
            _ => {}
        }
        Ok::<_, Infallible>(())
    });
    let origin = connection.listening_post();
    let mut live = origin.connect(connection.limits(), pushed).await?;
    live.subscribe(channel).await?;
    Ok(live)
}

/// Until the connection has ended.
async fn lives(mut live: MultiplexedConnection, channel: &str, waiters: &Waiters, ended: &Notify) {
    loop {
        tokio::select! {
            () = ended.notified() => return,
            () = sleep(SIGN_OF_LIFE) => {}
        }
        // A question that changes nothing, and for which no further right is needed.
        if !waiters.is_empty() && live.subscribe(channel).await.is_err() {
            return;
        }
    }
}
