//! A TCP proxy in front of a server, with faults that are switched at run time.

mod plan;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

use plan::{Answer, At, Fault, Plan};
pub use plan::{Cut, Freeze};

/// What is wrong with the connection at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// Each message is held back for so long, in both directions.
    pub latency: Duration,
    /// What the client says goes nowhere; nothing is closed. It arrives when this ends.
    pub blackhole_requests: bool,
    /// What the server says goes nowhere; nothing is closed. It arrives when this ends.
    pub blackhole_answers: bool,
    /// New connections are reset, and those that exist too.
    pub refuse: bool,
}

/// A proxy on a free port of 127.0.0.1. It runs on a thread and a runtime of its own: the clock
/// of the test may be paused, and its runtime may come and go.
///
/// A *message* is what one read yields: for a client that waits for each answer, one request.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    /// Dropped with the proxy, which ends its thread.
    _running: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Shared {
    target: u16,
    faults: watch::Sender<Faults>,
    /// Counts the resets: a connection that was made under an older number is reset.
    resets: watch::Sender<u64>,
    /// Whether nothing passes any more, in either direction and on no connection.
    frozen: watch::Sender<bool>,
    /// Whether a message is held back alone.
    holds: watch::Sender<bool>,
    /// What becomes of it.
    then: watch::Sender<Option<Freeze>>,
    counters: Mutex<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    connections: u64,
    requests: u64,
    plan: Option<Plan>,
    cuts: u64,
}

impl Proxy {
    /// A proxy without faults in front of the server on port `target` of 127.0.0.1.
    ///
    /// # Panics
    /// When there is no free port or no thread.
    #[must_use]
    pub fn start(target: u16) -> Self {
        let shared = Arc::new(Shared {
            target,
            faults: watch::Sender::new(Faults::default()),
            resets: watch::Sender::new(0),
            frozen: watch::Sender::new(false),
            holds: watch::Sender::new(false),
            then: watch::Sender::new(None),
            counters: Mutex::default(),
        });
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        listener
            .set_nonblocking(true)
            .expect("a listener for tokio");
        let port = listener.local_addr().expect("its address").port();
        let (running, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("proxy".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = accept(listener, of_thread) => {}
                    }
                });
            })
            .expect("a thread");
        Self {
            port,
            shared,
            _running: running,
        }
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `url`, which names the server's port, with the proxy's port instead.
    #[must_use]
    pub fn in_front_of(&self, url: &str) -> String {
        url.replace(
            &format!(":{}/", self.shared.target),
            &format!(":{}/", self.port),
        )
    }

    /// Changes what is wrong, for connections that exist as well as for new ones.
    pub fn set(&self, change: impl FnOnce(&mut Faults)) {
        self.shared.faults.send_modify(change);
    }

    /// Ends every fault that [`set`](Self::set) has begun.
    pub fn heal(&self) {
        self.set(|faults| *faults = Faults::default());
    }

    /// Resets every connection that exists. New ones are fine.
    pub fn reset(&self) {
        self.shared.resets.send_modify(|resets| *resets += 1);
    }

    /// Cuts the connection on which the `message`-th message from now on arrives from a client,
    /// where 1 is the next one, once. What comes later passes.
    pub fn cut_at(&self, message: u64, cut: Cut) {
        self.plan(message, Fault::Cut(cut));
    }

    /// Drops a cut that has not happened yet.
    pub fn cut_nothing(&self) {
        self.shared.counters().plan = None;
    }

    /// Lets everything stand still at the `message`-th message from now on, where 1 is the next one: from then on nothing passes,
    /// on no connection and in neither direction, and nothing is closed. For ever: a client that is to be killed there is killed now,
    /// and [`reset`](Self::reset) drops what did not arrive.
    pub fn freeze_at(&self, message: u64, freeze: Freeze) {
        self.plan(message, Fault::Freeze(freeze));
    }

    /// Holds the first message from now on back that has `content` in it, and lets all others pass, until [`freeze`](Self::freeze)
    /// says at which moment of this message everything stands still. What happened before it can be looked at meanwhile.
    pub fn hold_at_content(&self, content: impl Into<Vec<u8>>) {
        self.shared.counters().plan = Some(Plan {
            at: At::Content(content.into()),
            fault: Fault::Hold,
        });
    }

    /// Whether a message is held back.
    #[must_use]
    pub fn holds(&self) -> bool {
        *self.shared.holds.borrow()
    }

    /// Lets everything stand still at this moment of the message that is held back.
    pub fn freeze(&self, freeze: Freeze) {
        self.shared.then.send_replace(Some(freeze));
    }

    /// Whether everything stands still.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        *self.shared.frozen.borrow()
    }

    fn plan(&self, message: u64, fault: Fault) {
        let mut counters = self.shared.counters();
        counters.plan = Some(Plan {
            at: At::Number(counters.requests + message),
            fault,
        });
    }

    /// How many connections were cut as planned.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.counters().cuts
    }

    /// How many messages have come from clients.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.counters().requests
    }

    /// How many connections were accepted and passed on.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.counters().connections
    }
}

impl Shared {
    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a message from a client; what is planned for it, if anything is.
    fn count_request(&self, message: &[u8]) -> Option<Fault> {
        let mut counters = self.counters();
        counters.requests += 1;
        let requests = counters.requests;
        let is_due = |plan: &mut Plan| match &plan.at {
            At::Number(number) => requests >= *number,
            At::Content(content) => message
                .windows(content.len())
                .any(|part| part == content.as_slice()),
        };
        let fault = counters.plan.take_if(is_due)?.fault;
        counters.cuts += u64::from(matches!(fault, Fault::Cut(_)));
        Some(fault)
    }

    /// Waits until it is known what becomes of this message.
    async fn hold(&self) -> Freeze {
        self.holds.send_replace(true);
        let mut then = self.then.subscribe();
        let then = then.wait_for(Option::is_some).await;
        then.ok()
            .and_then(|freeze| *freeze)
            .unwrap_or(Freeze::Before)
    }

    /// Lets everything stand still from now on.
    async fn freeze(&self) -> ! {
        self.frozen.send_replace(true);
        std::future::pending().await
    }
}

async fn accept(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).expect("a listener for tokio");
    while let Ok((client, _)) = listener.accept().await {
        let _ = reset_on_close(&client);
        if shared.faults.borrow().refuse {
            continue;
        }
        shared.counters().connections += 1;
        let shared = Arc::clone(&shared);
        let mut resets = shared.resets.subscribe();
        let before = *resets.borrow_and_update();
        tokio::spawn(async move {
            let mut faults = shared.faults.subscribe();
            tokio::select! {
                _ = relay(client, &shared) => {}
                _ = resets.wait_for(|&resets| resets != before) => {}
                _ = faults.wait_for(|faults| faults.refuse) => {}
            }
        });
    }
}

/// Makes the end of `stream` a reset: what is under way in either direction is lost.
fn reset_on_close(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    Ok(rustix::net::sockopt::set_socket_linger(
        stream,
        Some(Duration::ZERO),
    )?)
}

/// Makes the end of `stream` an ordinary one again: what is under way arrives.
fn close_in_order(stream: &TcpStream) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_linger(stream, None)?)
}

/// Passes messages on in both directions until one side closes or a cut is due.
async fn relay(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", shared.target)).await?;
    reset_on_close(&server)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let next = watch::Sender::new(Answer::Passes);
    tokio::select! {
        ended = pass_requests(from_client, to_server, shared, &next) => ended,
        ended = pass_answers(from_server, to_client, shared, next.subscribe()) => ended,
    }
}

const MESSAGE_BYTES_MAX: usize = 64 * 1024;

async fn pass_requests(
    mut client: ReadHalf<'_>,
    mut server: WriteHalf<'_>,
    shared: &Shared,
    next: &watch::Sender<Answer>,
) -> io::Result<()> {
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    loop {
        let length = client.read(&mut buffer).await?;
        if length == 0 {
            return close_in_order(server.as_ref());
        }
        let fault = match shared.count_request(&buffer[..length]) {
            Some(Fault::Hold) => Some(Fault::Freeze(shared.hold().await)),
            fault => fault,
        };
        match fault {
            Some(Fault::Cut(Cut::Before)) => return Ok(()),
            Some(Fault::Cut(Cut::After)) => {
                next.send_replace(Answer::IsCut);
            }
            Some(Fault::Freeze(Freeze::Before)) => shared.freeze().await,
            Some(Fault::Freeze(Freeze::Within)) => {
                server.write_all(&buffer[..length / 2]).await?;
                shared.freeze().await;
            }
            Some(Fault::Freeze(Freeze::After)) => {
                next.send_replace(Answer::Freezes);
            }
            Some(Fault::Hold) | None => {}
        }
        hold_back(shared, |faults| faults.blackhole_requests).await;
        server.write_all(&buffer[..length]).await?;
    }
}

async fn pass_answers(
    mut server: ReadHalf<'_>,
    mut client: WriteHalf<'_>,
    shared: &Shared,
    next: watch::Receiver<Answer>,
) -> io::Result<()> {
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    loop {
        let length = server.read(&mut buffer).await?;
        let next = *next.borrow();
        match next {
            Answer::Passes => {}
            Answer::IsCut => return Ok(()),
            Answer::Freezes => shared.freeze().await,
        }
        if length == 0 {
            return close_in_order(client.as_ref());
        }
        hold_back(shared, |faults| faults.blackhole_answers).await;
        client.write_all(&buffer[..length]).await?;
    }
}

/// Waits out the latency, and the black hole if there is one.
async fn hold_back(shared: &Shared, is_blackhole: impl Fn(&Faults) -> bool) {
    let mut faults = shared.faults.subscribe();
    let latency = faults.borrow().latency;
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let _ = faults.wait_for(|faults| !is_blackhole(faults)).await;
    let mut frozen = shared.frozen.subscribe();
    let _ = frozen.wait_for(|frozen| !frozen).await;
}
