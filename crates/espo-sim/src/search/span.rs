//! The part of an order that can contain results of a search. A page by key is read from an index, starting at the
//! end of the previous page, instead of by a scan.

use std::ops::Bound;

use serde_json::Value as Json;

use super::compare::moment;
use super::where_::{attribute, group};
use crate::layout::{AttrIx, Layout, Source, Ty};
use crate::store::{Bounds, By, Key, is_plain};
use crate::value::Id;

/// A bound of a range of strings, from before the first to after the last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Edge {
    Min,
    At(Id),
    Max,
}

/// An end of a range of values and, within a value, of IDs.
type Point = (Edge, Edge);

/// Rows outside the range match no item; rows inside may match.
#[derive(Debug, Clone, PartialEq)]
struct Span {
    from: Point,
    to: Point,
}

const START: Point = (Edge::Min, Edge::Min);
const END: Point = (Edge::Max, Edge::Max);

impl Span {
    fn from(from: Point) -> Span {
        Span { from, to: END }
    }

    fn to(to: Point) -> Span {
        Span { from: START, to }
    }

    fn exactly(value: Id) -> Span {
        Span {
            from: (Edge::At(value.clone()), Edge::Min),
            to: (Edge::At(value), Edge::Max),
        }
    }

    fn intersect(self, other: Span) -> Span {
        Span {
            from: self.from.max(other.from),
            to: self.to.min(other.to),
        }
    }

    fn hull(self, other: Span) -> Span {
        Span {
            from: self.from.min(other.from),
            to: self.to.max(other.to),
        }
    }
}

/// An order by one attribute that an index can provide.
pub(crate) fn by(layout: &Layout, attr: AttrIx) -> Option<By> {
    let attr = &layout.attrs[attr];
    match attr.source {
        Source::Slot(_) if attr.name == "id" => Some(By::Id),
        Source::Slot(slot) if matches!(attr.ty, Ty::Date | Ty::DateTime) => Some(By::Date(slot)),
        _ => None,
    }
}

/// Returns bounds of the rows that can match the items of a search, in the order of an attribute; `None` if there are
/// no bounds.
pub(crate) fn bounds(layout: &Layout, attr: AttrIx, items: &[Json]) -> Option<Walk> {
    let cx = Context {
        name: &layout.attrs[attr].name,
        ty: layout.attrs[attr].ty,
    };
    let span = cx.all(items.iter())?;
    if span.from > span.to {
        return Some(Walk::Nothing);
    }
    if span.from == START && span.to == END {
        return None;
    }
    Some(Walk::Between((start(span.from), end(span.to))))
}

/// The range to search.
#[derive(Debug)]
pub(crate) enum Walk {
    Nothing,
    Between(Bounds),
}

/// A string that is sorted after every ID.
const LAST: &str = "\u{10FFFF}";

fn first(value: Id, id: Id) -> Key {
    (value, id, 0)
}

fn last(value: Id, id: impl Into<Id>) -> Key {
    (value, id.into(), usize::MAX)
}

fn start(point: Point) -> Bound<Key> {
    match point {
        (Edge::Min, _) => Bound::Unbounded,
        (Edge::At(value), Edge::Min) => Bound::Included(first(value, Id::default())),
        (Edge::At(value), Edge::At(id)) => Bound::Included(first(value, id)),
        (Edge::At(value), Edge::Max) => Bound::Excluded(last(value, LAST)),
        (Edge::Max, _) => Bound::Excluded(last(LAST.into(), LAST)),
    }
}

fn end(point: Point) -> Bound<Key> {
    match point {
        (Edge::Max, _) => Bound::Unbounded,
        (Edge::At(value), Edge::Max) => Bound::Included(last(value, LAST)),
        (Edge::At(value), Edge::At(id)) => Bound::Included(last(value, id)),
        (Edge::At(value), Edge::Min) => Bound::Excluded(first(value, Id::default())),
        (Edge::Min, _) => Bound::Excluded(first(Id::default(), Id::default())),
    }
}

struct Context<'a> {
    /// The attribute of the order.
    name: &'a str,
    ty: Ty,
}

impl Context<'_> {
    /// Items that must all match.
    fn all<'j>(&self, items: impl Iterator<Item = &'j Json> + Clone) -> Option<Span> {
        let spans = items.clone().filter_map(|item| self.one(item));
        let mut span = spans.reduce(Span::intersect)?;
        // Within one value, the IDs may also have bounds.
        if self.name != "id"
            && let (Edge::At(a), Edge::At(b)) = (&span.from.0, &span.to.0)
            && a == b
        {
            let ids = Context {
                name: "id",
                ty: Ty::Id,
            };
            if let Some(ids) = items
                .filter_map(|item| ids.one(item))
                .reduce(Span::intersect)
            {
                span.from.1 = span.from.1.max(ids.from.0);
                span.to.1 = span.to.1.min(ids.to.0);
            }
        }
        Some(span)
    }

    /// Returns the range of one item; `None` for an item that does not restrict the attribute.
    fn one(&self, item: &Json) -> Option<Span> {
        let type_ = item.get("type").and_then(Json::as_str)?;
        match type_ {
            "and" => return self.all(group(item).iter().copied()),
            "or" => {
                let spans = group(item).into_iter().map(|item| self.one(item));
                return spans
                    .collect::<Option<Vec<_>>>()?
                    .into_iter()
                    .reduce(Span::hull);
            }
            _ => {}
        }
        if attribute(item) != Some(self.name) {
            return None;
        }
        match type_ {
            "isNull" => return Some(Span::exactly(Id::default())),
            "isNotNull" => return Some(Span::from((Edge::At(Id::default()), Edge::Max))),
            _ => {}
        }
        let value = item.get("value").filter(|v| v.is_string())?;
        let value: Id = moment(self.ty, value).into();
        // An index cannot be used where the order of letters differs from that of bytes.
        if self.ty == Ty::Id && !is_plain(&value) {
            return None;
        }
        let at = Edge::At(value.clone());
        Some(match type_ {
            "equals" => Span::exactly(value),
            "greaterThan" => Span::from((at, Edge::Max)),
            "greaterThanOrEquals" => Span::from((at, Edge::Min)),
            "lessThan" => Span::to((at, Edge::Min)),
            "lessThanOrEquals" => Span::to((at, Edge::Max)),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn span(name: &str, items: Json) -> Option<Span> {
        let ty = if name == "id" { Ty::Id } else { Ty::DateTime };
        Context { name, ty }.all(items.as_array().into_iter().flatten())
    }

    #[test]
    fn the_page_after_a_record_begins_at_its_value_and_id() {
        let items = json!([
            {"type": "contains", "attribute": "name", "value": "x"},
            {"type": "or", "value": [
                {"type": "greaterThan", "attribute": "createdAt", "value": "2026-01-31 08:00:00"},
                {"type": "and", "value": [
                    {"type": "equals", "attribute": "createdAt", "value": "2026-01-31 08:00:00"},
                    {"type": "greaterThan", "attribute": "id", "value": "a1"},
                ]},
            ]},
        ]);
        let found = span("createdAt", items.clone()).unwrap();
        let at = |s: &str| Edge::At(s.into());
        assert_eq!(found.from.0, at("2026-01-31 08:00:00"));
        assert_eq!(found.from.1, at("a1"));
        assert_eq!(found.to, END);
        assert_eq!(span("id", items), None, "either branch may hold");
    }

    #[test]
    fn bounds_narrow_each_other_and_alternatives_widen_them() {
        let more = |v: &str| json!({"type": "greaterThan", "attribute": "id", "value": v});
        let less = |v: &str| json!({"type": "lessThanOrEquals", "attribute": "id", "value": v});
        let found = span("id", json!([more("b"), more("c"), less("x")])).unwrap();
        assert_eq!(found.from, (Edge::At("c".into()), Edge::Max));
        assert_eq!(found.to, (Edge::At("x".into()), Edge::Max));
        let either = json!([{"type": "or", "value": [more("c"), more("b")]}]);
        assert_eq!(span("id", either).unwrap().from.0, Edge::At("b".into()));
        let open =
            json!([{"type": "or", "value": [more("c"), {"type": "isNull", "attribute": "x"}]}]);
        assert_eq!(span("id", open), None);
        assert_eq!(
            span("id", json!([more("B")])),
            None,
            "capitals sort otherwise"
        );
    }
}
