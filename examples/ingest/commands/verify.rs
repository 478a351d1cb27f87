//! `ingest verify`: whether the four stores hold the same documents.

use std::path::Path;

use super::{Verdict, shown};
use crate::audit::{Audit, audit};
use crate::error::StartError;
use crate::library::Library;
use crate::report;
use crate::runtime::{self, Servers};
use crate::terminal::{Paint, say};
use resilience::StoreError;

/// Compares the stores by ids and content hashes, and asks the runtime what is unfinished.
///
/// # Errors
/// When a store cannot be opened or read.
pub async fn run(servers: &Servers, data: &Path) -> Result<Verdict, StartError> {
    let library = Library::open_existing(data).await?;
    let runtime = runtime::inspect(servers, data).await?;
    let unreadable = |error: StoreError| StartError(error.to_string());
    let counts = runtime::unfinished_and_dead(&runtime).await;
    let (unfinished, dead) = counts.map_err(unreadable)?;
    let half_way = runtime::half_way(&runtime).await.map_err(unreadable)?;
    runtime.shutdown().await;

    let paint = Paint::for_stdout();
    let agree = say_differences(&library, &audit(&library).await?, paint).await?;
    let superseding = library.rows.superseding().await?;
    for row in &superseding {
        say(&paint.bad(&format!(
            "  {} has older versions that are not deleted yet; the next `ingest` deletes them",
            shown(&row.document.path)
        )));
    }
    for (document, steps) in half_way {
        let path = shown(&document.path);
        say(&paint.bad(&format!(
            "  {path} is half-way: {steps} of its steps are done"
        )));
    }
    if unfinished > 0 {
        let text = "documents are half-way; the next `ingest` finishes them";
        say(&paint.bad(&format!("  {unfinished} {text}")));
    }
    if dead > 0 {
        let text = "documents are in the dead letter queue; see `ingest dlq list`";
        say(&paint.bad(&format!("  {dead} {text}")));
    }
    let well = agree && superseding.is_empty() && unfinished == 0 && dead == 0;
    Ok(Verdict::all_is_well(well))
}

/// Prints the counts, and every document on which the stores disagree. Whether there is none.
///
/// # Errors
/// When a store cannot be read.
pub async fn say_differences(
    library: &Library,
    audit: &Audit,
    paint: Paint,
) -> Result<bool, StartError> {
    let differences = audit.differences();
    say(&report::stores(audit, differences.is_empty(), paint));
    for difference in &differences {
        let row = library.rows.get(&difference.id).await?;
        let path = row.map_or("?".to_owned(), |row| shown(&row.document.path));
        say(&paint.bad(&format!("  {path}: {difference}")));
    }
    Ok(differences.is_empty())
}
