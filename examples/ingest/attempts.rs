//! Counting how often stores are called.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How often each store was called for each document that is in work, and how many of all calls
/// were repetitions.
#[derive(Debug, Clone, Default)]
pub struct Attempts(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    by_document: Mutex<HashMap<String, Vec<(&'static str, &'static str)>>>,
    repeated: AtomicU64,
}

impl Attempts {
    /// A call of `store` to do `operation` on the document `id` begins.
    pub fn count(&self, store: &'static str, operation: &'static str, id: &str) {
        let documents = &self.0.by_document;
        let mut documents = documents.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = documents.entry(id.to_owned()).or_default();
        if calls.contains(&(store, operation)) {
            self.0.repeated.fetch_add(1, Ordering::Relaxed);
        } else {
            calls.push((store, operation));
        }
    }

    /// The document `id` is not in work any more. Whether any store was called for it.
    pub fn finish(&self, id: &str) -> bool {
        let documents = &self.0.by_document;
        let mut documents = documents.lock().unwrap_or_else(PoisonError::into_inner);
        documents.remove(id).is_some()
    }

    /// No document is in work any more. How many were.
    pub fn finish_all(&self) -> u64 {
        let documents = &self.0.by_document;
        let mut documents = documents.lock().unwrap_or_else(PoisonError::into_inner);
        documents.drain().count().try_into().unwrap_or(u64::MAX)
    }

    /// How many calls repeated an earlier one.
    pub fn repeated(&self) -> u64 {
        self.0.repeated.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_is_the_same_call_for_the_same_document() {
        let attempts = Attempts::default();
        attempts.count("rows", "insert", "a");
        attempts.count("rows", "insert", "b");
        attempts.count("rows", "delete", "a");
        attempts.count("index", "insert", "a");
        assert_eq!(attempts.repeated(), 0);
        attempts.count("rows", "insert", "a");
        assert_eq!(attempts.repeated(), 1);
        assert!(attempts.finish("a"));
        assert!(!attempts.finish("a"));
    }
}
