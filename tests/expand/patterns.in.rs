#[retry]
async fn show(Path(id): Path<u32>, State(pool): State<Pool>, (mut a, b): (u8, Vec<u8>)) -> Result<Html, AppError> {
    a += 1;
    pool.render(id, a, b).await
}
