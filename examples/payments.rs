//! A web service whose `POST /charges` can be sent again safely: the client names the operation with an
//! `Idempotency-Key` header, and the answers are those that the IETF draft of the header asks for.
//!
//! | the request | the answer |
//! |---|---|
//! | without a key | 400 |
//! | the first with its key | 201, or 402 when the card is declined |
//! | the same again, later | the same, marked `Idempotency-Replayed: true` |
//! | the same again, while the first one runs | 409 with `Retry-After` |
//! | another one with a used key | 422 |
//! | the store is down | 503: nothing was charged |
//!
//! ```text
//! cargo run --example payments                          plays the requests above against itself
//! cargo run --example payments -- 127.0.0.1:8080        serves
//! curl -i localhost:8080/charges -H 'Idempotency-Key: "8e03978e"' -d '{"card":"4242","cents":1250}'
//! ```

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use resilience::{Error, Runtime, idempotent};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Serialize, Deserialize)]
struct Charge {
    card: String,
    cents: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    number: u32,
    cents: u64,
}

/// Stored where it is final, so that it is `Serialize` too.
#[derive(Debug, Serialize, Deserialize)]
enum ChargeError {
    Declined,
    /// Never stored: it says what became of one call, not of the operation.
    #[serde(skip)]
    Resilience(Error),
}

impl From<Error> for ChargeError {
    fn from(error: Error) -> Self {
        Self::Resilience(error)
    }
}

/// The one line. A key belongs to an account: two accounts may use the same one. The first request with it binds
/// its arguments. A declined card stays declined; any other failure leaves the key free. A client that hangs up does
/// not stop what it has begun (`detach`): its next try finds the receipt.
#[idempotent(
    key = key,
    scope = account,
    ttl = 24h,
    wait = 0s,
    store_errors = ChargeError::Declined,
    detach
)]
async fn charge(
    #[state] bank: Bank,
    account: String,
    key: Option<String>,
    charge: Charge,
) -> Result<Receipt, ChargeError> {
    bank.withdraw(charge).await
}

/// `POST /charges`
async fn post_charge(State(bank): State<Bank>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice(&body) else {
        return (StatusCode::BAD_REQUEST, "the body is not a charge\n").into_response();
    };
    // A service would have authenticated it.
    let account = text(&headers, "x-account").unwrap_or("demo").to_owned();
    let key = text(&headers, "idempotency-key")
        .map(unquoted)
        .map(str::to_owned);
    let answer = charge(bank, account, key, request).await;
    let replayed = resilience::replayed();
    let mut response = match answer {
        Ok(receipt) => json(StatusCode::CREATED, &receipt),
        Err(error) => refusal(&error),
    };
    if replayed {
        let headers = response.headers_mut();
        headers.insert(
            "idempotency-replayed",
            header::HeaderValue::from_static("true"),
        );
    }
    response
}

/// What the draft says about each failure. The text says what happened and what to do.
fn refusal(error: &ChargeError) -> Response {
    let ChargeError::Resilience(error) = error else {
        return (StatusCode::PAYMENT_REQUIRED, "the card was declined\n").into_response();
    };
    let status = match error {
        Error::KeyMissing { .. } => StatusCode::BAD_REQUEST,
        Error::InProgress { .. } => StatusCode::CONFLICT,
        Error::KeyReused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Store { .. } | Error::ShuttingDown { .. } => StatusCode::SERVICE_UNAVAILABLE,
        // It ran and its result is gone, or the like: a new request would not help.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = (status, format!("{error}\n")).into_response();
    if status == StatusCode::CONFLICT {
        // By then the other one has ended, or its lease has.
        let after = error.retry_after().unwrap_or(Duration::from_secs(1));
        let seconds = header::HeaderValue::from(after.as_secs() + 1);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => (status, [(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The draft has the key in quotes; most clients leave them out.
fn unquoted(key: &str) -> &str {
    let inner = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
    inner.unwrap_or(key)
}

/// Stands for the bank: it is slow, and remembers what it did.
#[derive(Clone, Default)]
struct Bank {
    withdrawals: std::sync::Arc<std::sync::atomic::AtomicU32>,
}

impl Bank {
    async fn withdraw(&self, charge: Charge) -> Result<Receipt, ChargeError> {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if charge.card == "0000" {
            return Err(ChargeError::Declined);
        }
        let before = self
            .withdrawals
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(Receipt {
            number: before + 1,
            cents: charge.cents,
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    // A service gives a file, or `postgres://…`: then a restart forgets nothing.
    let runtime = Runtime::open("memory:").await?;
    let bank = Bank::default();
    let app = Router::new()
        .route("/charges", post(post_charge))
        .with_state(bank.clone());
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let local = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    if address.is_some() {
        println!("serving http://{local}/charges");
        tokio::signal::ctrl_c().await?;
    } else {
        play(local, &bank).await?;
    }
    server.abort();
    runtime.shutdown().await;
    Ok(())
}

/// The requests of the table, in its order.
async fn play(server: std::net::SocketAddr, bank: &Bank) -> Result<(), Box<dyn std::error::Error>> {
    const CHARGE: &str = r#"{"card":"4242","cents":1250}"#;
    const OTHER: &str = r#"{"card":"4242","cents":999900}"#;
    const DECLINED: &str = r#"{"card":"0000","cents":1250}"#;
    let expect = |what: &str, answer: &str, status: u16, replayed: bool| {
        let head = answer.split("\r\n\r\n").next().unwrap_or_default();
        println!("{what}\n    {}", answer.replace("\r\n", "\n    "));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{what}");
        assert_eq!(
            head.contains("idempotency-replayed: true"),
            replayed,
            "{what}"
        );
    };
    expect("no key", &send(server, None, CHARGE).await?, 400, false);
    let (first, second) = tokio::join!(send(server, Some("k1"), CHARGE), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        send(server, Some("k1"), CHARGE).await
    });
    expect("the first", &first?, 201, false);
    expect("the same, while the first ran", &second?, 409, false);
    expect(
        "the same, later",
        &send(server, Some("k1"), CHARGE).await?,
        201,
        true,
    );
    expect(
        "a used key",
        &send(server, Some("k1"), OTHER).await?,
        422,
        false,
    );
    expect(
        "declined",
        &send(server, Some("k2"), DECLINED).await?,
        402,
        false,
    );
    expect(
        "declined, again",
        &send(server, Some("k2"), DECLINED).await?,
        402,
        true,
    );
    let withdrawals = bank.withdrawals.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(withdrawals, 1);
    println!("withdrawals: {withdrawals}");
    Ok(())
}

/// One request; the whole answer.
async fn send(
    server: std::net::SocketAddr,
    key: Option<&str>,
    body: &str,
) -> std::io::Result<String> {
    let key = key.map_or(String::new(), |key| {
        format!("idempotency-key: \"{key}\"\r\n")
    });
    let length = body.len();
    let request = format!(
        "POST /charges HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n{key}content-length: {length}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
