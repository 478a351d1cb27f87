//! A server that says it is an older one, or has another time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use resilience_runtime::idempotency::store::Completion;
use resilience_runtime::runtime::{OpenError, Runtime};
use resilience_runtime::store::redis::RedisStore;
use resilience_runtime::store::risk::Risk;
use resilience_test_support::server::{Persistence, Redis};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::records::Caller;

#[derive(Clone, Copy, PartialEq)]
enum Lie {
    /// Its version is 6, which does not read the flags of a script.
    Version,
    /// Its clock is two minutes late.
    Clock,
}

/// A proxy in front of `redis`, as a URL. One request at a time is on the way, so that a read is one.
async fn liar(redis: &Redis, lie: Lie) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (target, port) = (redis.port(), listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(lies(client, target, lie));
        }
    });
    format!("redis://127.0.0.1:{port}/")
}

async fn lies(mut client: TcpStream, target: u16, lie: Lie) {
    let mut server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
    let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            Ok(length) = client.read(&mut asked) => {
                let question = &asked[..length];
                let text = String::from_utf8_lossy(question);
                if length == 0 {
                    return;
                } else if lie == Lie::Version && text.contains("EVAL\r\n") && text.contains("#!lua") {
                    let refusal = b"-ERR Error compiling script (new function): user_script:1: unexpected symbol\r\n";
                    client.write_all(refusal).await.unwrap();
                } else if lie == Lie::Clock && text.contains("TIME\r\n") && !text.contains("EVAL") {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                    let late = (now - Duration::from_secs(120)).as_secs();
                    let answer = format!("*2\r\n$10\r\n{late}\r\n$1\r\n0\r\n");
                    client.write_all(answer.as_bytes()).await.unwrap();
                } else {
                    server.write_all(question).await.unwrap();
                }
            }
            Ok(length) = server.read(&mut answered) => {
                if length == 0 {
                    return;
                }
                let answer = String::from_utf8_lossy(&answered[..length]).into_owned();
                // Of one length, which the answer says before it.
                let answer = match lie {
                    Lie::Version => (7..10).fold(answer, |answer, major| {
                        answer.replace(&format!("redis_version:{major}."), "redis_version:6.")
                    }),
                    Lie::Clock => answer,
                };
                client.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    }
}

async fn refusal(url: &str) -> (Risk, String) {
    match Runtime::builder(url).scoped().open().await {
        Err(error @ OpenError::Risky { risk, .. }) => (risk, error.to_string()),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it opened"),
    }
}

#[tokio::test]
async fn an_old_server_is_refused_and_works_where_it_is_accepted() {
    let redis = Redis::start_with(Persistence::Always, &[]).unwrap();
    let url = liar(&redis, Lie::Version).await;
    let (risk, text) = refusal(&url).await;
    assert_eq!(risk, Risk::OldServer);
    assert!(text.contains("is version 6."), "{text}");
    let runtime = Runtime::builder(&url).accept(risk).scoped().open().await;
    runtime.unwrap().shutdown().await;
    let store = RedisStore::connect(&url).await.unwrap();
    let caller = Caller::of(1);
    caller.granted(&store).await;
    assert_eq!(caller.completes(&store, "1").await, Completion::Stored);
    caller.another().record(&store).await;
}

#[tokio::test]
async fn a_server_with_another_time_is_refused() {
    let redis = Redis::start_with(Persistence::Always, &[]).unwrap();
    let url = liar(&redis, Lie::Clock).await;
    let (risk, text) = refusal(&url).await;
    assert_eq!(risk, Risk::Clock);
    assert!(
        text.contains("120 s away") || text.contains("121 s away"),
        "{text}"
    );
    let runtime = Runtime::builder(&url).accept(risk).scoped().open().await;
    runtime.unwrap().shutdown().await;
}
