//! Retry, circuit breaker and timeout over a Redis and a PostgreSQL that are killed, stopped, cut
//! off and restarted. What is asserted is what reached the server and in which state the breaker
//! is, not how long it took.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience::{CircuitBreaker, CircuitState, Error, circuit_breaker, retry, timeout};
use resilience_test_support::proxy::{Faults, Proxy};
use resilience_test_support::server::{Postgres, Redis};
use resilience_test_support::wait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Consecutive failures that open each breaker here.
const THRESHOLD: u32 = 3;
/// Successful probes that close it again.
const PROBES: u32 = 2;
/// Longer than a machine under load takes for a few calls that are refused. Nobody waits for it: the clock is moved.
const OPEN_FOR: Duration = Duration::from_secs(60);

const fn breaker(name: &'static str) -> CircuitBreaker {
    CircuitBreaker::named(name)
        .failure_threshold(THRESHOLD)
        .open_for(OPEN_FOR)
        .half_open_permits(PROBES)
        .success_threshold(PROBES)
}

static KILLED: CircuitBreaker = breaker("faults-killed");
static STOPPED: CircuitBreaker = breaker("faults-stopped");
static CUT_OFF: CircuitBreaker = breaker("faults-cut-off");
static RESTARTED: CircuitBreaker = CircuitBreaker::named("faults-restarted")
    .failure_threshold(THRESHOLD)
    .open_for(Duration::from_millis(50))
    .half_open_permits(1)
    .success_threshold(1);

#[circuit_breaker(KILLED)]
#[timeout(60s)]
async fn ask_killed(probe: &Probe) -> Result<(), AskError> {
    probe.ask().await
}

#[circuit_breaker(STOPPED)]
#[timeout(60s)]
async fn ask_stopped(probe: &Probe) -> Result<(), AskError> {
    probe.ask().await
}

#[circuit_breaker(CUT_OFF)]
#[timeout(60s)]
async fn ask_cut_off(probe: &Probe) -> Result<(), AskError> {
    probe.ask().await
}

#[retry(max_attempts = 1000, backoff = fixed(60ms), jitter = none)]
#[circuit_breaker(RESTARTED)]
#[timeout(10s)]
async fn ask_restarted(probe: &Probe) -> Result<(), AskError> {
    probe.ask().await
}

#[derive(Debug)]
enum AskError {
    #[expect(dead_code, reason = "for the message of a test that fails")]
    Io(io::Error),
    Policy(Error),
}

impl From<io::Error> for AskError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Error> for AskError {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

/// Asks a server for a sign of life, on a connection of its own, and counts.
struct Probe {
    port: u16,
    question: &'static [u8],
    /// How often the server was asked.
    asked: AtomicU32,
    /// How often a question was dropped before its end.
    dropped: AtomicU32,
}

/// Counts a question that is dropped before its end.
struct Unanswered<'a>(Option<&'a AtomicU32>);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(dropped) = self.0 {
            dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Probe {
    async fn ask(&self) -> Result<(), AskError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut unanswered = Unanswered(Some(&self.dropped));
        let answer = self.exchange().await;
        unanswered.0 = None;
        Ok(answer?)
    }

    async fn exchange(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.write_all(self.question).await?;
        match stream.read_u8().await? {
            // Redis: `+PONG`; PostgreSQL: no TLS, or TLS.
            b'+' | b'N' | b'S' => Ok(()),
            other => Err(io::Error::other(format!(
                "an answer that begins with {other}"
            ))),
        }
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    fn dropped(&self) -> u32 {
        self.dropped.load(Ordering::SeqCst)
    }
}

/// Either server.
enum Server {
    Redis(Redis),
    Postgres(Postgres),
}

impl Server {
    /// Both, where both are installed.
    #[track_caller]
    fn all() -> Vec<Self> {
        let redis = Redis::start().map(Self::Redis);
        redis
            .into_iter()
            .chain(Postgres::start().map(Self::Postgres))
            .collect()
    }

    fn port(&self) -> u16 {
        match self {
            Self::Redis(redis) => redis.port(),
            Self::Postgres(postgres) => postgres.port(),
        }
    }

    fn kill9(&mut self) {
        match self {
            Self::Redis(redis) => redis.kill9(),
            Self::Postgres(postgres) => postgres.kill9(),
        }
    }

    fn restart(&mut self) {
        match self {
            Self::Redis(redis) => redis.restart(),
            Self::Postgres(postgres) => postgres.restart(),
        }
    }

    fn stop(&self) {
        match self {
            Self::Redis(redis) => redis.stop(),
            Self::Postgres(postgres) => postgres.stop(),
        }
    }

    fn cont(&self) {
        match self {
            Self::Redis(redis) => redis.cont(),
            Self::Postgres(postgres) => postgres.cont(),
        }
    }

    fn probe(&self, port: u16) -> Probe {
        let question: &[u8] = match self {
            Self::Redis(_) => b"PING\r\n",
            // The request for TLS, which is answered with one byte before anybody logs in.
            Self::Postgres(_) => &[0, 0, 0, 8, 4, 210, 22, 47],
        };
        Probe {
            port,
            question,
            asked: AtomicU32::new(0),
            dropped: AtomicU32::new(0),
        }
    }
}

/// Asks somebody who does not answer: the clock stands still, and goes on when there is nothing else to wait for.
async fn times_out(probe: &Probe, ask: impl AsyncFn(&Probe) -> Result<(), AskError>) {
    tokio::time::pause();
    let failed = ask(probe).await;
    tokio::time::resume();
    assert!(
        matches!(failed, Err(AskError::Policy(Error::TimedOut { .. }))),
        "{failed:?}"
    );
}

/// Calls that an open breaker refuses do not reach the server.
async fn is_refused(
    breaker: &'static CircuitBreaker,
    probe: &Probe,
    ask: impl AsyncFn(&Probe) -> Result<(), AskError>,
) {
    let asked = probe.asked();
    for _ in 0..5 {
        let refused = ask(probe).await;
        assert!(
            matches!(refused, Err(AskError::Policy(Error::CircuitOpen { .. }))),
            "{refused:?}"
        );
    }
    assert_eq!(
        (probe.asked(), breaker.state()),
        (asked, CircuitState::Open)
    );
}

/// The server is well again: the breaker lets probes through, and so many close it.
async fn closes(
    breaker: &'static CircuitBreaker,
    probe: &Probe,
    ask: impl AsyncFn(&Probe) -> Result<(), AskError>,
) {
    let asked = probe.asked();
    let mut states = Vec::new();
    let closing = async {
        while breaker.state() != CircuitState::Closed {
            match ask(probe).await {
                Ok(()) => states.push(breaker.state()),
                Err(AskError::Policy(Error::CircuitOpen { retry_after, .. })) => {
                    tokio::time::pause();
                    tokio::time::advance(retry_after).await;
                    tokio::time::resume();
                }
                Err(error) => panic!("a server that is well answers {error:?}"),
            }
        }
    };
    tokio::time::timeout(wait::PATIENCE, closing)
        .await
        .expect("the breaker closes");
    assert_eq!(states, [CircuitState::HalfOpen, CircuitState::Closed]);
    assert_eq!(probe.asked(), asked + PROBES);
    ask(probe).await.expect("it is closed");
}

#[tokio::test]
async fn a_killed_server_opens_the_breaker_and_a_restarted_one_closes_it() {
    for mut server in Server::all() {
        let probe = server.probe(server.port());
        ask_killed(&probe).await.expect("it is up");
        server.kill9();
        for failures in 1..=THRESHOLD {
            assert_eq!(KILLED.state(), CircuitState::Closed);
            let failed = ask_killed(&probe).await;
            assert!(matches!(failed, Err(AskError::Io(_))), "{failed:?}");
            assert_eq!(probe.asked(), 1 + failures);
        }
        is_refused(&KILLED, &probe, ask_killed).await;
        server.restart();
        closes(&KILLED, &probe, ask_killed).await;
        assert_eq!(probe.dropped(), 0);
    }
}

#[tokio::test]
async fn a_stopped_server_times_out_and_the_timeouts_open_the_breaker() {
    for server in Server::all() {
        let probe = server.probe(server.port());
        ask_stopped(&probe).await.expect("it is up");
        server.stop();
        for failures in 1..=THRESHOLD {
            times_out(&probe, ask_stopped).await;
            // The body was dropped where it stood, and its connection with it.
            assert_eq!((probe.asked(), probe.dropped()), (1 + failures, failures));
        }
        is_refused(&STOPPED, &probe, ask_stopped).await;
        server.cont();
        closes(&STOPPED, &probe, ask_stopped).await;
        assert_eq!(probe.dropped(), THRESHOLD);
    }
}

/// What the proxy does, whether that is a timeout to the caller, and whether the server heard of it.
type CutOff = (fn(&mut Faults), bool);

#[tokio::test]
async fn a_server_that_is_cut_off_in_either_direction_opens_the_breaker() {
    let faults: [CutOff; 3] = [
        (|faults| faults.blackhole_requests = true, true),
        (|faults| faults.blackhole_answers = true, true),
        (|faults| faults.refuse = true, false),
    ];
    for server in Server::all() {
        let proxy = Proxy::start(server.port());
        let probe = server.probe(proxy.port());
        ask_cut_off(&probe).await.expect("it is up");
        for (fault, is_silent) in faults {
            let dropped = probe.dropped();
            proxy.set(fault);
            for _ in 0..THRESHOLD {
                assert_eq!(CUT_OFF.state(), CircuitState::Closed);
                if is_silent {
                    times_out(&probe, ask_cut_off).await;
                } else {
                    let failed = ask_cut_off(&probe).await;
                    assert!(matches!(failed, Err(AskError::Io(_))), "{failed:?}");
                }
            }
            let of_these = if is_silent { THRESHOLD } else { 0 };
            assert_eq!(probe.dropped(), dropped + of_these);
            is_refused(&CUT_OFF, &probe, ask_cut_off).await;
            proxy.heal();
            closes(&CUT_OFF, &probe, ask_cut_off).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_rides_over_a_restart() {
    for mut server in Server::all() {
        let probe = Arc::new(server.probe(server.port()));
        server.kill9();
        let call = tokio::spawn({
            let probe = Arc::clone(&probe);
            async move { ask_restarted(&probe).await }
        });
        // It has opened the breaker, and a probe of it has failed since.
        wait::until("attempts that fail", || probe.asked() > THRESHOLD);
        assert!(!call.is_finished());
        server.restart();
        let answer = tokio::time::timeout(wait::PATIENCE, call)
            .await
            .expect("it ends");
        answer
            .expect("it does not panic")
            .expect("it outlasts the restart");
        assert_eq!(RESTARTED.state(), CircuitState::Closed);
        assert_eq!(probe.dropped(), 0);
    }
}
