//! `ingest links`: the neighbours of a document.

use std::path::Path;

use super::{Verdict, shown};
use crate::error::StartError;
use crate::library::Library;
use crate::stores::Row;
use crate::terminal::{Paint, say};

/// Prints what every document that is called `document` links to, and what links to it.
///
/// # Errors
/// When a store cannot be opened or read.
pub async fn run(data: &Path, document: &Path) -> Result<Verdict, StartError> {
    let library = Library::open_existing(data).await?;
    let rows = find(&library, document).await?;
    let paint = Paint::for_stdout();
    for row in &rows {
        let links = library.graph.links(&row.document).await?;
        say(&format!(
            "{}  {}",
            paint.bold(&shown(&row.document.path)),
            paint.dim(&row.title)
        ));
        for target in &links.outgoing {
            let known = library.rows.current(target).await?.is_some();
            let note = if known { "" } else { "  (not ingested)" };
            say(&format!("  -> {}{}", shown(target), paint.dim(note)));
        }
        for origin in &links.incoming {
            say(&format!("  <- {}", shown(origin)));
        }
        if links.outgoing.is_empty() && links.incoming.is_empty() {
            say(&paint.dim("  no links"));
        }
    }
    if rows.is_empty() {
        say(&format!("no document is called {}", document.display()));
    }
    Ok(Verdict::all_is_well(!rows.is_empty()))
}

/// The document at this path, or else those whose path ends with it.
async fn find(library: &Library, document: &Path) -> Result<Vec<Row>, StartError> {
    if let Some(path) = document
        .canonicalize()
        .ok()
        .as_deref()
        .and_then(Path::to_str)
        && let Some(row) = library.rows.current(path).await?
    {
        return Ok(vec![row]);
    }
    let name = document.to_string_lossy();
    Ok(library.rows.named(name.trim_start_matches("./")).await?)
}
