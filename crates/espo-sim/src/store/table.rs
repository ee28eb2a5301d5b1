//! One entity type's rows.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::chunk::{CHUNK, Chunk, Row, Rows};
use super::index::{By, Find, Key, Ordered, Texts};
use crate::layout::{Slot, TextKey};
use crate::value::Id;

/// One entity type's rows, with an index by ID and by the keys that links list by.
#[derive(Debug)]
pub(crate) struct Table {
    inner: RwLock<Inner>,
}

#[derive(Debug)]
struct Inner {
    chunks: Rows,
    len: usize,
    by_id: HashMap<Id, usize>,
    /// Whether there are IDs whose order as strings differs from the order of their bytes.
    odd_ids: bool,
    by_key: Vec<(Slot, HashMap<Id, Vec<usize>>)>,
    ordered: Vec<Ordered>,
    by_text: Vec<Texts>,
    /// Highest value assigned so far, by slot of an autoincrement or number attribute.
    counters: HashMap<Slot, i64>,
}

/// Bounds of a range in an order.
pub(crate) type Bounds = (Bound<Key>, Bound<Key>);

impl Table {
    /// `indexed` are the keys that links use to list records, `texts` the attributes that the duplicate check looks
    /// up, and `date` the attribute of the default order.
    pub(crate) fn new(indexed: Vec<Slot>, texts: Vec<TextKey>, date: Option<Slot>) -> Table {
        Table {
            inner: RwLock::new(Inner {
                chunks: Rows::default(),
                len: 0,
                by_id: HashMap::new(),
                odd_ids: false,
                by_key: indexed.into_iter().map(|s| (s, HashMap::new())).collect(),
                ordered: date.map(By::Date).map(Ordered::new).into_iter().collect(),
                by_text: texts.into_iter().map(Texts::new).collect(),
                counters: HashMap::new(),
            }),
        }
    }

    pub(crate) fn snapshot(&self) -> Rows {
        self.inner.read().chunks.clone()
    }

    /// Returns the number of rows, including deleted ones.
    pub(crate) fn len(&self) -> usize {
        self.inner.read().len
    }

    /// Whether there are IDs whose order as strings differs from the order of their bytes.
    pub(crate) fn has_odd_ids(&self) -> bool {
        self.inner.read().odd_ids
    }

    /// The row with this ID, deleted or not.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Row>> {
        let inner = self.inner.read();
        let at = *inner.by_id.get(id)?;
        Some(Arc::clone(inner.row(at)))
    }

    /// The row with this ID unless it is deleted.
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

    /// A page of live rows in an order, and their total number. `None` if no index provides this order.
    pub(crate) fn first(
        &self,
        by: By,
        descending: bool,
        offset: usize,
        limit: usize,
    ) -> Option<(Vec<Arc<Row>>, usize)> {
        let inner = self.ordered(by)?;
        let keys = &inner.ordered(by)?.keys;
        let row = |key: &Key| Arc::clone(inner.row(key.2));
        let rows = if descending {
            keys.iter()
                .rev()
                .skip(offset)
                .take(limit)
                .map(row)
                .collect()
        } else {
            keys.iter().skip(offset).take(limit).map(row).collect()
        };
        Some((rows, keys.len()))
    }

    /// The next live rows in an order between two bounds, at most `limit`, with their keys. `None` as with [`Table::first`].
    pub(crate) fn batch(
        &self,
        by: By,
        bounds: &Bounds,
        descending: bool,
        limit: usize,
    ) -> Option<Vec<(Key, Arc<Row>)>> {
        let inner = self.ordered(by)?;
        let keys = inner.ordered(by)?.keys.range(bounds.clone());
        let row = |key: &Key| (key.clone(), Arc::clone(inner.row(key.2)));
        Some(if descending {
            keys.rev().take(limit).map(row).collect()
        } else {
            keys.take(limit).map(row).collect()
        })
    }

    /// The table with the index of an order, which is created if it does not exist.
    fn ordered(&self, by: By) -> Option<RwLockReadGuard<'_, Inner>> {
        let inner = self.inner.read();
        if by == By::Id && inner.odd_ids {
            return None;
        }
        if inner.ordered(by).is_some() {
            return Some(inner);
        }
        drop(inner);
        let mut inner = self.inner.write();
        if inner.ordered(by).is_none() {
            let mut index = Ordered::new(by);
            for (at, row) in inner.chunks.iter().enumerate() {
                index.add(row, at);
            }
            inner.ordered.push(index);
        }
        Some(RwLockWriteGuard::downgrade(inner))
    }

    /// Creates the text index for this lookup if it does not exist.
    fn index_texts(&self, what: Find) {
        if self.inner.read().texts(what).is_some() {
            return;
        }
        let mut inner = self.inner.write();
        if inner.texts(what).is_none() {
            let mut index = Texts::for_find(what);
            for (at, row) in inner.chunks.iter().enumerate() {
                index.add(row, at);
            }
            inner.by_text.push(index);
        }
    }

    /// Live rows with one of these strings under its key, oldest first. `None` if there are more than `most`.
    pub(crate) fn by_text(&self, wanted: &[Find], most: usize) -> Option<Vec<Arc<Row>>> {
        for what in wanted {
            self.index_texts(*what);
        }
        let inner = self.inner.read();
        let mut places = Vec::new();
        for what in wanted {
            let left = most - places.len();
            let found = inner.texts(*what)?.find(*what);
            places.extend(found.take(left.saturating_add(1)));
            if places.len() > most {
                return None;
            }
        }
        places.sort_unstable();
        places.dedup();
        let rows = places.iter().map(|at| inner.row(*at));
        Some(rows.filter(|r| !r.deleted).cloned().collect())
    }

    /// Adds a row, or replaces the one with the same ID.
    pub(crate) fn insert(&self, row: Row) -> Arc<Row> {
        let row = Arc::new(row);
        let mut inner = self.inner.write();
        if let Some(at) = inner.by_id.get(&row.id).copied() {
            inner.replace(at, Arc::clone(&row));
        } else {
            let at = inner.len;
            inner.push(Arc::clone(&row));
            inner.by_id.insert(row.id.clone(), at);
            inner.odd_ids |= !is_plain(&row.id);
            for (slot, index) in &mut inner.by_key {
                if let Some(key) = row.get(*slot).non_empty() {
                    index.entry(key.into()).or_default().push(at);
                }
            }
            for index in &mut inner.by_text {
                index.add(&row, at);
            }
            for index in &mut inner.ordered {
                index.add(&row, at);
            }
        }
        row
    }

    /// Changes a row in place, under the lock. `None` if no row has this ID or `change` declines.
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

    /// Removes a row permanently.
    pub(crate) fn erase(&self, id: &str) {
        // Rows keep their position, so an erased one remains as a deleted row that is not indexed.
        self.update(id, |row| {
            row.deleted = true;
            true
        });
        self.inner.write().by_id.remove(id);
    }

    /// Continues a counter after this number.
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

/// Whether an ID consists of lower-case letters and digits, whose order is that of their bytes.
pub(crate) fn is_plain(id: &str) -> bool {
    id.bytes()
        .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
}

impl Inner {
    fn row(&self, at: usize) -> &Arc<Row> {
        &self.chunks.0[at / CHUNK].rows[at % CHUNK]
    }

    fn ordered(&self, by: By) -> Option<&Ordered> {
        self.ordered.iter().find(|o| o.by == by)
    }

    fn texts(&self, what: Find) -> Option<&Texts> {
        self.by_text.iter().find(|t| t.serves(what))
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
        let old = &self.chunks.0[at / CHUNK].rows[at % CHUNK];
        for index in &mut self.ordered {
            index.change(old, &row, at);
        }
        for index in &mut self.by_text {
            index.change(old, &row, at);
        }
        let chunks = Arc::make_mut(&mut self.chunks.0);
        Arc::make_mut(&mut chunks[at / CHUNK]).rows_mut()[at % CHUNK] = row;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::How;
    use crate::store::Test;
    use crate::value::Value;

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
        let long = "a string that is too long to be stored inline";
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
        let find = |text: &str| {
            let wanted = [(TextKey::Folded(0), How::Whole, text)];
            table.by_text(&wanted, 9).unwrap().len()
        };
        assert_eq!((find("acme"), find("Acme")), (1, 0));
        table.update("x", |r| {
            r.values[0] = Value::text("Beta");
            true
        });
        assert_eq!((find("acme"), find("beta")), (0, 1));
    }

    #[test]
    fn date_indexes_contain_live_rows_in_order() {
        let table = Table::new(Vec::new(), Vec::new(), Some(0));
        for (id, date) in [
            ("a", "2026-01-02"),
            ("b", "2026-01-01"),
            ("c", "2026-01-02"),
        ] {
            table.insert(row(id, date));
        }
        let ids = |descending, offset, limit| {
            let (rows, total) = table.first(By::Date(0), descending, offset, limit).unwrap();
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
    }

    #[test]
    fn erased_rows_are_removed_from_all_indexes() {
        let table = Table::new(vec![0], Vec::new(), Some(0));
        table.insert(row("x", "a"));
        table.erase("x");
        assert!(table.get("x").is_none());
        assert!(table.by_key(0, "a").is_empty());
    }

    #[test]
    fn late_indexes_include_existing_rows_and_follow_changes() {
        let table = Table::new(Vec::new(), Vec::new(), None);
        for (id, text) in [("b", "Beta"), ("a", "Alpha"), ("c", "beta max")] {
            table.insert(row(id, text));
        }
        let starting = |text: &str| {
            let wanted = [(TextKey::Folded(0), How::Start, text)];
            let rows = table.by_text(&wanted, 9).unwrap();
            rows.iter().map(|r| r.id.to_string()).collect::<String>()
        };
        let walk = |from: &str| {
            let from = Bound::Excluded((from.into(), Id::default(), usize::MAX));
            let batch = table.batch(By::Id, &(from, Bound::Unbounded), false, 9);
            let ids = batch.unwrap().into_iter().map(|(_, r)| r.id.to_string());
            ids.collect::<String>()
        };
        assert_eq!(
            (starting("beta").as_str(), walk("a").as_str()),
            ("bc", "bc")
        );
        table.insert(row("d", "BETA"));
        table.update("b", |r| {
            r.values[0] = Value::text("Gamma");
            true
        });
        table.erase("c");
        assert_eq!((starting("beta").as_str(), walk("a").as_str()), ("d", "bd"));
        let wanted = [(TextKey::Folded(0), How::Start, "")];
        assert!(table.by_text(&wanted, 2).is_none(), "too many");
        // IDs whose letters and bytes are not ordered alike have no such index.
        table.insert(row("A", "x"));
        assert!(table.first(By::Id, false, 0, 1).is_none());
    }
}
