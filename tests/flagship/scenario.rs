//! The twenty operations: ten documents, one document five times, and five versions of one file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::intake::{Outcome, take_in};
use crate::library::Library;
use crate::read::InputError;

/// How many of the operations are about documents of their own.
pub(crate) const DISTINCT: usize = 10;
/// How many ingest one and the same file.
pub(crate) const DUPLICATES: usize = 5;
/// How many write one and the same file anew.
pub(crate) const WRITES: usize = 5;
/// How many documents there are at the end.
pub(crate) const DOCUMENTS: usize = DISTINCT + 2;

/// What kind of operation one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Distinct,
    Duplicate,
    Write,
}

/// One operation: a file to ingest, and perhaps what to write into it before.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) kind: Kind,
    pub(crate) file: PathBuf,
    content: Option<String>,
    number: usize,
}

impl Operation {
    /// Does it. A file changes at once, so that nobody reads half of a version.
    pub(crate) async fn perform(&self, library: &Library) -> Outcome {
        if let Some(content) = &self.content {
            let aside = self.file.with_extension(format!("{}.aside", self.number));
            let replaced = fs::write(&aside, content).and_then(|()| fs::rename(&aside, &self.file));
            if let Err(error) = replaced {
                return Outcome::BadInput(InputError::Unreadable(error));
            }
        }
        take_in(library, &self.file).await
    }
}

/// The twenty operations, on files below `folder`, in an order that mixes the kinds.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn operations(folder: &Path) -> io::Result<Vec<Operation>> {
    fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let mut operations = Vec::new();
    for number in 0..DISTINCT {
        let file = folder.join(format!("{number}.md"));
        fs::write(&file, text(number, 0))?;
        operations.push(Operation {
            kind: Kind::Distinct,
            file,
            content: None,
            number,
        });
    }
    let file = folder.join("clicked.md");
    fs::write(&file, text(DISTINCT, 0))?;
    for number in 0..DUPLICATES {
        operations.insert(
            3 * number,
            Operation {
                kind: Kind::Duplicate,
                file: file.clone(),
                content: None,
                number,
            },
        );
    }
    for number in 0..WRITES {
        operations.insert(
            4 * number,
            Operation {
                kind: Kind::Write,
                file: folder.join("written.md"),
                content: Some(text(DISTINCT + 1, number)),
                number,
            },
        );
    }
    Ok(operations)
}

/// Does all operations at the same time. Answers with how each ended.
///
/// # Panics
/// When one does.
pub(crate) async fn at_once(
    library: &Library,
    operations: &[Operation],
) -> Vec<(Operation, Outcome)> {
    let start = Arc::new(Barrier::new(operations.len()));
    let mut tasks = JoinSet::new();
    for operation in operations.iter().cloned() {
        let (library, start) = (library.clone(), Arc::clone(&start));
        tasks.spawn(async move {
            start.wait().await;
            let outcome = operation.perform(&library).await;
            (operation, outcome)
        });
    }
    tasks.join_all().await
}

/// A page of Markdown with links to its neighbours.
fn text(document: usize, version: usize) -> String {
    let mut text = format!("# Page {document}, version {version}\n\n");
    for line in 0..40 {
        let other = (document + line) % DISTINCT;
        text.push_str(&format!(
            "Line {line} of page {document} in version {version}, see [{other}]({other}.md).\n\n"
        ));
    }
    text
}
