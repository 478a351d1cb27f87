//! One at a time, in the order in which they came, over processes.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::invocation::fencing_token;
use resilience_runtime::policy::deadline::with_deadline;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::store::{Asked, WAY};
use crate::{LOCKED, WAIT, call, is_held, lock, one, two};

const WORK: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
async fn n_waiters_in_two_processes_are_served_in_the_order_they_came() {
    let processes = two().await;
    let (order, inside) = (RefCell::new(Vec::new()), Cell::new(0));
    let tokens = RefCell::new(Vec::new());
    let local = tokio::task::LocalSet::new();
    let began = Instant::now();
    local
        .run_until(async {
            let mut calls = Vec::new();
            for number in 0..20 {
                let runtime = &processes[number % 2].1;
                let (order, inside, tokens) = (&order, &inside, &tokens);
                calls.push(Box::pin(async move {
                    sleep(Duration::from_millis(2) * u32::try_from(number).unwrap()).await;
                    let body = async {
                        assert_eq!(inside.replace(1), 0, "two inside");
                        order.borrow_mut().push(number);
                        tokens.borrow_mut().push(fencing_token().unwrap());
                        sleep(WORK).await;
                        inside.set(0);
                        Ok::<_, Error>(7)
                    };
                    let held = LOCKED.hold(LOCKED.key(&7), body, call());
                    runtime.scope(held).await.into_result().unwrap()
                }));
            }
            join_all(calls).await;
        })
        .await;
    assert_eq!(order.into_inner(), (0..20).collect::<Vec<_>>());
    assert!(tokens.borrow().is_sorted_by(|one, next| one < next));
    // Each is woken by the release of the one before it: a question there, an answer back, and
    // nothing of a poll.
    let handover = began.elapsed() - 20 * WORK;
    assert!(handover <= 20 * 3 * WAY + 2 * WAY, "{handover:?}");
    for (store, _) in &processes {
        let Asked {
            acquire,
            renew,
            release,
        } = store.asked();
        // The first one of all is granted at once; the others ask, are woken, and ask again.
        assert!(
            acquire <= 20 && renew == 0 && release == 10,
            "{:?}",
            store.asked()
        );
    }
}

async fn join_all<F: Future>(calls: Vec<std::pin::Pin<Box<F>>>) {
    let mut calls: Vec<_> = calls.into_iter().map(Some).collect();
    std::future::poll_fn(|context| {
        for call in &mut calls {
            if let Some(future) = call
                && future.as_mut().poll(context).is_ready()
            {
                *call = None;
            }
        }
        match calls.iter().all(Option::is_none) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_free_lock_costs_one_question_and_one_release() {
    let (store, runtime) = one().await;
    let held = LOCKED.hold(LOCKED.key(&7), async { Ok::<_, Error>(7) }, call());
    assert_eq!(runtime.scope(held).await.into_result().unwrap(), 7);
    let expected = Asked {
        acquire: 1,
        renew: 0,
        release: 1,
    };
    assert_eq!(store.asked(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_api_and_the_attribute_take_the_same_lock_and_other_keys_another() {
    let [(_, one), (_, other)] = two().await;
    let guard = lock(&one).acquire().await.unwrap();
    assert!(is_held(&other).await);
    assert!(
        other
            .lock("documents", &8)
            .try_acquire()
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        other
            .lock("orders", &7)
            .try_acquire()
            .await
            .unwrap()
            .is_some()
    );
    let whole = other.lock("documents", &()).try_acquire().await.unwrap();
    assert!(whole.is_some());
    let locked = LOCKED.wait(Duration::ZERO);
    let held = locked.hold(locked.key(&7_u8), async { Ok::<_, Error>(7) }, call());
    let refused = other.scope(held).await.into_result().unwrap_err();
    assert!(matches!(refused, Error::LockBusy { .. }), "{refused}");
    let held = locked.hold(locked.whole(), async { Ok::<_, Error>(7) }, call());
    let refused = other.scope(held).await.into_result().unwrap_err();
    assert!(matches!(refused, Error::LockBusy { .. }), "{refused}");
    guard.release().await.unwrap();
    assert!(!is_held(&other).await);
}

#[tokio::test(start_paused = true)]
async fn without_a_wait_it_is_an_error_at_once_with_what_is_left_of_the_lease() {
    let (store, runtime) = one().await;
    let _guard = lock(&runtime).acquire().await.unwrap();
    let began = Instant::now();
    let error = lock(&runtime)
        .wait(Duration::ZERO)
        .acquire()
        .await
        .unwrap_err();
    let took = began.elapsed();
    let Error::LockBusy {
        lock: name,
        waited,
        lease_left,
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!((name.as_str(), *waited), ("documents", took));
    assert!(took <= 2 * WAY + Duration::from_millis(2), "{took:?}");
    let left = lease_left.unwrap();
    assert!(
        left > Duration::from_secs(29) && left < Duration::from_secs(30),
        "{left:?}"
    );
    assert!(error.to_string().contains("with key 7 ("), "{error}");
    assert_eq!(error.effect(), Effect::DidNotRun);
    assert_eq!(error.retry_after(), *lease_left);
    // It never was in the line, and has nothing to give back.
    assert_eq!(
        store.asked(),
        Asked {
            acquire: 2,
            renew: 0,
            release: 0
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_and_leaves_the_line() {
    let (store, runtime) = one().await;
    let guard = lock(&runtime).acquire().await.unwrap();
    let began = Instant::now();
    let first = lock(&runtime).acquire();
    let second = async {
        sleep(Duration::from_secs(1)).await;
        lock(&runtime).wait(Duration::from_secs(60)).acquire().await
    };
    let freed = async {
        sleep(Duration::from_secs(6)).await;
        guard.release().await.unwrap();
        Instant::now()
    };
    let (first, second, freed) = tokio::join!(
        async { (first.await, began.elapsed()) },
        async { (second.await, Instant::now()) },
        freed
    );
    assert!(matches!(first.0, Err(Error::LockBusy { .. })));
    assert!(
        first.1 >= WAIT && first.1 < WAIT + Duration::from_millis(5),
        "{:?}",
        first.1
    );
    // Nobody is before the second one any more when the lock is freed.
    let after = second.1.saturating_duration_since(freed);
    assert!(
        second.0.is_ok() && after < Duration::from_millis(5),
        "{after:?}"
    );
    // Once a second, while it waited, and once when it was woken.
    let Asked { acquire, .. } = store.asked();
    assert!((11..=14).contains(&acquire), "{acquire}");
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_died_is_followed_when_its_lease_is_over() {
    let [(dying, one), (store, other)] = two().await;
    let asked = Instant::now();
    let lease = Duration::from_millis(2_500);
    let guard = lock(&one).lease(lease).acquire().await.unwrap();
    dying.trouble(|it| it.silent_renewals = true);
    // It is neither given back nor renewed from now on.
    std::mem::forget(guard);
    let guard = lock(&other).acquire().await.unwrap();
    let over = asked.elapsed().saturating_sub(lease);
    assert!(over < Duration::from_millis(10), "{over:?}");
    // At once, after one second and two, and when the lease is over.
    assert_eq!(store.asked().acquire, 4);
    assert!(guard.is_valid());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_call_ends_the_wait() {
    let (store, runtime) = one().await;
    let guard = lock(&runtime).acquire().await.unwrap();
    let began = Instant::now();
    let deadline = began + Duration::from_millis(1_200);
    let late = with_deadline(deadline, lock(&runtime).acquire()).await;
    assert_eq!(Instant::now(), deadline);
    let error = late.unwrap_err();
    assert!(
        matches!(
            error,
            Error::DeadlineTooClose {
                left: Duration::ZERO,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.effect(), Effect::DidNotRun);
    drop(guard);
    sleep(Duration::from_millis(10)).await;
    // One that comes after its deadline does not ask.
    let before = store.asked();
    let error = with_deadline(began, lock(&runtime).acquire())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::DeadlineTooClose { .. }), "{error}");
    assert_eq!(store.asked(), before);
    // Neither the one who left nor the question that was not answered has left anything.
    assert!(!is_held(&runtime).await);
    // A question is not waited for beyond the deadline, either.
    let deadline = Instant::now() + WAY;
    let error = with_deadline(deadline, lock(&runtime).acquire())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::DeadlineTooClose { .. }), "{error}");
    sleep(Duration::from_millis(10)).await;
    assert!(!is_held(&runtime).await);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_the_bodies_and_lets_no_new_ones_in() {
    let (_, runtime) = one().await;
    let (started, ended) = (AtomicU32::new(0), AtomicU32::new(0));
    let body = async {
        started.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_secs(3)).await;
        ended.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Error>(7)
    };
    let held = runtime.scope(LOCKED.hold(LOCKED.key(&7), body, call()));
    let shutdown = async {
        sleep(Duration::from_millis(10)).await;
        let report = runtime.shutdown();
        let refused = async {
            sleep(Duration::from_millis(10)).await;
            lock(&runtime).acquire().await
        };
        tokio::join!(report, refused)
    };
    let (answer, (report, refused)) = tokio::join!(held, shutdown);
    assert_eq!(answer.into_result().unwrap(), 7);
    assert_eq!((report.finished, report.left), (1, 0));
    assert!(matches!(refused, Err(Error::ShuttingDown { .. })));
    assert_eq!((started.into_inner(), ended.into_inner()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_runtime_it_says_so() {
    let held = LOCKED.hold(LOCKED.key(&7), pending::<Result<u32, Error>>(), call());
    let error = held.await.into_result().unwrap_err();
    assert!(
        matches!(
            error,
            Error::NoRuntime {
                attribute: "locked",
                ..
            }
        ),
        "{error}"
    );
}

/// On real time: on four threads, never two inside.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_on_four_threads_are_never_two_inside() {
    const TASKS: u64 = 20;
    const EACH: u64 = 100;
    let memory = resilience_runtime::store::memory::MemoryStore::new();
    let mut runtimes = Vec::new();
    for _ in 0..2 {
        let store = Arc::new(memory.another_worker());
        let runtime = resilience_runtime::runtime::Runtime::builder("memory:")
            .locks(store)
            .scoped();
        runtimes.push(runtime.open().await.unwrap());
    }
    let inside: Arc<[AtomicU32; 4]> = Arc::default();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let runtime = runtimes[usize::try_from(task % 2).unwrap()].clone();
        let inside = Arc::clone(&inside);
        tasks.spawn(async move {
            let mut greatest = [0; 4];
            for round in 0..EACH {
                let key = usize::try_from((task + round) % 4).unwrap();
                let request = runtime.lock("stress", &key).wait(Duration::from_secs(60));
                let guard = request.acquire().await.unwrap();
                assert_eq!(inside[key].fetch_add(1, Ordering::SeqCst), 0, "two inside");
                assert!(guard.token().as_u64() > greatest[key]);
                greatest[key] = guard.token().as_u64();
                guard.run(tokio::task::yield_now()).await.unwrap();
                inside[key].fetch_sub(1, Ordering::SeqCst);
                // Half of them only drop it.
                if round % 2 == 0 {
                    guard.release().await.unwrap();
                }
            }
        });
    }
    let done = tasks.join_all().await.len();
    assert_eq!(done as u64 * EACH, 2_000);
}
