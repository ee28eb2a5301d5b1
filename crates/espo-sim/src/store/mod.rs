//! The store of records and relations.
//!
//! A table keeps rows in chunks behind `Arc`s. A list takes a snapshot (one `Arc` clone) and evaluates without any
//! lock; a writer copies the chunk that it changes if a snapshot still holds it. A lock is held for one lookup or one
//! change, never for a whole request, and never together with another lock.

mod chunk;
mod index;
mod relation;
mod table;

pub(crate) use chunk::Row;
pub(crate) use index::{By, Find, How, Key};
pub(crate) use relation::{Pair, RelationTable};
pub(crate) use table::{Bounds, Table, is_plain};

use crate::layout::{EntityIx, Layouts};
use crate::value::Value;

/// A test of one value.
pub(crate) type Test = Box<dyn Fn(&Value) -> bool>;

/// All tables.
#[derive(Debug)]
pub(crate) struct Store {
    tables: Vec<Table>,
    relations: Vec<RelationTable>,
}

impl Store {
    pub(crate) fn new(layouts: &Layouts) -> Store {
        Store {
            tables: layouts
                .entities
                .iter()
                .map(|l| Table::new(l.indexed.clone(), l.texts.clone(), l.date))
                .collect(),
            relations: layouts
                .relations
                .iter()
                .map(|_| RelationTable::default())
                .collect(),
        }
    }

    pub(crate) fn table(&self, entity: EntityIx) -> &Table {
        &self.tables[entity]
    }

    pub(crate) fn relation(&self, relation: usize) -> &RelationTable {
        &self.relations[relation]
    }
}
