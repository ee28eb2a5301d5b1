//! Typed conditions of a search.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr};

use crate::search::{Operand, WhereItem};

/// A condition on records of entity type `E`.
///
/// Created by the constants of an entity type, and combined with `&` and `|`:
/// `opportunity::STAGE.ne(Stage::ClosedLost) & opportunity::AMOUNT.gt(10_000)`.
///
/// Conditions that the typed constants do not cover can be added with [`Filter::new`].
pub struct Filter<E> {
    item: WhereItem,
    marker: PhantomData<fn() -> E>,
}

impl<E> Filter<E> {
    /// Creates an untyped condition, for attributes that the metadata does not contain: `Filter::new(WhereItem::…)`.
    pub fn new(item: WhereItem) -> Self {
        Self {
            item,
            marker: PhantomData,
        }
    }

    /// Combines `filters` with AND; an empty list matches everything.
    pub fn all(filters: impl IntoIterator<Item = Filter<E>>) -> Self {
        Self::new(WhereItem::and(
            filters.into_iter().map(|filter| filter.item),
        ))
    }

    /// Combines `filters` with OR; an empty list matches nothing. (The server would match everything for an empty
    /// `or`.)
    pub fn any(filters: impl IntoIterator<Item = Filter<E>>) -> Self {
        let items: Vec<_> = filters.into_iter().map(|filter| filter.item).collect();
        Self::new(if items.is_empty() {
            WhereItem::is_in("id", [""; 0])
        } else {
            WhereItem::or(items)
        })
    }

    /// Sets the time zone (such as `Europe/Kyiv`) in which days, months and other periods are evaluated, for every
    /// condition on a date or a time in this filter. Defaults to the instance's.
    #[must_use]
    pub fn time_zone(self, zone: &str) -> Self {
        Self::new(self.item.map(&|item| match item.has_clock() {
            true => item.time_zone(zone.to_owned()),
            false => item,
        }))
    }

    /// Returns the condition as a where item.
    pub fn into_item(self) -> WhereItem {
        self.item
    }

    fn join(
        self,
        other: Self,
        kind: &str,
        group: impl FnOnce(Vec<WhereItem>) -> WhereItem,
    ) -> Self {
        let mut items = parts(self.item, kind);
        items.extend(parts(other.item, kind));
        Self::new(group(items))
    }
}

/// The items of a group with this type, or the single item: `a & b & c` is one group of three.
fn parts(item: WhereItem, kind: &str) -> Vec<WhereItem> {
    match item.operand() {
        Operand::Items(items) if item.kind() == kind => items.clone(),
        _ => vec![item],
    }
}

impl<E> BitAnd for Filter<E> {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.join(other, "and", WhereItem::and)
    }
}

impl<E> BitOr for Filter<E> {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.join(other, "or", WhereItem::or)
    }
}

impl<E> Clone for Filter<E> {
    fn clone(&self) -> Self {
        Self::new(self.item.clone())
    }
}

impl<E> PartialEq for Filter<E> {
    fn eq(&self, other: &Self) -> bool {
        self.item == other.item
    }
}

impl<E> fmt::Debug for Filter<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.item.fmt(f)
    }
}

impl<E> From<Filter<E>> for WhereItem {
    fn from(filter: Filter<E>) -> Self {
        filter.item
    }
}

impl<E> From<WhereItem> for Filter<E> {
    fn from(item: WhereItem) -> Self {
        Self::new(item)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Filter;
    use crate::search::{Operand, WhereItem};
    use crate::typed::{Field, kind};

    const CLOSE: Field<(), kind::Date> = Field::new("closeDate");
    const START: Field<(), kind::Unordered<kind::DateTime>> = Field::new("dateStart");
    const NAME: Field<(), kind::Text> = Field::new("name");

    fn json(filter: Filter<()>) -> Value {
        serde_json::to_value(filter.into_item()).unwrap()
    }

    #[test]
    fn time_zones_are_sent_for_dates_and_times_alike() {
        let zoned = |filter: Filter<()>| json(filter.time_zone("Pacific/Auckland"));
        assert_eq!(
            zoned(CLOSE.today()),
            json!({"type": "today", "attribute": "closeDate", "date": true, "timeZone": "Pacific/Auckland"})
        );
        assert_eq!(
            zoned(START.last_x_days(3)),
            json!({"type": "lastXDays", "attribute": "dateStart", "value": 3, "dateTime": true, "timeZone": "Pacific/Auckland"})
        );
        assert_eq!(zoned(NAME.eq("a")), json(NAME.eq("a")));
        assert_eq!(
            json(CLOSE.today()),
            json!({"type": "today", "attribute": "closeDate"})
        );
    }

    #[test]
    fn time_zones_keep_the_types_of_groups() {
        for kind in ["and", "or", "not", "subQueryNotIn"] {
            let inner = Operand::Items(vec![CLOSE.past().into_item()]);
            let outer = WhereItem::raw(
                "and",
                None,
                Operand::Items(vec![WhereItem::raw(kind, None, inner)]),
            );
            let found = json(Filter::new(outer).time_zone("Asia/Tokyo"));
            assert_eq!(found["value"][0]["type"], kind);
            assert_eq!(
                found["value"][0]["value"][0]["timeZone"], "Asia/Tokyo",
                "{kind}"
            );
        }
    }

    #[test]
    fn any_of_no_filters_matches_nothing() {
        let nothing = json!({"type": "in", "attribute": "id", "value": []});
        assert_eq!(json(Filter::any([])), nothing);
        assert_eq!(json(Filter::all([])), json!({"type": "and", "value": []}));
    }
}
