//! The connection that listens.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Executor as _, Postgres};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::pool::took_too_long;
use super::wakes::Wakes;

/// A connection that says nothing is asked whether it is still there.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// On which everybody is told that there may be something to do for sagas.
const SAGAS: &str = "resilience_sagas";
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Between two attempts to connect: 50 ms, and more with each, up to 1 s.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The task that listens; it ends with this.
pub(super) struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Listens on `channel` for as long as the answer is kept. An error says that it does not work now.
pub(super) async fn listen(
    options: PgConnectOptions,
    channel: String,
    wakes: Arc<Wakes>,
) -> Result<Listening, sqlx::Error> {
    let (ready, is_ready) = oneshot::channel();
    let task = tokio::spawn(keep_listening(options, channel, wakes, ready));
    let listening = Listening(task);
    is_ready.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
    Ok(listening)
}

/// What was sent while nobody listened is lost: all who wait are woken when somebody does again.
async fn keep_listening(
    options: PgConnectOptions,
    channel: String,
    wakes: Arc<Wakes>,
    ready: oneshot::Sender<Result<(), sqlx::Error>>,
) {
    let mut ready = Some(ready);
    let mut pause = PAUSE_MIN;
    loop {
        match connect(&options, &channel).await {
            Ok(mut listener) => {
                pause = PAUSE_MIN;
                match ready.take() {
                    // Nobody can have waited yet.
                    Some(ready) => drop(ready.send(Ok(()))),
                    None => wakes.all(),
                }
                let error = hear(&mut listener, &wakes).await;
                tracing::debug!(target: "resilience", %error, "the connection that listens was lost");
            }
            Err(error) => match ready.take() {
                Some(ready) => {
                    drop(ready.send(Err(error)));
                    return;
                }
                None => {
                    tracing::debug!(target: "resilience", %error, "nobody listens to the server");
                }
            },
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

async fn connect(options: &PgConnectOptions, channel: &str) -> Result<PgListener, sqlx::Error> {
    // The driver's listener wants a pool, of which it takes the only connection.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(ANSWER_MAX)
        .connect_lazy_with(options.clone());
    let connecting = async {
        let mut listener = PgListener::connect_with(&pool).await?;
        // To connect again is ours to do: it wakes those who wait.
        listener.eager_reconnect(false);
        listener.listen_all([channel, SAGAS]).await?;
        Ok(listener)
    };
    match timeout(ANSWER_MAX, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(took_too_long("the server took too long to connect")),
    }
}

/// Hears until the connection is lost.
async fn hear(listener: &mut PgListener, wakes: &Wakes) -> sqlx::Error {
    loop {
        match timeout(SILENCE_MAX, listener.try_recv()).await {
            Ok(Ok(Some(notification))) if notification.channel() == SAGAS => wakes.sagas(),
            Ok(Ok(Some(notification))) => wakes.hear(notification.payload()),
            Ok(Ok(None)) => return took_too_long("the connection was closed"),
            Ok(Err(error)) => return error,
            Err(_) => {
                let question = sqlx::query::<Postgres>("SELECT 1").persistent(false);
                match timeout(ANSWER_MAX, listener.execute(question)).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return error,
                    Err(_) => return took_too_long("the server did not answer in time"),
                }
            }
        }
    }
}
