//! The database: rows, and a bookmark for each entity type.

use std::collections::HashSet;
use std::path::Path;

use crm::espo_core::jiff::SignedDuration;
use crm::espo_core::typed::Decode;
use crm::prelude::*;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

/// A record can become visible after one with a later time, because its transaction took longer or the clocks of
/// servers differ.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// A record stored in a table.
pub trait Row: Decode {
    /// Name of the table, and of the bookmark.
    const TABLE: &'static str;
    /// Statement that creates the table.
    const CREATE: &'static str;

    /// The time of the last change.
    fn modified_at(&self) -> Timestamp;

    /// Writes the row, and replaces one with the same ID.
    ///
    /// # Errors
    ///
    /// Fails if the database fails.
    fn save(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()>;
}

/// The database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

impl Store {
    /// Opens a database file, and creates it with its tables if it does not exist.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be opened or is not a valid database.
    pub fn open(path: impl AsRef<Path>) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS bookmark (name TEXT PRIMARY KEY, modified_at TEXT NOT NULL)",
        )?;
        for create in [
            crate::AccountRow::CREATE,
            crate::ContactRow::CREATE,
            crate::OpportunityRow::CREATE,
        ] {
            connection.execute_batch(create)?;
        }
        Ok(Self { connection })
    }

    /// The time from which changes have to be read.
    pub(crate) fn since<R: Row>(&self) -> rusqlite::Result<Timestamp> {
        let bookmark: Option<String> = self
            .connection
            .query_row(
                "SELECT modified_at FROM bookmark WHERE name = ?",
                [R::TABLE],
                |row| row.get(0),
            )
            .optional()?;
        let bookmark: Option<Timestamp> = bookmark.and_then(|time| time.parse().ok());
        Ok(bookmark
            .and_then(|time| time.checked_sub(OVERLAP).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// Writes a page and moves the bookmark to its end, in one transaction.
    pub(crate) fn save<R: Row>(&mut self, rows: &[R]) -> rusqlite::Result<()> {
        let Some(latest) = rows.iter().map(Row::modified_at).max() else {
            return Ok(());
        };
        let transaction = self.connection.transaction()?;
        for row in rows {
            row.save(&transaction)?;
        }
        // As strings, times are ordered like times, because all are in UTC and have the same format. A bookmark never
        // moves back.
        transaction.execute(
            "INSERT INTO bookmark VALUES (?1, ?2) \
             ON CONFLICT (name) DO UPDATE SET modified_at = max(modified_at, ?2)",
            params![R::TABLE, latest.to_string()],
        )?;
        transaction.commit()
    }

    /// The IDs of all rows.
    pub(crate) fn ids<R: Row>(&self) -> rusqlite::Result<HashSet<String>> {
        let mut statement = self
            .connection
            .prepare(&format!("SELECT id FROM {}", R::TABLE))?;
        statement.query_map([], |row| row.get(0))?.collect()
    }

    /// Removes rows, all or none, and returns their number.
    pub(crate) fn remove<R: Row>(&mut self, ids: &HashSet<String>) -> rusqlite::Result<usize> {
        let transaction = self.connection.transaction()?;
        for id in ids {
            transaction
                .prepare_cached(&format!("DELETE FROM {} WHERE id = ?", R::TABLE))?
                .execute([id])?;
        }
        transaction.commit()?;
        Ok(ids.len())
    }

    /// The number of rows of a table.
    ///
    /// # Errors
    ///
    /// Fails if the database fails.
    pub fn count<R: Row>(&self) -> rusqlite::Result<usize> {
        Ok(self.ids::<R>()?.len())
    }

    /// One value of a row, as text.
    ///
    /// # Errors
    ///
    /// Fails if there is no such row or column.
    pub fn value<R: Row>(&self, id: &str, column: &str) -> rusqlite::Result<Option<String>> {
        let statement = format!("SELECT {column} FROM {} WHERE id = ?", R::TABLE);
        self.connection
            .query_row(&statement, [id], |row| row.get(0))
    }
}
