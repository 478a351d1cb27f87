//! Each fault of the proxy is what it says, seen by a client of an echoing server.

// Clippy lets tests panic, but not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use resilience_test_support::proxy::{Cut, Freeze, Proxy};
use resilience_test_support::wait;

/// A server that sends back each byte, and counts them.
struct Echo {
    port: u16,
    heard: Arc<AtomicUsize>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let heard = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&heard);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || echo(client, &counter));
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }
}

fn echo(mut client: TcpStream, heard: &AtomicUsize) {
    let mut byte = [0];
    while client.read_exact(&mut byte).is_ok() {
        heard.fetch_add(1, Ordering::SeqCst);
        if client.write_all(&byte).is_err() {
            return;
        }
    }
}

struct Client(TcpStream);

impl Client {
    fn connect(proxy: &Proxy) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", proxy.port())).expect("the proxy accepts");
        stream.set_nodelay(true).expect("an option");
        stream
            .set_read_timeout(Some(wait::PATIENCE))
            .expect("a timeout");
        Self(stream)
    }

    fn send(&mut self) {
        self.0.write_all(b"x").expect("the kernel takes it");
    }

    fn receive(&mut self) -> std::io::Result<()> {
        self.0.read_exact(&mut [0])
    }

    fn round_trip(&mut self) -> std::io::Result<()> {
        self.0.write_all(b"x")?;
        self.receive()
    }

    /// Whether nothing arrives for a while, and nothing is closed.
    fn hears_nothing(&mut self) -> bool {
        let short = Some(Duration::from_millis(50));
        self.0.set_read_timeout(short).expect("a timeout");
        let answer = self.receive();
        self.0
            .set_read_timeout(Some(wait::PATIENCE))
            .expect("a timeout");
        matches!(answer, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }
}

fn is_cut(answer: std::io::Result<()>) -> bool {
    matches!(
        answer.map_err(|error| error.kind()),
        Err(ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe)
    )
}

#[test]
fn without_faults_everything_passes() {
    let echo = Echo::start();
    let proxy = Proxy::start(echo.port);
    let mut client = Client::connect(&proxy);
    for _ in 0..3 {
        client.round_trip().expect("an echo");
    }
    assert_eq!(
        (proxy.connections(), proxy.requests(), proxy.cuts()),
        (1, 3, 0)
    );
    let url = format!("redis://127.0.0.1:{}/0", echo.port);
    assert_eq!(
        proxy.in_front_of(&url),
        format!("redis://127.0.0.1:{}/0", proxy.port())
    );
}

#[test]
fn latency_holds_each_message_back() {
    let echo = Echo::start();
    let proxy = Proxy::start(echo.port);
    let mut client = Client::connect(&proxy);
    proxy.set(|faults| faults.latency = Duration::from_millis(20));
    let begun = Instant::now();
    client.round_trip().expect("an echo");
    // A lower bound: it is never early, however busy the machine is.
    assert!(begun.elapsed() >= Duration::from_millis(40));
}

#[test]
fn a_black_hole_swallows_one_direction_and_closes_nothing() {
    let echo = Echo::start();
    let proxy = Proxy::start(echo.port);
    let mut client = Client::connect(&proxy);
    proxy.set(|faults| faults.blackhole_requests = true);
    client.send();
    assert!(client.hears_nothing());
    assert_eq!(echo.heard(), 0);
    proxy.heal();
    client.receive().expect("it arrives in the end");

    proxy.set(|faults| faults.blackhole_answers = true);
    client.send();
    wait::until("the server to hear it", || echo.heard() == 2);
    assert!(client.hears_nothing());
    proxy.heal();
    client.receive().expect("it arrives in the end");
}

#[test]
fn refusing_resets_old_and_new_connections() {
    let echo = Echo::start();
    let proxy = Proxy::start(echo.port);
    let mut old = Client::connect(&proxy);
    old.round_trip().expect("an echo");
    proxy.set(|faults| faults.refuse = true);
    assert!(is_cut(old.receive()));
    let refused = match TcpStream::connect(("127.0.0.1", proxy.port())) {
        Err(_) => true,
        Ok(stream) => is_cut(Client(stream).round_trip()),
    };
    assert!(refused);
    proxy.heal();
    Client::connect(&proxy).round_trip().expect("an echo");
}

#[test]
fn a_reset_ends_what_exists_and_nothing_else() {
    let echo = Echo::start();
    let proxy = Proxy::start(echo.port);
    let mut old = Client::connect(&proxy);
    old.round_trip().expect("an echo");
    proxy.reset();
    let error = old.receive().expect_err("the connection is gone");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    Client::connect(&proxy).round_trip().expect("an echo");
}

#[test]
fn a_cut_before_a_message_keeps_it_from_the_server() {
    let echo = Echo::start();
    let proxy = Proxy::start(echo.port);
    let mut client = Client::connect(&proxy);
    client.round_trip().expect("an echo");
    proxy.cut_at(2, Cut::Before);
    client.round_trip().expect("the first from now");
    client.send();
    assert!(is_cut(client.receive()));
    assert_eq!((echo.heard(), proxy.cuts()), (2, 1));
    Client::connect(&proxy).round_trip().expect("cut only once");
}

#[test]
fn a_cut_after_a_message_lets_the_server_act() {
    let echo = Echo::start();
    let proxy = Proxy::start(echo.port);
    let mut client = Client::connect(&proxy);
    proxy.cut_at(1, Cut::After);
    client.send();
    assert!(is_cut(client.receive()));
    assert_eq!((echo.heard(), proxy.cuts()), (1, 1));
}

#[test]
fn a_cut_that_was_dropped_does_not_happen() {
    let echo = Echo::start();
    let proxy = Proxy::start(echo.port);
    proxy.cut_at(1, Cut::Before);
    proxy.cut_nothing();
    Client::connect(&proxy).round_trip().expect("an echo");
    assert_eq!(proxy.cuts(), 0);
}

#[test]
fn the_first_message_with_a_content_is_held_alone_until_everything_stands_still() {
    let echo = Echo::start();
    let proxy = Proxy::start(echo.port);
    let (mut client, mut others) = (Client::connect(&proxy), Client::connect(&proxy));
    proxy.hold_at_content("y");
    client.round_trip().expect("an echo of another message");
    assert!(!proxy.holds());
    client.0.write_all(b"y").expect("the kernel takes it");
    wait::until("it to be held", || proxy.holds());
    others.round_trip().expect("an echo");
    assert!(!proxy.is_frozen());
    proxy.freeze(Freeze::Before);
    wait::until("it to stand still", || proxy.is_frozen());
    assert!(client.hears_nothing());
    assert_eq!(echo.heard(), 2);
}

#[test]
fn everything_stands_still_at_a_message_until_it_is_dropped() {
    let echo = Echo::start();
    for (moment, heard) in Freeze::ALL.into_iter().zip([1, 1, 2]) {
        let before = echo.heard();
        let proxy = Proxy::start(echo.port);
        let mut others = Client::connect(&proxy);
        others.round_trip().expect("an echo");
        let mut client = Client::connect(&proxy);
        proxy.freeze_at(1, moment);
        client.send();
        wait::until("it to stand still", || proxy.is_frozen());
        others.send();
        assert!(
            client.hears_nothing() && others.hears_nothing(),
            "{moment:?}"
        );
        assert_eq!(echo.heard() - before, heard, "{moment:?}");
        proxy.reset();
        assert!(is_cut(client.receive()) && is_cut(others.receive()));
        assert_eq!(echo.heard() - before, heard, "{moment:?}");
    }
}
