#[retry(max_attempts = MAX, backoff = fixed(PAUSE), jitter = none, retry_on = Error::Reset | Error::Busy, when = |error| error.is_fresh())]
async fn read(buffer: &mut Vec<u8>, n: usize) -> io::Result<usize> {
    source.read(buffer, n).await
}
