#[timeout(15s)]
#[retry]
#[timeout(2s)]
async fn fetch(source: &Source, request: Request) -> Result<Page, FetchError> {
    source.get(request).await
}
