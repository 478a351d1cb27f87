//! Many contenders, and faults at random: never two holders, tokens only grow, everybody gets the lock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use resilience_runtime::lock::store::{FencingToken, LockStore, Nonce};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::cluster::{KEY, LEASE, Mode, lock_since, process_with_clock, servers};

/// What happens to a server: after so many milliseconds it is so for so many.
#[derive(Debug, Clone)]
struct Fault {
    server: usize,
    after: u64,
    mode: Mode,
    lasts: u64,
}

/// How a contender holds the lock.
#[derive(Debug, Clone)]
struct Holding {
    pause: u64,
    millis: u64,
    /// It never gives the lock back: its process is killed.
    is_killed: bool,
}

fn fault() -> impl Strategy<Value = Fault> {
    let modes = prop_oneof![Just(Mode::Down), Just(Mode::Hangs), Just(Mode::Mute)];
    (0..5_usize, 0..15_000_u64, modes, 1..5_000_u64).prop_map(|(server, after, mode, lasts)| {
        Fault {
            server,
            after,
            mode,
            lasts,
        }
    })
}

fn holding() -> impl Strategy<Value = Holding> {
    (0..2_000_u64, 0..500_u64, prop::bool::weighted(0.1)).prop_map(|(pause, millis, is_killed)| {
        Holding {
            pause,
            millis,
            is_killed,
        }
    })
}

#[derive(Default)]
struct Seen {
    /// Up to when the last holder may act.
    until: Option<Instant>,
    token: Option<FencingToken>,
}

impl Seen {
    fn enter(&mut self, until: Instant, token: FencingToken) {
        let before = self.until.replace(until);
        assert!(
            before.is_none_or(|before| before <= Instant::now()),
            "two holders"
        );
        assert!(Some(token) > self.token, "{token} after {:?}", self.token);
        self.token = Some(token);
    }
}

async fn contend(faults: Vec<Fault>, contenders: Vec<Vec<Holding>>, latencies: Vec<u64>) {
    let servers = servers(5);
    for (server, latency) in servers.iter().zip(latencies) {
        server.latency(Duration::from_millis(latency));
    }
    for fault in faults {
        let server = Arc::clone(&servers[fault.server]);
        tokio::spawn(async move {
            sleep(Duration::from_millis(fault.after)).await;
            server.is(fault.mode);
            sleep(Duration::from_millis(fault.lasts)).await;
            server.is(Mode::Well);
        });
    }
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut tasks = JoinSet::new();
    for (number, holdings) in (0_u32..).zip(contenders) {
        // Their clocks are minutes apart.
        let redlock = process_with_clock(&servers, Duration::from_secs(60) * number);
        let seen = Arc::clone(&seen);
        tasks.spawn(async move {
            for holding in holdings {
                sleep(Duration::from_millis(holding.pause)).await;
                let nonce = Nonce::random();
                let (token, asked) = lock_since(&redlock, nonce).await;
                let ends = match holding.is_killed {
                    // Stopped rather: it may go on for as long as it can rely on its lease.
                    true => asked + LEASE.mul_f64(0.99) - Duration::from_millis(2),
                    false => Instant::now() + Duration::from_millis(holding.millis),
                };
                seen.lock().unwrap().enter(ends, token);
                sleep(Duration::from_millis(holding.millis)).await;
                if !holding.is_killed {
                    let _ = redlock.release(KEY, nonce).await;
                }
            }
        });
    }
    let all = timeout(30 * LEASE, tasks.join_all());
    assert!(all.await.is_ok(), "somebody waits for ever");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn never_two_holders_and_no_token_twice(
        faults in prop::collection::vec(fault(), 0..12),
        contenders in prop::collection::vec(prop::collection::vec(holding(), 1..6), 1..6),
        latencies in prop::collection::vec(0..20_u64, 5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(contend(faults, contenders, latencies));
    }
}
