//! The words of every document, in a full-text index of SQLite.

use std::path::Path;

use sqlx::sqlite::SqlitePool;

use super::sqlite::{open, signed};
use super::{Backend, Entries, Store, Trouble};
use crate::document::Document;
use crate::error::IngestError;
use crate::read::Content;

/// The full-text index.
#[derive(Debug)]
pub struct Index(SqlitePool);

/// A document that has all the words.
#[derive(Debug)]
pub struct Hit {
    /// The document.
    pub id: String,
    /// Where the words are, each between [`Hit::BEGIN`] and [`Hit::END`].
    pub passage: String,
}

impl Hit {
    /// Stands before a word that was searched for.
    pub const BEGIN: char = '\u{2}';
    /// Stands behind it.
    pub const END: char = '\u{3}';
}

impl Backend for Index {
    const NAME: &'static str = "index";
    const FILE: &'static str = "index.db";

    async fn open(file: &Path) -> Result<Self, Trouble> {
        Ok(Self(open(file, include_str!("index.sql")).await?))
    }

    /// Answers with the number of words.
    async fn insert(&self, document: &Document, content: &Content) -> Result<u64, Trouble> {
        let mut transaction = self.0.begin().await?;
        let insert = "INSERT INTO documents (id, hash) VALUES (?, ?) ON CONFLICT (id) DO NOTHING";
        let insert = sqlx::query(insert).bind(&document.id).bind(&document.hash);
        let inserted = insert.execute(&mut *transaction).await?;
        if inserted.rows_affected() == 1 {
            let text = "INSERT INTO texts (rowid, title, body) VALUES (?, ?, ?)";
            let text = sqlx::query(text).bind(inserted.last_insert_rowid());
            let text = text.bind(&content.title).bind(&content.text);
            text.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(content.words())
    }

    async fn delete(&self, id: &str) -> Result<(), Trouble> {
        let mut transaction = self.0.begin().await?;
        for delete in [
            "DELETE FROM texts WHERE rowid = (SELECT position FROM documents WHERE id = ?)",
            "DELETE FROM documents WHERE id = ?",
        ] {
            sqlx::query(delete)
                .bind(id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn entries(&self) -> Result<Entries, Trouble> {
        let entries = sqlx::query_as::<_, (String, String)>("SELECT id, hash FROM documents");
        Ok(entries.fetch_all(&self.0).await?.into_iter().collect())
    }
}

impl Store<Index> {
    /// The documents that have all `words`, best first, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn search(&self, words: &[String], limit: u32) -> Result<Vec<Hit>, IngestError> {
        let hits = sqlx::query_as::<_, (String, String)>(
            "SELECT documents.id, snippet(texts, 1, char(2), char(3), '…', 16)
             FROM texts JOIN documents ON documents.position = texts.rowid
             WHERE texts MATCH ? ORDER BY bm25(texts, 5.0, 1.0), documents.id LIMIT ?",
        );
        let hits = hits.bind(all_of(words)).bind(signed(limit.into()));
        let hits = hits.fetch_all(&self.backend.0).await;
        let hits = hits.map_err(|error| self.failed(&error.into()))?;
        let hit = |(id, passage)| Hit { id, passage };
        Ok(hits.into_iter().map(hit).collect())
    }
}

/// Every word as a quoted string: what a person types is not the index's query language.
fn all_of(words: &[String]) -> String {
    let quoted = words.iter().flat_map(|words| words.split_whitespace());
    let quoted = quoted.map(|word| format!("\"{}\"", word.replace('"', "\"\"")));
    quoted.collect::<Vec<_>>().join(" ")
}
