//! A row per document, in SQLite.

use std::path::Path;

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{FromRow, Row as _};

use super::sqlite::{open, signed, unsigned};
use super::{Backend, Entries, Store, Trouble};
use crate::document::Document;
use crate::error::IngestError;
use crate::read::Content;

/// The relational store.
#[derive(Debug)]
pub struct Rows(SqlitePool);

/// What the relational store knows of a document.
#[derive(Debug)]
pub struct Row {
    /// Its identity.
    pub document: Document,
    /// What it is called.
    pub title: String,
    /// Its media type.
    pub media_type: String,
    /// How many words it has.
    pub words: u64,
}

impl<'r> FromRow<'r, SqliteRow> for Row {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            document: Document {
                id: row.try_get("id")?,
                path: row.try_get("path")?,
                hash: row.try_get("hash")?,
                bytes: unsigned(row.try_get("bytes")?),
            },
            title: row.try_get("title")?,
            media_type: row.try_get("media_type")?,
            words: unsigned(row.try_get("words")?),
        })
    }
}

impl Backend for Rows {
    const NAME: &'static str = "rows";
    const FILE: &'static str = "rows.db";

    async fn open(file: &Path) -> Result<Self, Trouble> {
        Ok(Self(open(file, include_str!("rows.sql")).await?))
    }

    /// Answers with the position of the row.
    async fn insert(&self, document: &Document, content: &Content) -> Result<u64, Trouble> {
        let insert = sqlx::query(
            "INSERT INTO documents (id, path, hash, bytes, title, media_type, words)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&document.id)
        .bind(&document.path)
        .bind(&document.hash)
        .bind(signed(document.bytes))
        .bind(&content.title)
        .bind(content.media_type)
        .bind(signed(content.words()));
        insert.execute(&self.0).await?;
        let position = sqlx::query_scalar("SELECT position FROM documents WHERE id = ?");
        Ok(unsigned(
            position.bind(&document.id).fetch_one(&self.0).await?,
        ))
    }

    async fn delete(&self, id: &str) -> Result<(), Trouble> {
        let delete = sqlx::query("DELETE FROM documents WHERE id = ?");
        delete.bind(id).execute(&self.0).await?;
        Ok(())
    }

    async fn entries(&self) -> Result<Entries, Trouble> {
        let entries = sqlx::query_as::<_, (String, String)>("SELECT id, hash FROM documents");
        Ok(entries.fetch_all(&self.0).await?.into_iter().collect())
    }
}

impl Store<Rows> {
    /// The newest version of the file at `path`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn current(&self, path: &str) -> Result<Option<Row>, IngestError> {
        let row =
            sqlx::query_as("SELECT * FROM documents WHERE path = ? ORDER BY position DESC LIMIT 1");
        self.answer(row.bind(path).fetch_optional(&self.backend.0).await)
    }

    /// The document with this id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, id: &str) -> Result<Option<Row>, IngestError> {
        let row = sqlx::query_as("SELECT * FROM documents WHERE id = ?");
        self.answer(row.bind(id).fetch_optional(&self.backend.0).await)
    }

    /// The documents whose path is `path` or ends with it, after a `/`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn named(&self, path: &str) -> Result<Vec<Row>, IngestError> {
        let rows = sqlx::query_as(
            "SELECT * FROM documents WHERE path = ?1 OR substr(path, -length(?1) - 1) = '/' || ?1
             ORDER BY path, position",
        );
        self.answer(rows.bind(path).fetch_all(&self.backend.0).await)
    }

    /// The versions of the same file that are older than `document`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn older(&self, document: &Document) -> Result<Vec<Row>, IngestError> {
        let rows = sqlx::query_as(
            "SELECT * FROM documents WHERE path = ? AND position <
             (SELECT position FROM documents WHERE id = ?) ORDER BY position",
        );
        let rows = rows.bind(&document.path).bind(&document.id);
        self.answer(rows.fetch_all(&self.backend.0).await)
    }

    /// The newest version of every file of which there are several.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn superseding(&self) -> Result<Vec<Row>, IngestError> {
        let rows = sqlx::query_as(
            "SELECT * FROM documents WHERE position IN
             (SELECT max(position) FROM documents GROUP BY path HAVING count(*) > 1)
             ORDER BY path",
        );
        self.answer(rows.fetch_all(&self.backend.0).await)
    }

    fn answer<T>(&self, answer: Result<T, sqlx::Error>) -> Result<T, IngestError> {
        answer.map_err(|error| self.failed(&error.into()))
    }
}
