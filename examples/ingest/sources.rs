//! The texts of documents that are in work.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::document::Document;
use crate::error::IngestError;
use crate::read::{self, Content, InputError, Source};

/// Where steps get the text of a document from: from memory while its ingestion runs in this
/// process, from the file when the ingestion was resumed.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    held: Arc<Mutex<HashMap<String, Arc<Content>>>>,
}

/// Keeps a text in memory until it is dropped.
#[derive(Debug)]
pub struct Held {
    sources: Sources,
    id: String,
}

impl Sources {
    /// Reads a file, away from the threads that serve tasks.
    ///
    /// # Errors
    /// When it is not a document, and why.
    pub async fn load(&self, path: &Path) -> Result<Source, InputError> {
        let path = path.to_owned();
        let reading = tokio::task::spawn_blocking(move || read::read(&path));
        let stopped = |error| InputError::Unreadable(std::io::Error::other(error));
        reading.await.map_err(stopped)?
    }

    /// Keeps the text of `document` in memory.
    pub fn hold(&self, document: &Document, content: Content) -> Held {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(document.id.clone(), Arc::new(content));
        Held {
            sources: self.clone(),
            id: document.id.clone(),
        }
    }

    /// The text of `document`.
    ///
    /// # Errors
    /// [`IngestError::Source`] when it is not in memory, and its file has changed or is gone.
    pub async fn read(&self, document: &Document) -> Result<Arc<Content>, IngestError> {
        if let Some(content) = self.held(&document.id) {
            return Ok(content);
        }
        let refused = |why: String| IngestError::Source {
            path: document.path.clone(),
            why,
        };
        let source = self.load(&PathBuf::from(&document.path)).await;
        let source = source.map_err(|error| refused(format!("was there, and now {error}")))?;
        if source.hash == document.hash {
            Ok(Arc::new(source.content))
        } else {
            let changed = "has changed since its ingestion began; ingest it again";
            Err(refused(changed.to_owned()))
        }
    }

    fn held(&self, id: &str) -> Option<Arc<Content>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(id).cloned()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let held = &self.sources.held;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_changed_is_refused_unless_its_text_is_held() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.md");
        std::fs::write(&path, "# One").unwrap();
        let sources = Sources::default();
        let Source {
            path: name,
            hash,
            bytes,
            content,
        } = sources.load(&path).await.unwrap();
        let document = Document::version(&name, &hash, bytes, None);
        assert_eq!(sources.read(&document).await.unwrap().title, "One");

        std::fs::write(&path, "# Two").unwrap();
        let held = sources.hold(&document, content);
        assert_eq!(sources.read(&document).await.unwrap().title, "One");
        drop(held);
        let error = sources.read(&document).await.unwrap_err().to_string();
        assert!(error.ends_with("has changed since its ingestion began; ingest it again"));

        std::fs::remove_file(&path).unwrap();
        let error = sources.read(&document).await.unwrap_err().to_string();
        assert!(
            error.contains("was there, and now cannot be read: "),
            "{error}"
        );
    }
}
