//! The order of a list, and the first rows by it without sorting everything (ESPO-API.md E3).

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use espo_schema::{FieldKind, Order as Direction};

use super::collate;
use super::params::SearchParams;
use crate::app::{App, Caller};
use crate::http::{Refusal, Result};
use crate::layout::{AttrIx, Layout, Source, Ty};
use crate::record::view;
use crate::store::Row;
use crate::value::Value;

/// One key of an order.
#[derive(Debug)]
struct Key {
    attr: AttrIx,
    descending: bool,
    /// Position of each option, for enums.
    options: Option<Vec<String>>,
    /// Dates and ids compare by their bytes.
    binary: bool,
}

impl Key {
    fn compare(&self, a: &Value, b: &Value) -> Ordering {
        match (a, b) {
            (Value::Text(a), Value::Text(b)) if self.binary => a.as_bytes().cmp(b.as_bytes()),
            _ => compare_values(a, b),
        }
    }
}

/// A list's order.
#[derive(Debug)]
pub(crate) struct Order {
    keys: Vec<Key>,
    /// Direction of the id, which breaks ties.
    id_descending: bool,
    /// Attributes that a list row shows because it is ordered by them.
    pub(crate) attrs: Vec<AttrIx>,
}

impl Order {
    /// The order that a search asks for, or the entity type's own.
    pub(crate) fn of(
        app: &App,
        caller: &Caller,
        layout: &Layout,
        params: &SearchParams,
    ) -> Result<Order> {
        let entity = app.layouts.entity(layout);
        let default = entity.collection.order_by.as_deref();
        let default_descending = entity.collection.order == Some(Direction::Desc);
        match &params.order_by {
            Some(field) => {
                let keys = Self::check(app, caller, layout, field)?;
                Ok(Self::build(
                    layout,
                    &keys,
                    params.descending.unwrap_or(false),
                ))
            }
            None => {
                let descending = params.descending.unwrap_or(default_descending);
                let keys = default
                    .map(|f| attributes(app, layout, f))
                    .unwrap_or_default();
                Ok(Self::build(layout, &keys, descending))
            }
        }
    }

    fn check(app: &App, caller: &Caller, layout: &Layout, field: &str) -> Result<Vec<AttrIx>> {
        let missing = || Refusal::bad_request(format!("Order by non-existing field '{field}'."));
        if field.contains(['.', ':', '#']) {
            return Err(Refusal::forbidden_search(
                "Complex expressions are forbidden in 'orderBy'.",
            ));
        }
        let entity = app.layouts.entity(layout);
        if let Some(f) = entity.fields.get(field) {
            if f.kind == FieldKind::Password
                || f.disabled
                || !caller.acl.may_read_field(&layout.name, field)
            {
                return Err(Refusal::forbidden_search(format!(
                    "Forbidden to order by field '{field}'."
                )));
            }
            if f.order_disabled {
                return Err(Refusal::forbidden_search(format!(
                    "Order by the field '{field}' is disabled."
                )));
            }
        }
        let keys = attributes(app, layout, field);
        if keys.is_empty() {
            Err(missing())
        } else {
            Ok(keys)
        }
    }

    fn build(layout: &Layout, keys: &[AttrIx], descending: bool) -> Order {
        let keys: Vec<Key> = keys
            .iter()
            .map(|ix| Key {
                attr: *ix,
                descending,
                options: layout.attrs[*ix].options.clone(),
                binary: matches!(layout.attrs[*ix].ty, Ty::Date | Ty::DateTime | Ty::Id),
            })
            .collect();
        // Enums go by position, and then the id ascends whatever the direction (QUIRKS 5).
        let by_enum = keys.first().is_some_and(|k| k.options.is_some());
        Order {
            id_descending: descending && !by_enum,
            attrs: keys.iter().map(|k| k.attr).collect(),
            keys,
        }
    }

    /// The attribute and direction, where the order is by one attribute and the id in the same direction.
    pub(crate) fn simple(&self) -> Option<(AttrIx, bool)> {
        match self.keys.as_slice() {
            [key] if key.options.is_none() && key.descending == self.id_descending => {
                Some((key.attr, key.descending))
            }
            _ => None,
        }
    }

    fn compare(&self, a: &Keyed, b: &Keyed) -> Ordering {
        for (i, key) in self.keys.iter().enumerate() {
            let ordering = match &key.options {
                Some(options) => {
                    let at = |v: &Value| {
                        v.as_str()
                            .and_then(|s| options.iter().position(|o| o == s))
                            .map_or(0, |p| p + 1)
                    };
                    at(&a.keys[i]).cmp(&at(&b.keys[i]))
                }
                None => key.compare(&a.keys[i], &b.keys[i]),
            };
            let ordering = if key.descending {
                ordering.reverse()
            } else {
                ordering
            };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        let ordering = a.row.id.cmp(&b.row.id);
        if self.id_descending {
            ordering.reverse()
        } else {
            ordering
        }
    }
}

/// Attributes that a field is ordered by.
fn attributes(app: &App, layout: &Layout, field: &str) -> Vec<AttrIx> {
    let entity = app.layouts.entity(layout);
    let find = |names: &[String]| -> Vec<AttrIx> {
        names
            .iter()
            .filter_map(|n| layout.find(n))
            .filter(|ix| {
                let a = &layout.attrs[*ix];
                !a.filter_only && !a.write_only && !matches!(a.ty, Ty::List | Ty::Object)
            })
            .collect()
    };
    match entity.fields.get(field).map(|f| f.kind) {
        Some(FieldKind::Link | FieldKind::LinkOne | FieldKind::File | FieldKind::Image) => {
            find(&[format!("{field}Name")])
        }
        Some(FieldKind::LinkParent) => find(&[format!("{field}Type")]),
        Some(FieldKind::Address) => find(&[
            format!("{field}Country"),
            format!("{field}City"),
            format!("{field}Street"),
        ]),
        Some(FieldKind::Currency) => {
            let converted = find(&[format!("{field}Converted")]);
            if converted.is_empty() {
                find(&[field.to_owned()])
            } else {
                converted
            }
        }
        Some(FieldKind::LinkMultiple | FieldKind::AttachmentMultiple) => Vec::new(),
        _ => find(&[field.to_owned()]),
    }
}

struct Keyed<'r> {
    keys: Vec<Value>,
    row: &'r Arc<Row>,
}

/// A candidate in the heap: the greatest, which the next better one replaces, is on top.
struct Candidate<'o, 'r> {
    order: &'o Order,
    keyed: Keyed<'r>,
}

impl PartialEq for Candidate<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate<'_, '_> {}

impl PartialOrd for Candidate<'_, '_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate<'_, '_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order.compare(&self.keyed, &other.keyed)
    }
}

/// The first `wanted` rows by the order, and how many there are in all.
pub(crate) fn top<'r>(
    app: &App,
    layout: &Layout,
    rows: impl Iterator<Item = &'r Arc<Row>>,
    order: &Order,
    wanted: usize,
) -> (Vec<Arc<Row>>, usize) {
    let slots: Vec<Option<usize>> = order
        .keys
        .iter()
        .map(|k| match layout.attrs[k.attr].source {
            Source::Slot(s) if !matches!(layout.attrs[k.attr].name.as_str(), "id" | "deleted") => {
                Some(s)
            }
            _ => None,
        })
        .collect();
    let key = |row: &'r Arc<Row>| Keyed {
        keys: order
            .keys
            .iter()
            .zip(&slots)
            .map(|(k, slot)| match slot {
                Some(s) => row.get(*s).clone(),
                None => view::value(app, layout, row, k.attr, ""),
            })
            .collect(),
        row,
    };
    let mut heap: BinaryHeap<Candidate> = BinaryHeap::new();
    let mut total = 0;
    for row in rows {
        total += 1;
        if wanted == 0 {
            continue;
        }
        if heap.len() < wanted {
            heap.push(Candidate {
                order,
                keyed: key(row),
            });
            continue;
        }
        if let Some(mut worst) = heap.peek_mut() {
            // Most rows lose by the first key alone, without a copy of it.
            if let (Some(Some(slot)), Some(k)) = (slots.first(), order.keys.first())
                && k.options.is_none()
            {
                let ordering = k.compare(row.get(*slot), &worst.keyed.keys[0]);
                if (if k.descending {
                    ordering.reverse()
                } else {
                    ordering
                }) == Ordering::Greater
                {
                    continue;
                }
            }
            let candidate = Candidate {
                order,
                keyed: key(row),
            };
            if candidate < *worst {
                *worst = candidate;
            }
        }
    }
    (
        heap.into_sorted_vec()
            .into_iter()
            .map(|c| Arc::clone(c.keyed.row))
            .collect(),
        total,
    )
}

/// Nulls first, as MySQL has it; text by collation.
pub(crate) fn compare_values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Text(a), Value::Text(b)) => collate::cmp(a, b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (a, b) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => Ordering::Equal,
        },
    }
}
