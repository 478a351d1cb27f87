#[retry]
#[locked(name = "documents", key = (tenant, document.id), lease = 10s, wait = 2s, replicas = 1)]
async fn index(tenant: &str, document: Document) -> Result<u32, IndexError> {
    write(tenant, document).await
}
