#[timeout(1s)]
async fn names(filter: impl Fn(&str) -> bool) -> Result<impl Iterator<Item = String>, ListError> {
    list(filter).await
}
