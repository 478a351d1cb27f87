//! `ingest search`: the index finds, the rows name, the cache shows.

use std::path::Path;

use super::{Verdict, shown};
use crate::chaos::Chaos;
use crate::error::StartError;
use crate::library::check_exists;
use crate::stores::{Cache, Common, Hit, Index, Rows, Store};
use crate::terminal::{Paint, say};

/// Prints the documents that have all `words`. Finding none is exit status 1, as with `grep`.
///
/// # Errors
/// When a store cannot be opened or read.
pub async fn run(data: &Path, words: &[String], limit: u32) -> Result<Verdict, StartError> {
    check_exists(data)?;
    // Not the graph: it is closed to others while an ingestion runs, and is not needed here.
    let common = Common::new(data, Chaos::none());
    let rows: Store<Rows> = Store::open(data, common.clone()).await?;
    let index: Store<Index> = Store::open(data, common.clone()).await?;
    let cache: Store<Cache> = Store::open(data, common).await?;

    let paint = Paint::for_stdout();
    let hits = index.search(words, limit).await?;
    for hit in &hits {
        let Some(row) = rows.get(&hit.id).await? else {
            say(&paint.bad(&format!("{}: in the index, and not in the rows", hit.id)));
            continue;
        };
        say(&format!(
            "{}  {}",
            paint.bold(&shown(&row.document.path)),
            paint.dim(&format!(
                "{}, {}, {} words",
                row.title, row.media_type, row.words
            ))
        ));
        say(&format!("    {}", marked(&hit.passage, paint)));
        let summary = cache.summary(&hit.id).await?.unwrap_or_default();
        for line in summary.lines().skip(1).take(2) {
            say(&paint.dim(&format!("    | {line}")));
        }
    }
    if hits.is_empty() {
        say("no document has all these words");
    }
    Ok(Verdict::all_is_well(!hits.is_empty()))
}

/// On one line, with what was searched for in bold.
fn marked(passage: &str, paint: Paint) -> String {
    let passage = passage.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut parts = passage.split(Hit::BEGIN);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| {
        let (word, rest) = part.split_once(Hit::END).unwrap_or(("", part));
        line + &paint.good(word) + rest
    })
}
