#[timeout(10s)]
#[retry]
async fn fetch<'a, T: Source>(source: &'a T, mut request: Request) -> Result<Cow<'a, str>, FetchError> {
    request.sign();
    source.get(request).await
}
