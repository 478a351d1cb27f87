//! Who is let in, and how it is kept from others.

use std::path::Path;
use std::process::{Command, Stdio};

use resilience_runtime::idempotency::store::{Completion, Release};
use resilience_runtime::runtime::{OpenError, Runtime};
use resilience_runtime::store::redis::RedisStore;
use resilience_runtime::store::risk::Risk;
use resilience_test_support::proxy::Proxy;
use resilience_test_support::server::{Cluster, Persistence, Redis};

use crate::fixture::{AT_LAST, LONG};
use crate::records::Caller;

fn user(redis: &Redis, rights: &[&str]) -> String {
    let mut command = vec!["ACL", "SETUSER", "app", "reset", "on", ">p@ss word"];
    command.extend(rights);
    assert_eq!(redis.ask(&command), "+OK");
    let host = redis.url();
    host.replace("redis://", "redis://app:p%40ss%20word@")
}

/// What the page about Redis says that a user needs.
fn documented() -> Vec<&'static str> {
    let page = include_str!("../../../docs/redis.md");
    let line = page.lines().find(|it| it.starts_with("ACL SETUSER orders"));
    line.unwrap().split(' ').skip(5).collect()
}

/// Everything that a store does.
async fn works(url: &str) {
    let store = RedisStore::connect(url).await.unwrap();
    let caller = Caller::of(1);
    caller.granted(&store).await;
    assert!(caller.renews(&store, LONG).await);
    caller.releases(&store, Release::Failed).await;
    caller.granted(&store).await;
    let busy = caller.another().busy(&store).await;
    assert_eq!(caller.completes(&store, "1").await, Completion::Stored);
    let pushed = tokio::time::timeout(AT_LAST, busy.woken).await.unwrap();
    assert_eq!(pushed, Some(caller.value("1")));
    caller.another().record(&store).await;
    let unused = Caller::of(2);
    unused.granted(&store).await;
    unused.releases(&store, Release::Unused).await;
}

#[tokio::test]
async fn a_user_needs_the_rights_that_are_documented_and_no_others() {
    let redis = Redis::start_with(Persistence::Always, &[]).unwrap();
    let rights = documented();
    let url = user(&redis, &rights);
    works(&url).await;
    let denied = || redis.ask(&["ACL", "LOG"]);
    assert_eq!(denied(), "*0");
    let runtime = Runtime::builder(url).scoped().open().await.unwrap();
    runtime.shutdown().await;
    assert_eq!(denied(), "*0");
    // Each of them is needed, for the work or for the checks.
    for right in &rights {
        let others: Vec<&str> = rights.iter().copied().filter(|it| it != right).collect();
        assert_eq!(redis.ask(&["ACL", "LOG", "RESET"]), "+OK");
        for forgets in [["FLUSHALL", "SYNC"], ["SCRIPT", "FLUSH"]] {
            assert_eq!(redis.ask(&forgets), "+OK");
        }
        let url = user(&redis, &others);
        let _ = tokio::spawn(async move { works(&url).await }).await;
        let url = user(&redis, &others);
        if let Ok(runtime) = Runtime::builder(url).scoped().open().await {
            runtime.shutdown().await;
        }
        assert_ne!(denied(), "*0", "{right} is not needed");
    }
}

#[tokio::test]
async fn another_database_and_a_cluster_need_one_right_more() {
    let redis = Redis::start().unwrap();
    let rights = [&documented()[..], &["+select"]].concat();
    works(&format!("{}3", user(&redis, &rights))).await;
    assert_eq!(redis.ask(&["DBSIZE"]), ":0");

    let cluster = Cluster::start().unwrap();
    let rights = [&documented()[..], &["+cluster|slots"]].concat();
    for node in cluster.nodes() {
        user(node, &rights);
    }
    let url = cluster.url();
    works(&url.replace("://", "://app:p%40ss%20word@")).await;
}

#[tokio::test]
async fn a_user_who_may_not_listen_is_told_at_once() {
    let redis = Redis::start().unwrap();
    let url = user(&redis, &["~*", "+@all", "resetchannels"]);
    let error = RedisStore::connect(&url).await.unwrap_err().to_string();
    assert!(error.contains("subscribing to a channel"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_at_once_and_never_shown() {
    let redis = Redis::start().unwrap();
    user(&redis, &["allkeys", "allchannels", "+@all"]);
    let proxy = Proxy::start(redis.port());
    let url = proxy.in_front_of(&redis.url());
    let url = url.replace("redis://", "redis://app:hunter2@");
    let error = RedisStore::connect(&url).await.unwrap_err();
    // It is not tried again and again.
    assert!(proxy.connections() <= 2, "{}", proxy.connections());
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("authentication") || text.contains("WRONGPASS"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
    let Err(error) = Runtime::builder(url).scoped().open().await else {
        panic!("it opened");
    };
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

async fn refusal(url: &str) -> (Risk, String) {
    match Runtime::builder(url).scoped().open().await {
        Err(error @ OpenError::Risky { risk, .. }) => (risk, error.to_string()),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it opened"),
    }
}

#[tokio::test]
async fn a_server_with_a_risk_is_refused_unless_it_is_accepted() {
    let redis = Redis::start().unwrap();
    let url = redis.url();
    let (risk, text) = refusal(&url).await;
    assert_eq!(risk, Risk::NoPersistence);
    for part in ["CONFIG SET appendonly yes", "accept(Risk::NoPersistence)"] {
        assert!(text.contains(part), "{text}");
    }
    let runtime = Runtime::builder(&url).accept(risk).scoped().open().await;
    runtime.unwrap().shutdown().await;

    // Snapshots will do.
    assert_eq!(redis.ask(&["CONFIG", "SET", "save", "3600 1"]), "+OK");
    let runtime = Runtime::builder(&url).scoped().open().await;
    runtime.unwrap().shutdown().await;

    let policy = ["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"];
    assert_eq!(redis.ask(&policy), "+OK");
    let (risk, text) = refusal(&url).await;
    assert_eq!(risk, Risk::Eviction);
    for part in [
        "`maxmemory-policy allkeys-lru`",
        "CONFIG SET maxmemory-policy noeviction",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let runtime = Runtime::builder(&url).accept(risk).scoped().open().await;
    runtime.unwrap().shutdown().await;
}

#[tokio::test]
async fn settings_that_may_not_be_read_are_a_risk() {
    let redis = Redis::start().unwrap();
    let url = user(
        &redis,
        &["allkeys", "allchannels", "+@all", "-info", "-config"],
    );
    let (risk, text) = refusal(&url).await;
    assert_eq!(risk, Risk::Unknown);
    assert!(text.contains("+info +config|get"), "{text}");
    let runtime = Runtime::builder(url).accept(risk).scoped().open().await;
    runtime.unwrap().shutdown().await;
}

#[tokio::test]
async fn a_runtime_has_its_records_on_redis_and_the_rest_elsewhere() {
    let redis = Redis::start_with(Persistence::Always, &[]).unwrap();
    let runtime = Runtime::builder("memory:").redis(redis.url()).scoped();
    runtime.open().await.unwrap().shutdown().await;
    let error = Runtime::builder("memory:").redis("postgres://u:hunter2@h/db");
    let Err(error) = error.scoped().open().await else {
        panic!("it opened");
    };
    let text = error.to_string();
    assert!(
        text.contains("`postgres:`") && !text.contains("hunter2"),
        "{text}"
    );
}

/// Writes what a server shows of itself, and who vouches for it; false where OpenSSL is not installed.
fn certificates(folder: &Path) -> bool {
    let script = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -keyout ca.key -out ca.pem -subj /CN=authority \
        && openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out request.pem \
        -subj /CN=localhost \
        && printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > names \
        && openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names \
        -out cert.pem";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(folder);
    let ended = shell.stdout(Stdio::null()).stderr(Stdio::null()).status();
    ended.is_ok_and(|status| status.success())
}

#[tokio::test]
async fn an_encrypted_connection_trusts_whom_the_url_names_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    if !certificates(folder.path()) {
        resilience_test_support::server::say("SKIPPED: needs openssl");
        return;
    }
    let file = |name: &str| folder.path().join(name).display().to_string();
    // Free again at the end of the statement.
    let address = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let port = address.unwrap().port().to_string();
    let (certificate, key, authority) = (file("cert.pem"), file("key.pem"), file("ca.pem"));
    let settings = ["--tls-port", &port, "--tls-auth-clients", "no"];
    let files = ["--tls-cert-file", &certificate, "--tls-key-file", &key];
    let trusted = ["--tls-ca-cert-file", &authority];
    let arguments = [&settings[..], &files[..], &trusted[..]].concat();
    let _redis = Redis::start_with(Persistence::None, &arguments).unwrap();

    let url = format!("rediss://localhost:{port}");
    works(&format!("{url}?ca={authority}")).await;
    let error = RedisStore::connect(&url).await.unwrap_err().to_string();
    assert!(error.contains("UnknownIssuer"), "{error}");
}
