//! One entity type's rows.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;

use crate::layout::{Slot, TextKey};
use crate::search::collate;
use crate::search::compare::Test;
use crate::value::{Id, Value};

/// Rows of a chunk. Small enough that copying one on a write costs microseconds, large enough that a snapshot of 100,000
/// rows holds 200 of them.
const CHUNK: usize = 512;

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

/// One attribute of a chunk's rows, side by side. `None` stands for a value that is not held inline: it is looked up in its
/// row, so that a column takes 24 bytes a row whatever the texts are.
type Column = Box<[Option<Value>]>;

/// Rows, and the columns of them that searches have asked for since the last change.
///
/// A scan that follows the pointer to every row waits for memory most of its time; one over a column does not.
#[derive(Debug, Default)]
struct Chunk {
    rows: Vec<Arc<Row>>,
    columns: OnceLock<Box<[OnceLock<Column>]>>,
}

impl Clone for Chunk {
    /// For a change: the columns would not fit it.
    fn clone(&self) -> Self {
        Chunk {
            rows: self.rows.clone(),
            columns: OnceLock::new(),
        }
    }
}

impl Chunk {
    /// The rows, for a change: the columns are worked out again when they are next asked for.
    fn rows_mut(&mut self) -> &mut Vec<Arc<Row>> {
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

    /// Places of the rows whose values pass every test.
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

/// A row in the index by date: date, id, place.
type Dated = (Id, Id, usize);

/// A snapshot of a table's rows, in the order of their creation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows(Arc<Vec<Arc<Chunk>>>);

impl Rows {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Row>> {
        self.0.iter().flat_map(|c| c.rows.iter())
    }

    /// Rows whose values pass every test, in the order of their creation.
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

/// One entity type's rows, with an index by id and by the keys that links list by.
#[derive(Debug)]
pub(crate) struct Table {
    inner: RwLock<Inner>,
}

#[derive(Debug)]
struct Inner {
    chunks: Rows,
    len: usize,
    by_id: HashMap<Id, usize>,
    by_key: Vec<(Slot, HashMap<Id, Vec<usize>>)>,
    /// Live rows by the date of the default order, then by id.
    by_date: Option<(Slot, BTreeSet<Dated>)>,
    /// What the duplicate check looks up.
    by_text: Vec<(TextKey, HashMap<Id, Vec<usize>>)>,
    /// Highest value given out so far, by slot of an autoincrement or number attribute.
    counters: HashMap<Slot, i64>,
}

impl Table {
    pub(crate) fn new(indexed: Vec<Slot>, texts: Vec<TextKey>, date: Option<Slot>) -> Table {
        Table {
            inner: RwLock::new(Inner {
                chunks: Rows::default(),
                len: 0,
                by_id: HashMap::new(),
                by_key: indexed.into_iter().map(|s| (s, HashMap::new())).collect(),
                by_date: date.map(|slot| (slot, BTreeSet::new())),
                by_text: texts.into_iter().map(|k| (k, HashMap::new())).collect(),
                counters: HashMap::new(),
            }),
        }
    }

    pub(crate) fn snapshot(&self) -> Rows {
        self.inner.read().chunks.clone()
    }

    /// The row of that id, deleted or not.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Row>> {
        let inner = self.inner.read();
        let at = *inner.by_id.get(id)?;
        Some(Arc::clone(inner.row(at)))
    }

    /// The row of that id unless it is deleted.
    pub(crate) fn live(&self, id: &str) -> Option<Arc<Row>> {
        self.get(id).filter(|r| !r.deleted)
    }

    /// Live rows whose key in `slot` is `id`, in the order of their creation.
    pub(crate) fn by_key(&self, slot: Slot, id: &str) -> Vec<Arc<Row>> {
        let inner = self.inner.read();
        let Some((_, index)) = inner.by_key.iter().find(|(s, _)| *s == slot) else {
            return Vec::new();
        };
        let Some(places) = index.get(id) else {
            return Vec::new();
        };
        places
            .iter()
            .map(|at| inner.row(*at))
            .filter(|r| !r.deleted)
            .cloned()
            .collect()
    }

    /// A page of live rows by the date that the table is indexed by, and how many there are in all. `None` when the index
    /// is by another attribute.
    pub(crate) fn by_date(
        &self,
        slot: Slot,
        descending: bool,
        offset: usize,
        limit: usize,
    ) -> Option<(Vec<Arc<Row>>, usize)> {
        let inner = self.inner.read();
        let (_, index) = inner.by_date.as_ref().filter(|(s, _)| *s == slot)?;
        let row = |entry: &Dated| Arc::clone(inner.row(entry.2));
        let rows = if descending {
            index
                .iter()
                .rev()
                .skip(offset)
                .take(limit)
                .map(row)
                .collect()
        } else {
            index.iter().skip(offset).take(limit).map(row).collect()
        };
        Some((rows, index.len()))
    }

    /// Live rows that have one of these texts under a key of the text index, oldest first.
    pub(crate) fn by_text(&self, key: TextKey, texts: &[Id]) -> Vec<Arc<Row>> {
        let inner = self.inner.read();
        let Some((_, index)) = inner.by_text.iter().find(|(k, _)| *k == key) else {
            return Vec::new();
        };
        let mut places: Vec<usize> = texts
            .iter()
            .filter_map(|t| index.get(t))
            .flatten()
            .copied()
            .collect();
        places.sort_unstable();
        places.dedup();
        places
            .iter()
            .map(|at| inner.row(*at))
            .filter(|r| !r.deleted)
            .cloned()
            .collect()
    }

    /// Adds a row; replaces one of the same id.
    pub(crate) fn insert(&self, row: Row) -> Arc<Row> {
        let row = Arc::new(row);
        let mut inner = self.inner.write();
        if let Some(at) = inner.by_id.get(&row.id).copied() {
            inner.replace(at, Arc::clone(&row));
        } else {
            let at = inner.len;
            inner.push(Arc::clone(&row));
            inner.by_id.insert(row.id.clone(), at);
            for (slot, index) in &mut inner.by_key {
                if let Some(key) = row.get(*slot).non_empty() {
                    index.entry(key.into()).or_default().push(at);
                }
            }
            for (key, index) in &mut inner.by_text {
                for text in key.texts(&row) {
                    index.entry(text).or_default().push(at);
                }
            }
            if let Some((slot, index)) = &mut inner.by_date
                && !row.deleted
            {
                index.insert(dated(&row, *slot, at));
            }
        }
        row
    }

    /// Changes a row in place, under the lock. `None` when there is none of that id, or `change` declines.
    pub(crate) fn update(
        &self,
        id: &str,
        change: impl FnOnce(&mut Row) -> bool,
    ) -> Option<Arc<Row>> {
        let mut inner = self.inner.write();
        let at = *inner.by_id.get(id)?;
        let mut row = (**inner.row(at)).clone();
        if !change(&mut row) {
            return None;
        }
        let row = Arc::new(row);
        inner.replace(at, Arc::clone(&row));
        Some(row)
    }

    /// Takes a row away for good.
    pub(crate) fn erase(&self, id: &str) {
        // Rows keep their place, so an erased one stays as a deleted row that no id leads to.
        self.update(id, |row| {
            row.deleted = true;
            true
        });
        self.inner.write().by_id.remove(id);
    }

    /// Has a counter go on after this number.
    pub(crate) fn count_from(&self, slot: Slot, n: i64) {
        let mut inner = self.inner.write();
        let counter = inner.counters.entry(slot).or_insert(0);
        *counter = (*counter).max(n);
    }

    /// The next number of a counter that starts at 1.
    pub(crate) fn count_up(&self, slot: Slot) -> i64 {
        let mut inner = self.inner.write();
        let counter = inner.counters.entry(slot).or_insert(0);
        *counter += 1;
        *counter
    }
}

/// The place of a row in the index by date. Null goes first, as an empty text does.
fn dated(row: &Row, slot: Slot, at: usize) -> Dated {
    (
        row.get(slot).as_str().unwrap_or_default().into(),
        row.id.clone(),
        at,
    )
}

impl TextKey {
    /// The texts under which a row is found.
    pub(crate) fn texts(self, row: &Row) -> Vec<Id> {
        let value = row.get(self.slot());
        match self {
            TextKey::Folded(_) => value
                .non_empty()
                .map(|s| collate::needle(s).into())
                .into_iter()
                .collect(),
            TextKey::Items(_, field) => {
                let items = value.as_list().unwrap_or_default().iter();
                items
                    .filter_map(|i| i.get(field).and_then(|v| v.as_str()))
                    .map(Id::from)
                    .collect()
            }
        }
    }

    pub(crate) fn slot(self) -> Slot {
        match self {
            TextKey::Folded(slot) | TextKey::Items(slot, _) => slot,
        }
    }
}

impl Inner {
    fn row(&self, at: usize) -> &Arc<Row> {
        &self.chunks.0[at / CHUNK].rows[at % CHUNK]
    }

    fn push(&mut self, row: Arc<Row>) {
        let chunks = Arc::make_mut(&mut self.chunks.0);
        match chunks.last_mut() {
            Some(last) if last.rows.len() < CHUNK => Arc::make_mut(last).rows_mut().push(row),
            _ => {
                let mut chunk = Chunk::default();
                chunk.rows.reserve_exact(CHUNK);
                chunk.rows.push(row);
                chunks.push(Arc::new(chunk));
            }
        }
        self.len += 1;
    }

    fn replace(&mut self, at: usize, row: Arc<Row>) {
        for (slot, index) in &mut self.by_key {
            let old = &self.chunks.0[at / CHUNK].rows[at % CHUNK];
            let (was, now) = (old.get(*slot).non_empty(), row.get(*slot).non_empty());
            if was != now {
                if let Some(places) = was.and_then(|k| index.get_mut(k)) {
                    places.retain(|p| *p != at);
                }
                if let Some(key) = now {
                    index.entry(key.into()).or_default().push(at);
                }
            }
        }
        if let Some((slot, index)) = &mut self.by_date {
            let old = &self.chunks.0[at / CHUNK].rows[at % CHUNK];
            if old.deleted != row.deleted || old.get(*slot) != row.get(*slot) {
                index.remove(&dated(old, *slot, at));
                if !row.deleted {
                    index.insert(dated(&row, *slot, at));
                }
            }
        }
        for (key, index) in &mut self.by_text {
            let old = &self.chunks.0[at / CHUNK].rows[at % CHUNK];
            if old.get(key.slot()) == row.get(key.slot()) {
                continue;
            }
            for text in key.texts(old) {
                if let Some(places) = index.get_mut(&text) {
                    places.retain(|p| *p != at);
                }
            }
            for text in key.texts(&row) {
                index.entry(text).or_default().push(at);
            }
        }
        let chunks = Arc::make_mut(&mut self.chunks.0);
        Arc::make_mut(&mut chunks[at / CHUNK]).rows_mut()[at % CHUNK] = row;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, key: &str) -> Row {
        Row {
            id: id.into(),
            deleted: false,
            values: Box::new([Value::text(key)]),
        }
    }

    #[test]
    fn a_snapshot_does_not_see_later_changes() {
        let table = Table::new(vec![0], Vec::new(), Some(0));
        for i in 0..1000 {
            table.insert(row(&format!("r{i}"), "a"));
        }
        let before = table.snapshot();
        table.update("r5", |r| {
            r.values[0] = Value::text("b");
            true
        });
        assert_eq!(
            before
                .iter()
                .filter(|r| r.get(0).as_str() == Some("a"))
                .count(),
            1000
        );
        assert_eq!(table.by_key(0, "a").len(), 999);
        assert_eq!(table.by_key(0, "b")[0].id, "r5");
    }

    #[test]
    fn tests_of_columns_see_changes_and_values_of_any_length() {
        let table = Table::new(Vec::new(), Vec::new(), None);
        let long = "a text that is longer than what is held inline";
        for i in 0..1500 {
            table.insert(row(&format!("r{i}"), if i % 2 == 0 { "a" } else { long }));
        }
        let count = |text: &'static str| {
            let tests: [(Slot, Test); 1] = [(0, Box::new(move |v| v.as_str() == Some(text)))];
            table.snapshot().matching(&tests).count()
        };
        assert_eq!((count("a"), count(long)), (750, 750));
        table.update("r2", |r| {
            r.values[0] = Value::text("b");
            true
        });
        table.insert(row("r1500", "b"));
        assert_eq!((count("a"), count(long), count("b")), (749, 750, 2));
    }

    #[test]
    fn the_text_index_follows_changes() {
        let table = Table::new(Vec::new(), vec![TextKey::Folded(0)], None);
        table.insert(row("x", "Acme "));
        let find = |text: &str| table.by_text(TextKey::Folded(0), &[text.into()]).len();
        assert_eq!((find("acme"), find("Acme")), (1, 0));
        table.update("x", |r| {
            r.values[0] = Value::text("Beta");
            true
        });
        assert_eq!((find("acme"), find("beta")), (0, 1));
    }

    #[test]
    fn the_index_by_date_holds_live_rows_in_order() {
        let table = Table::new(Vec::new(), Vec::new(), Some(0));
        for (id, date) in [
            ("a", "2026-01-02"),
            ("b", "2026-01-01"),
            ("c", "2026-01-02"),
        ] {
            table.insert(row(id, date));
        }
        let ids = |descending, offset, limit| {
            let (rows, total) = table.by_date(0, descending, offset, limit).unwrap();
            (
                rows.iter().map(|r| r.id.to_string()).collect::<String>(),
                total,
            )
        };
        assert_eq!(
            (ids(true, 0, 9), ids(false, 1, 1)),
            (("cab".to_owned(), 3), ("a".to_owned(), 3))
        );
        table.update("c", |r| {
            r.deleted = true;
            true
        });
        assert_eq!(ids(true, 0, 9), ("ab".to_owned(), 2));
        assert!(table.by_date(1, true, 0, 9).is_none());
    }

    #[test]
    fn an_erased_row_is_gone_from_its_id_and_its_keys() {
        let table = Table::new(vec![0], Vec::new(), Some(0));
        table.insert(row("x", "a"));
        table.erase("x");
        assert!(table.get("x").is_none());
        assert!(table.by_key(0, "a").is_empty());
    }
}
