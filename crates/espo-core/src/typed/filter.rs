//! Typed conditions of a search.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr};

use crate::search::{Operand, WhereItem};

/// A condition on records of entity type `E`.
///
/// Made by the constants of an entity type, joined with `&` and `|`:
/// `opportunity::STAGE.ne(Stage::ClosedLost) & opportunity::AMOUNT.gt(10_000)`.
///
/// What the typed constants do not offer goes in through [`Filter::new`].
pub struct Filter<E> {
    item: WhereItem,
    marker: PhantomData<fn() -> E>,
}

impl<E> Filter<E> {
    /// An untyped condition, for what the metadata does not tell: `Filter::new(WhereItem::…)`.
    pub fn new(item: WhereItem) -> Self {
        Self {
            item,
            marker: PhantomData,
        }
    }

    /// All of `filters`; none at all matches everything.
    pub fn all(filters: impl IntoIterator<Item = Filter<E>>) -> Self {
        Self::new(WhereItem::and(
            filters.into_iter().map(|filter| filter.item),
        ))
    }

    /// Any of `filters`. With none at all the server matches everything, as if there were no condition.
    pub fn any(filters: impl IntoIterator<Item = Filter<E>>) -> Self {
        Self::new(WhereItem::or(filters.into_iter().map(|filter| filter.item)))
    }

    /// Sets the time zone (such as `Europe/Kyiv`) in which days, months and the like are meant, for every
    /// condition on a time in this filter. Without it the server takes its own.
    #[must_use]
    pub fn time_zone(self, zone: &str) -> Self {
        Self::new(in_zone(self.item, zone))
    }

    /// The condition as a where item.
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

/// The items of a group of the kind, or the item alone: `a & b & c` is one group of three.
fn parts(item: WhereItem, kind: &str) -> Vec<WhereItem> {
    match item.operand() {
        Operand::Items(items) if item.kind() == kind => items.clone(),
        _ => vec![item],
    }
}

fn in_zone(item: WhereItem, zone: &str) -> WhereItem {
    match item.operand() {
        Operand::Items(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| in_zone(item.clone(), zone))
                .collect();
            if item.kind() == "or" {
                WhereItem::or(items)
            } else {
                WhereItem::and(items)
            }
        }
        _ if item.is_date_time() => item.time_zone(zone.to_owned()),
        _ => item,
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
