//! A connection pooler in transaction mode: a few sessions of the server, each given to another client after every
//! transaction.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::store::risk::{Accepted, Risk, Unopened};

use super::fixture::Fixture;
use super::records::Caller;
use super::{accepted, database, port_of};

/// Which session comes next.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Next {
    LastUsed,
    InTurn,
}

/// Its sessions end with it.
struct Pooler {
    port: u16,
    sessions: Arc<Sessions>,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        *self.sessions.free() = None;
    }
}

struct Sessions {
    target: u16,
    next: Next,
    free: Mutex<Option<VecDeque<TcpStream>>>,
}

impl Pooler {
    fn start(target: u16, next: Next) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let sessions = Arc::new(Sessions {
            target,
            next,
            free: Mutex::new(Some(VecDeque::new())),
        });
        let of_thread = Arc::clone(&sessions);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let sessions = Arc::clone(&of_thread);
                std::thread::spawn(move || serve(client, &sessions));
            }
        });
        Self { port, sessions }
    }

    fn in_front_of(&self, url: &str) -> String {
        url.replace(&format!(":{}/", port_of(url)), &format!(":{}/", self.port))
    }
}

impl Sessions {
    fn free(&self) -> MutexGuard<'_, Option<VecDeque<TcpStream>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, greeting: &[u8]) -> Option<TcpStream> {
        let found = {
            let mut free = self.free();
            let free = free.as_mut()?;
            match self.next {
                Next::LastUsed => free.pop_back(),
                // There are always two to take turns.
                Next::InTurn if free.len() < 2 => None,
                Next::InTurn => free.pop_front(),
            }
        };
        found.or_else(|| Some(self.connect(greeting)?.0))
    }

    fn put(&self, session: TcpStream) {
        if let Some(free) = self.free().as_mut() {
            free.push_back(session);
        }
    }

    /// A new session, and what the server said to it.
    fn connect(&self, greeting: &[u8]) -> Option<(TcpStream, Vec<u8>)> {
        let mut session = TcpStream::connect(("127.0.0.1", self.target)).ok()?;
        session.set_nodelay(true).ok()?;
        session.write_all(greeting).ok()?;
        let mut said = Vec::new();
        loop {
            let message = message(&mut session)?;
            said.extend_from_slice(&message);
            match message[0] {
                b'Z' => return Some((session, said)),
                b'E' => return None,
                _ => {}
            }
        }
    }
}

/// Until the client goes away.
fn serve(mut client: TcpStream, sessions: &Sessions) -> Option<()> {
    client.set_nodelay(true).ok()?;
    let mut greeting = startup(&mut client)?;
    if greeting[4..8] == 80_877_103_u32.to_be_bytes() {
        client.write_all(b"N").ok()?;
        greeting = startup(&mut client)?;
    }
    let (session, said) = sessions.connect(&greeting)?;
    sessions.put(session);
    client.write_all(&said).ok()?;
    loop {
        let mut asked = message(&mut client)?;
        let mut session = sessions.take(&greeting)?;
        // Until the transaction is over.
        loop {
            while !matches!(asked[0], b'Q' | b'S') {
                if asked[0] == b'X' {
                    sessions.put(session);
                    return None;
                }
                session.write_all(&asked).ok()?;
                asked = message(&mut client)?;
            }
            session.write_all(&asked).ok()?;
            let ready = loop {
                let answer = message(&mut session)?;
                if answer[0] == b'Z' {
                    break answer;
                }
                client.write_all(&answer).ok()?;
            };
            if ready[5] == b'I' {
                // Free before the client knows, which may be faster than this thread.
                sessions.put(session);
                client.write_all(&ready).ok()?;
                break;
            }
            client.write_all(&ready).ok()?;
            asked = message(&mut client)?;
        }
    }
}

fn startup(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut message = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()?];
    message[..4].copy_from_slice(&length);
    stream.read_exact(&mut message[4..]).ok()?;
    Some(message)
}

fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut kind = [0];
    stream.read_exact(&mut kind).ok()?;
    let rest = startup(stream)?;
    Some([&kind, rest.as_slice()].concat())
}

pub(super) struct Pooled {
    url: String,
    _pooler: Pooler,
}

impl Pooled {
    pub(super) fn new(url: &str) -> Self {
        let pooler = Pooler::start(port_of(url), Next::InTurn);
        let url = pooler.in_front_of(url);
        Self {
            url,
            _pooler: pooler,
        }
    }
}

impl Fixture for Pooled {
    type Store = PostgresStore;

    async fn worker(&self) -> PostgresStore {
        let accepted = Accepted::only(&[Risk::NotDurable, Risk::TransactionPooler]);
        PostgresStore::open(&self.url, &accepted).await.unwrap()
    }

    async fn end(&self, store: PostgresStore) {
        store.close().await;
    }
}

#[tokio::test]
async fn a_pooler_is_noticed_and_refused() {
    let Some(url) = database() else { return };
    for next in [Next::LastUsed, Next::InTurn] {
        let pooler = Pooler::start(port_of(&url), next);
        for _ in 0..4 {
            match PostgresStore::open(&pooler.in_front_of(&url), &accepted()).await {
                Err(Unopened::Risky { risk, .. }) => assert_eq!(risk, Risk::TransactionPooler),
                other => panic!("{next:?}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn where_nobody_can_be_woken_who_waits_asks_again() {
    let Some(url) = database() else { return };
    let pooled = Pooled::new(&url);
    let store = pooled.worker().await;
    let caller = Caller::of(1);
    caller.granted(&store).await;
    let began = Instant::now();
    let busy = caller.another().busy(&store).await;
    assert_eq!(busy.woken.await, None);
    assert!(began.elapsed() >= Duration::from_millis(50));
}
