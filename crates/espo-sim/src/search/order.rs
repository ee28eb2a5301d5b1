//! The order of a list, and the selection of its first rows without sorting all rows.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use espo_schema::{AttributeRole, FieldKind, Order as Direction};

use super::params::SearchParams;
use crate::app::{App, Caller};
use crate::collate;
use crate::facts::field_access;
use crate::http::{Refusal, Result};
use crate::layout::{AttrIx, Layout, Ordering as Joined, Source, Ty};
use crate::store::Row;
use crate::value::{Value, leading_number};
use crate::view;

/// One key of an order.
#[derive(Debug)]
struct Key {
    attr: AttrIx,
    descending: bool,
    /// Position of each option, for enums.
    options: Option<Vec<String>>,
    ty: Ty,
}

impl Key {
    /// Compares two values in the key's direction.
    fn compare(&self, a: &Value, b: &Value) -> Ordering {
        let ordering = match (&self.options, a, b) {
            // Values outside of the options come last in both directions.
            (Some(options), ..) => {
                let at = |v: &Value| v.as_str().and_then(|s| options.iter().position(|o| o == s));
                match (at(a), at(b)) {
                    (Some(a), Some(b)) => a.cmp(&b),
                    (a, b) => return b.is_some().cmp(&a.is_some()),
                }
            }
            (None, Value::Text(a), Value::Text(b)) => match self.ty {
                Ty::Date | Ty::DateTime | Ty::Id => a.as_bytes().cmp(b.as_bytes()),
                Ty::Decimal => leading_number(a).total_cmp(&leading_number(b)),
                _ => collate::cmp(a, b),
            },
            _ => compare_values(a, b),
        };
        if self.descending {
            ordering.reverse()
        } else {
            ordering
        }
    }
}

/// A list's order.
#[derive(Debug)]
pub(crate) struct Order {
    keys: Vec<Key>,
    /// Direction of the ID, which is the tie-breaker.
    id_descending: bool,
    /// Attributes that a list row contains because the list is ordered by a field.
    pub(crate) attrs: Vec<AttrIx>,
    /// Whether the database cannot order by it, so that the query fails when it is run.
    broken: bool,
}

impl Order {
    /// Returns the order that a search requests, or the entity type's default.
    pub(crate) fn of(
        app: &App,
        caller: &Caller,
        layout: &Layout,
        params: &SearchParams,
    ) -> Result<Order> {
        let collection = &app.layouts.entity(layout).collection;
        let Some(field) = &params.order_by else {
            let descending = params
                .descending
                .unwrap_or(collection.order == Some(Direction::Desc));
            let keys = match collection.order_by.as_deref() {
                Some(field) => keys(app, layout, field),
                None => Vec::new(),
            };
            let mut order = Self::build(layout, &keys, descending);
            if let Some(field) = collection.order_by.as_deref() {
                order.attrs = added(app, layout, field);
            }
            order.broken = !params.is_page_possible();
            return Ok(order);
        };
        let is_default = collection.order_by.as_ref() == Some(field);
        let keys = Self::check(app, caller, layout, field, is_default)?;
        let mut order = Self::build(layout, &keys, params.descending.unwrap_or(false));
        order.attrs = added(app, layout, field);
        order.broken = !params.is_page_possible()
            || (!is_default && !executable(app, layout, field, &keys, params));
        Ok(order)
    }

    /// Returns the error of the database if it cannot run the query.
    pub(crate) fn executable(&self) -> Result<()> {
        if self.broken {
            Err(Refusal::internal())
        } else {
            Ok(())
        }
    }

    fn check(
        app: &App,
        caller: &Caller,
        layout: &Layout,
        field: &str,
        is_default: bool,
    ) -> Result<Vec<AttrIx>> {
        if field.contains(['.', ':', '#']) {
            return Err(Refusal::forbidden_search(
                "Complex expressions are forbidden in 'orderBy'.",
            ));
        }
        let entity = app.layouts.entity(layout);
        if let Some(f) = entity.fields.get(field) {
            if f.order_disabled || f.kind == FieldKind::Password {
                return Err(Refusal::forbidden_search(format!(
                    "Order by the field '{field}' is disabled."
                )));
            }
            let access = field_access(&app.layouts.schema, &layout.name, field);
            if f.disabled
                || access.hidden
                || (access.admin_only && !caller.acl.is_admin())
                || !caller.acl.may_read_field(&layout.name, field)
            {
                return Err(Refusal::forbidden_search(format!(
                    "Not access to order by field '{field}'."
                )));
            }
        }
        let keys = keys(app, layout, field);
        if keys.is_empty() && !is_default && !is_stub(layout, field) {
            return Err(Refusal::bad_request(format!(
                "Order by non-existing field '{field}'."
            )));
        }
        Ok(keys)
    }

    fn build(layout: &Layout, keys: &[AttrIx], descending: bool) -> Order {
        let keys: Vec<Key> = keys
            .iter()
            .map(|ix| Key {
                attr: *ix,
                descending,
                options: layout.attrs[*ix].options.clone(),
                ty: layout.attrs[*ix].ty,
            })
            .collect();
        Order {
            id_descending: descending,
            attrs: Vec::new(),
            keys,
            broken: false,
        }
    }

    /// Returns the attribute and direction, if the order consists of one attribute and the ID in the same direction.
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
            let ordering = key.compare(&a.keys[i], &b.keys[i]);
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

/// Attributes by which a field or attribute is ordered.
fn keys(app: &App, layout: &Layout, field: &str) -> Vec<AttrIx> {
    let entity = app.layouts.entity(layout);
    let find = |names: &[String]| -> Vec<AttrIx> {
        names
            .iter()
            .filter_map(|n| layout.find(n))
            .filter(|ix| !layout.attrs[*ix].write_only)
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
        _ => match layout.attr(field).map(|a| &a.source) {
            // Empty first names come first.
            Some(Source::Person([first, _, last])) => [first, last]
                .into_iter()
                .filter_map(|slot| {
                    layout
                        .attrs
                        .iter()
                        .position(|a| slot.is_some_and(|s| a.source == Source::Slot(s)))
                })
                .collect(),
            _ => find(&[field.to_owned()]),
        },
    }
}

/// Attributes that ordering by a field adds to the selection. An attribute that is not a field adds nothing.
fn added(app: &App, layout: &Layout, field: &str) -> Vec<AttrIx> {
    let entity = app.layouts.entity(layout);
    let Some(f) = entity.fields.get(field) else {
        return Vec::new();
    };
    f.attributes
        .iter()
        .filter_map(|name| layout.find(name))
        .filter(|ix| {
            let attr = &layout.attrs[*ix];
            attr.in_list && (attr.role != AttributeRole::Converted || attr.name == field)
        })
        .collect()
}

/// `{link}Ids`, `{link}Names` or `{link}Columns` of a link without a field: the data layer knows the attribute.
fn is_stub(layout: &Layout, name: &str) -> bool {
    ["Ids", "Names", "Columns", "Types"].iter().any(|suffix| {
        name.strip_suffix(suffix)
            .is_some_and(|link| layout.links.contains_key(link))
    })
}

/// Whether the database can order by the requested attribute.
fn executable(
    app: &App,
    layout: &Layout,
    field: &str,
    keys: &[AttrIx],
    params: &SearchParams,
) -> bool {
    let by_field = app
        .layouts
        .entity(layout)
        .fields
        .get(field)
        .is_some_and(|f| f.name == field);
    !keys.is_empty()
        && keys.iter().all(|ix| {
            let attr = &layout.attrs[*ix];
            match attr.query.order {
                Joined::Always => true,
                Joined::Never => false,
                // A field selects its attributes, and so does a list without a selection.
                Joined::IfSelected => {
                    by_field
                        || match &params.select {
                            None => true,
                            Some(names) => names.contains(&attr.name) || layout.always.contains(ix),
                        }
                }
            }
        })
}

struct Keyed<'r> {
    keys: Vec<Value>,
    row: &'r Arc<Row>,
}

/// A candidate in the heap. The greatest is on top and is replaced by the next better one.
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

/// Returns the first `wanted` rows in the order, and the total number.
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
            // Most rows are excluded by the first key, without copying it.
            if let (Some(Some(slot)), Some(k)) = (slots.first(), order.keys.first())
                && k.options.is_none()
                && k.compare(row.get(*slot), &worst.keyed.keys[0]) == Ordering::Greater
            {
                continue;
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

/// Compares two values as MySQL does: nulls first, strings by collation.
pub(crate) fn compare_values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Text(a), Value::Text(b)) => collate::cmp(a, b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        // Arrays and objects are ordered by their serialised JSON.
        (Value::Json(a), Value::Json(b)) => collate::cmp(&a.to_string(), &b.to_string()),
        (a, b) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => Ordering::Equal,
        },
    }
}
