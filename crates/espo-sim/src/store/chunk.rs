//! Rows in contiguous chunks, and snapshots of them.

use std::sync::{Arc, OnceLock};

use crate::layout::Slot;
use crate::store::Test;
use crate::value::{Id, Value};

/// Number of rows in a chunk: small enough that copying a chunk on a write takes microseconds, and large enough that
/// a snapshot of 100,000 rows contains only 200 chunks.
pub(super) const CHUNK: usize = 512;

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: Id,
    pub(crate) deleted: bool,
    pub(crate) values: Box<[Value]>,
}

impl Row {
    pub(crate) fn get(&self, slot: Slot) -> &Value {
        self.values.get(slot).unwrap_or(&Value::Null)
    }
}

/// One attribute of a chunk's rows, contiguously. `None` means that the value is not stored inline and must be looked up
/// in its row, so that a column takes 24 bytes per row regardless of the length of strings.
type Column = Box<[Option<Value>]>;

/// Rows, and the columns that searches have used since the last change.
///
/// A scan that follows the pointer to every row waits for memory most of the time; a scan over a column does not.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) rows: Vec<Arc<Row>>,
    columns: OnceLock<Box<[OnceLock<Column>]>>,
}

impl Clone for Chunk {
    /// Clones the rows without the columns, which would be outdated after a change.
    fn clone(&self) -> Self {
        Chunk {
            rows: self.rows.clone(),
            columns: OnceLock::new(),
        }
    }
}

impl Chunk {
    /// Returns the rows for a change; the columns are built again on their next use.
    pub(super) fn rows_mut(&mut self) -> &mut Vec<Arc<Row>> {
        self.columns = OnceLock::new();
        &mut self.rows
    }

    fn column(&self, slot: Slot) -> Option<&Column> {
        let slots = || self.rows.first().map_or(0, |row| row.values.len());
        let columns = self
            .columns
            .get_or_init(|| (0..slots()).map(|_| OnceLock::new()).collect());
        Some(columns.get(slot)?.get_or_init(|| {
            let values = self.rows.iter().map(|row| row.get(slot));
            values.map(|v| v.is_inline().then(|| v.clone())).collect()
        }))
    }

    /// Returns the positions of rows whose values pass every test.
    fn matching(&self, tests: &[(Slot, Test)]) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.rows.len()).collect();
        for (slot, test) in tests {
            let column = self.column(*slot);
            places.retain(|at| match column.and_then(|c| c[*at].as_ref()) {
                Some(value) => test(value),
                None => test(self.rows[*at].get(*slot)),
            });
        }
        places
    }
}

/// A snapshot of a table's rows, in the order of their creation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows(pub(super) Arc<Vec<Arc<Chunk>>>);

impl Rows {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Row>> {
        self.0.iter().flat_map(|c| c.rows.iter())
    }

    /// Returns rows whose values pass every test, in the order of their creation.
    pub(crate) fn matching(
        &self,
        tests: &[(Slot, Test)],
    ) -> impl DoubleEndedIterator<Item = &Arc<Row>> {
        self.0.iter().flat_map(move |chunk| {
            let places = chunk.matching(tests);
            places.into_iter().map(|at| &chunk.rows[at])
        })
    }
}
