//! One many-to-many relation, indexed in both directions.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::RwLock;

use crate::value::{Id, Value};

/// One end of a pair, with the middle table's columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    pub(crate) id: Id,
    pub(crate) columns: Arc<[Value]>,
}

/// Pairs of IDs. "Forward" is from the side whose link was compiled first.
#[derive(Debug, Default)]
pub(crate) struct RelationTable {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    forward: HashMap<Id, Ends>,
    backward: HashMap<Id, Ends>,
}

/// The records that one record is linked to, in the order of linking. A map, because one team may have every record.
type Ends = IndexMap<Id, Arc<[Value]>>;

impl RelationTable {
    /// The records linked to `id`, in the order of linking.
    pub(crate) fn of(&self, id: &str, forward: bool) -> Vec<Pair> {
        let inner = self.inner.read();
        let side = if forward {
            &inner.forward
        } else {
            &inner.backward
        };
        let pairs = side.get(id).into_iter().flatten();
        pairs
            .map(|(id, columns)| Pair {
                id: id.clone(),
                columns: Arc::clone(columns),
            })
            .collect()
    }

    pub(crate) fn has(&self, id: &str, forward: bool, other: &str) -> bool {
        let inner = self.inner.read();
        let side = if forward {
            &inner.forward
        } else {
            &inner.backward
        };
        side.get(id).is_some_and(|ends| ends.contains_key(other))
    }

    /// Links two records, or changes the columns of an existing link. Returns whether the link is new.
    pub(crate) fn link(&self, id: &str, forward: bool, other: &str, columns: Arc<[Value]>) -> bool {
        let mut inner = self.inner.write();
        let (a, b) = if forward { (id, other) } else { (other, id) };
        inner
            .backward
            .entry(b.into())
            .or_default()
            .insert(a.into(), Arc::clone(&columns));
        inner
            .forward
            .entry(a.into())
            .or_default()
            .insert(b.into(), columns)
            .is_none()
    }

    /// Unlinks two records. Returns whether they were linked.
    pub(crate) fn unlink(&self, id: &str, forward: bool, other: &str) -> bool {
        let mut inner = self.inner.write();
        let (a, b) = if forward { (id, other) } else { (other, id) };
        if let Some(ends) = inner.backward.get_mut(b) {
            ends.shift_remove(a);
        }
        inner
            .forward
            .get_mut(a)
            .is_some_and(|ends| ends.shift_remove(b).is_some())
    }

    /// Returns all pairs in the forward direction.
    pub(crate) fn all(&self) -> Vec<(Id, Pair)> {
        let inner = self.inner.read();
        let pairs = inner
            .forward
            .iter()
            .flat_map(|(id, ends)| ends.iter().map(move |end| (id, end)));
        pairs
            .map(|(id, (other, columns))| {
                (
                    id.clone(),
                    Pair {
                        id: other.clone(),
                        columns: Arc::clone(columns),
                    },
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_of_a_relation_agree() {
        let r = RelationTable::default();
        let columns: Arc<[Value]> = Arc::from([Value::Null]);
        assert!(r.link("a", true, "x", Arc::clone(&columns)));
        assert!(!r.link("x", false, "a", Arc::from([Value::Bool(true)])));
        assert!(r.has("x", false, "a") && r.of("a", true)[0].columns[0] == Value::Bool(true));
        assert!(r.unlink("x", false, "a"));
        assert!(!r.unlink("a", true, "x") && r.of("x", false).is_empty());
    }
}
