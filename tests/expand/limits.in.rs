#[rate_limit(name = "api", rate = 100, per = 1s, burst = 20, key = tenant, max_keys = 500)]
#[bulkhead(max_concurrent = 10, max_queue = 20, max_wait = 500ms)]
async fn quote(tenant: &str, order: Order) -> Result<u64, QuoteError> {
    get(tenant, order).await
}
