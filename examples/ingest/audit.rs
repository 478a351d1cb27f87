//! Whether the four stores hold the same documents.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::IngestError;
use crate::library::Library;
use crate::stores::{Backend, Cache, Entries, Graph, Index, Rows};

/// What is in each store.
#[derive(Debug)]
pub struct Audit {
    stores: [(&'static str, Entries); 4],
}

/// A document on which the stores disagree.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// The document.
    pub id: String,
    /// For every content hash, the stores that have it.
    pub found: BTreeMap<String, Vec<&'static str>>,
    /// The stores that do not have the document.
    pub missing: Vec<&'static str>,
}

/// Reads all four stores. Only what they hold while nothing is being ingested can agree.
///
/// # Errors
/// When a store fails.
pub async fn audit(library: &Library) -> Result<Audit, IngestError> {
    let stores = [
        (Rows::NAME, library.rows.entries().await?),
        (Index::NAME, library.index.entries().await?),
        (Graph::NAME, library.graph.entries().await?),
        (Cache::NAME, library.cache.entries().await?),
    ];
    Ok(Audit { stores })
}

impl Audit {
    /// How many documents each store holds.
    pub fn counts(&self) -> [(&'static str, usize); 4] {
        self.stores
            .each_ref()
            .map(|(name, entries)| (*name, entries.len()))
    }

    /// The documents that are not in every store, or not with the same content.
    pub fn differences(&self) -> Vec<Difference> {
        let ids: BTreeSet<&String> = self
            .stores
            .iter()
            .flat_map(|(_, entries)| entries.keys())
            .collect();
        let differences = ids.into_iter().map(|id| self.compare(id));
        let differs = |one: &Difference| one.found.len() > 1 || !one.missing.is_empty();
        differences.filter(differs).collect()
    }

    fn compare(&self, id: &str) -> Difference {
        let mut difference = Difference {
            id: id.to_owned(),
            found: BTreeMap::new(),
            missing: Vec::new(),
        };
        for (name, entries) in &self.stores {
            match entries.get(id) {
                Some(hash) => difference.found.entry(hash.clone()).or_default().push(name),
                None => difference.missing.push(name),
            }
        }
        difference
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id)?;
        for (hash, stores) in &self.found {
            write!(f, "; in {}", stores.join(", "))?;
            if self.found.len() > 1 {
                write!(f, " with content {hash}")?;
            }
        }
        if !self.missing.is_empty() {
            write!(f, "; not in {}", self.missing.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(entries: &[(&str, &str)]) -> Entries {
        let owned = |(id, hash): &(&str, &str)| ((*id).to_owned(), (*hash).to_owned());
        entries.iter().map(owned).collect()
    }

    #[test]
    fn every_difference_is_named() {
        let audit = Audit {
            stores: [
                ("rows", entries(&[("a", "1"), ("b", "2"), ("c", "3")])),
                ("index", entries(&[("a", "1"), ("b", "2"), ("c", "4")])),
                ("graph", entries(&[("a", "1"), ("c", "3")])),
                ("cache", entries(&[("a", "1"), ("c", "3")])),
            ],
        };
        let texts: Vec<_> = audit
            .differences()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            texts,
            [
                "b; in rows, index; not in graph, cache",
                "c; in rows, graph, cache with content 3; in index with content 4",
            ]
        );
        assert_eq!(
            audit.counts(),
            [("rows", 3), ("index", 3), ("graph", 2), ("cache", 2)]
        );
    }
}
