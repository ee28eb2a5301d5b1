//! Attributes as typed constants, with the filters, orders and writes that they support.

use std::borrow::Cow;
use std::marker::PhantomData;

use jiff::civil::Date;
use serde_json::Value;

use super::access::Writable;
use super::filter::Filter;
use super::kind::{
    self, Boolean, Clock, Comparable, Equal, Kind, List, Member, Nullable, Operand, Ordered,
    Sortable, Temporal, Textual,
};
use super::value::AttributeValue;
use crate::search::{Order, WhereItem};

/// An attribute of entity type `E`, of kind `K`, with access `A`.
///
/// The generated code has one constant for each attribute, such as `account::NAME`. The kind determines the available
/// filters: `contains` for a string, `current_quarter` for a date.
pub struct Field<E, K, A = Writable> {
    name: &'static str,
    marker: PhantomData<fn() -> (E, K, A)>,
}

impl<E, K, A> Field<E, K, A> {
    /// Creates the constant of an attribute. For generated code; the type follows from the metadata.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            marker: PhantomData,
        }
    }

    /// Returns the attribute's name on the wire.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<E, K, A> Clone for Field<E, K, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, K, A> Copy for Field<E, K, A> {}

/// Converts to the name on the wire, so that a constant can be used instead of a name.
impl<E, K, A> From<Field<E, K, A>> for Cow<'static, str> {
    fn from(field: Field<E, K, A>) -> Self {
        Cow::Borrowed(field.name)
    }
}

impl<E, K, A> std::fmt::Debug for Field<E, K, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A condition relative to the current time, marked for the kind of the attribute.
fn by_clock<E, K: Kind>(item: WhereItem) -> Filter<E> {
    Filter::new(match K::CLOCK {
        Clock::DateTime => item.date_time(),
        Clock::Date => item.date_if_zoned(),
        Clock::None => item,
    })
}

impl<E, K, A> Field<E, K, A> {
    /// Matches records in which the attribute is not set.
    pub fn is_null(self) -> Filter<E>
    where
        K: Nullable,
    {
        Filter::new(WhereItem::is_null(self.name))
    }

    /// Matches records in which the attribute is set.
    pub fn is_not_null(self) -> Filter<E>
    where
        K: Nullable,
    {
        Filter::new(WhereItem::is_not_null(self.name))
    }
}

impl<E, K, A> Field<E, K, A> {
    /// Matches values equal to `value`. Strings are compared without case, accents and trailing spaces (the
    /// database's collation).
    pub fn eq(self, value: impl Operand<K>) -> Filter<E>
    where
        K: Equal,
    {
        Filter::new(WhereItem::equals(self.name, value.operand()))
    }

    /// Matches values other than `value`. As in SQL, a record whose attribute is null does not match.
    pub fn ne(self, value: impl Operand<K>) -> Filter<E>
    where
        K: Comparable,
    {
        Filter::new(WhereItem::not_equals(self.name, value.operand()))
    }

    /// Matches any of `values`; an empty list matches nothing.
    pub fn is_in(self, values: impl IntoIterator<Item = impl Operand<K>>) -> Filter<E>
    where
        K: Member,
    {
        Filter::new(WhereItem::is_in(self.name, kind::operands(values)))
    }

    /// Matches values that are neither null nor one of `values`; an empty list matches everything.
    pub fn is_not_in(self, values: impl IntoIterator<Item = impl Operand<K>>) -> Filter<E>
    where
        K: Member,
    {
        Filter::new(WhereItem::not_in(self.name, kind::operands(values)))
    }
}

impl<E, K, A> Field<E, K, A> {
    /// Matches values greater than `value`.
    pub fn gt(self, value: impl Operand<K>) -> Filter<E>
    where
        K: Ordered,
    {
        Filter::new(WhereItem::greater_than(self.name, value.operand()))
    }

    /// Matches values greater than or equal to `value`.
    pub fn ge(self, value: impl Operand<K>) -> Filter<E>
    where
        K: Ordered,
    {
        Filter::new(WhereItem::greater_than_or_equals(
            self.name,
            value.operand(),
        ))
    }

    /// Matches values less than `value`.
    pub fn lt(self, value: impl Operand<K>) -> Filter<E>
    where
        K: Ordered,
    {
        Filter::new(WhereItem::less_than(self.name, value.operand()))
    }

    /// Matches values less than or equal to `value`.
    pub fn le(self, value: impl Operand<K>) -> Filter<E>
    where
        K: Ordered,
    {
        Filter::new(WhereItem::less_than_or_equals(self.name, value.operand()))
    }

    /// Matches values from `low` to `high`, inclusive; for a time, a date means the whole day.
    pub fn between(self, low: impl Operand<K>, high: impl Operand<K>) -> Filter<E>
    where
        K: Ordered,
    {
        by_clock::<E, K>(WhereItem::between(self.name, low.operand(), high.operand()))
    }
}

impl<E, K, A> Field<E, K, A> {
    /// Contains `text`; `%` and `_` in it act as wildcards.
    pub fn contains(self, text: &str) -> Filter<E>
    where
        K: Textual,
    {
        Filter::new(WhereItem::contains(self.name, text))
    }

    /// Matches values that are not null and do not contain `text`.
    pub fn not_contains(self, text: &str) -> Filter<E>
    where
        K: Textual,
    {
        Filter::new(WhereItem::not_contains(self.name, text))
    }

    /// Starts with `text`; `%` and `_` in it act as wildcards.
    pub fn starts_with(self, text: &str) -> Filter<E>
    where
        K: Textual,
    {
        Filter::new(WhereItem::starts_with(self.name, text))
    }

    /// Ends with `text`; `%` and `_` in it act as wildcards.
    pub fn ends_with(self, text: &str) -> Filter<E>
    where
        K: Textual,
    {
        Filter::new(WhereItem::ends_with(self.name, text))
    }

    /// Matches an SQL `LIKE` pattern: `%` matches any characters, `_` one character.
    pub fn like(self, pattern: &str) -> Filter<E>
    where
        K: Textual,
    {
        Filter::new(WhereItem::like(self.name, pattern))
    }

    /// Matches values that are not null and do not match an SQL `LIKE` pattern.
    pub fn not_like(self, pattern: &str) -> Filter<E>
    where
        K: Textual,
    {
        Filter::new(WhereItem::not_like(self.name, pattern))
    }
}

impl<E, K, A> Field<E, K, A> {
    /// Matches true.
    pub fn is_true(self) -> Filter<E>
    where
        K: Boolean,
    {
        Filter::new(WhereItem::is_true(self.name))
    }

    /// Matches false.
    pub fn is_false(self) -> Filter<E>
    where
        K: Boolean,
    {
        Filter::new(WhereItem::is_false(self.name))
    }
}

impl<E, K, A> Field<E, K, A> {
    /// Contains at least one of `items`.
    pub fn any_of<'a>(self, items: impl IntoIterator<Item = &'a K::Item>) -> Filter<E>
    where
        K: List,
    {
        Filter::new(WhereItem::array_any_of(self.name, items_json(items)))
    }

    /// Contains none of `items`.
    pub fn none_of<'a>(self, items: impl IntoIterator<Item = &'a K::Item>) -> Filter<E>
    where
        K: List,
    {
        Filter::new(WhereItem::array_none_of(self.name, items_json(items)))
    }

    /// Contains all of `items`.
    pub fn all_of<'a>(self, items: impl IntoIterator<Item = &'a K::Item>) -> Filter<E>
    where
        K: List,
    {
        Filter::new(WhereItem::array_all_of(self.name, items_json(items)))
    }

    /// Contains no items.
    pub fn is_empty(self) -> Filter<E>
    where
        K: List,
    {
        Filter::new(WhereItem::array_is_empty(self.name))
    }

    /// Contains at least one item.
    pub fn is_not_empty(self) -> Filter<E>
    where
        K: List,
    {
        Filter::new(WhereItem::array_is_not_empty(self.name))
    }
}

fn items_json<'a, T: AttributeValue>(items: impl IntoIterator<Item = &'a T>) -> Vec<Value> {
    items.into_iter().map(AttributeValue::to_json).collect()
}

macro_rules! periods {
    ($($(#[$meta:meta])* $name:ident;)*) => {
        impl<E, K, A> Field<E, K, A> {
            $($(#[$meta])*
            pub fn $name(self) -> Filter<E> where K: Temporal {
                by_clock::<E, K>(WhereItem::$name(self.name))
            })*
        }
    };
}

periods! {
    /// Matches today, in the filter's time zone ([`Filter::time_zone`]), by default the instance's.
    today;
    /// Matches times before now, and dates before today.
    past;
    /// Matches times after now, and dates after today.
    future;
    /// Matches the period from seven days ago to now.
    last_seven_days;
    /// Matches this month.
    current_month;
    /// Matches the previous month.
    last_month;
    /// Matches the next month.
    next_month;
    /// Matches this quarter.
    current_quarter;
    /// Matches the previous quarter.
    last_quarter;
    /// Matches this year.
    current_year;
    /// Matches the previous year.
    last_year;
    /// Matches the current fiscal year; the instance's settings define its start.
    current_fiscal_year;
    /// Matches the previous fiscal year.
    last_fiscal_year;
    /// Matches the current fiscal quarter.
    current_fiscal_quarter;
    /// Matches the previous fiscal quarter.
    last_fiscal_quarter;
}

impl<E, K, A> Field<E, K, A> {
    /// Matches the day `date`; for a time, any time within that day in the filter's time zone.
    pub fn on(self, date: Date) -> Filter<E>
    where
        K: Temporal,
    {
        by_clock::<E, K>(WhereItem::on(self.name, date.to_string()))
    }

    /// Matches values that are not null and not on the day `date`.
    pub fn not_on(self, date: Date) -> Filter<E>
    where
        K: Temporal,
    {
        by_clock::<E, K>(WhereItem::not_on(self.name, date.to_string()))
    }

    /// Matches values before `value`; for a time and a date, before that day begins.
    pub fn before(self, value: impl Operand<K>) -> Filter<E>
    where
        K: Temporal,
    {
        by_clock::<E, K>(WhereItem::before(self.name, value.operand()))
    }

    /// Matches values after `value`; for a time and a date, after that day ends.
    pub fn after(self, value: impl Operand<K>) -> Filter<E>
    where
        K: Temporal,
    {
        by_clock::<E, K>(WhereItem::after(self.name, value.operand()))
    }

    /// Matches the period from `days` days ago to today.
    pub fn last_x_days(self, days: u32) -> Filter<E>
    where
        K: Temporal,
    {
        by_clock::<E, K>(WhereItem::last_x_days(self.name, days))
    }

    /// Matches the period from today to `days` days ahead.
    pub fn next_x_days(self, days: u32) -> Filter<E>
    where
        K: Temporal,
    {
        by_clock::<E, K>(WhereItem::next_x_days(self.name, days))
    }

    /// Matches values more than `days` days ago.
    pub fn older_than_x_days(self, days: u32) -> Filter<E>
    where
        K: Temporal,
    {
        by_clock::<E, K>(WhereItem::older_than_x_days(self.name, days))
    }

    /// Matches values more than `days` days ahead.
    pub fn after_x_days(self, days: u32) -> Filter<E>
    where
        K: Temporal,
    {
        by_clock::<E, K>(WhereItem::after_x_days(self.name, days))
    }
}

/// An order of a list of `E`.
#[derive(Debug)]
pub struct OrderBy<E> {
    pub(crate) field: Cow<'static, str>,
    pub(crate) order: Order,
    /// Whether pages can be requested by key in this order.
    pub(crate) is_key: bool,
    marker: PhantomData<fn() -> E>,
}

impl<E> OrderBy<E> {
    pub(crate) fn new(field: impl Into<Cow<'static, str>>, order: Order) -> Self {
        Self {
            field: field.into(),
            order,
            is_key: false,
            marker: PhantomData,
        }
    }

    fn key(mut self, is_key: bool) -> Self {
        self.is_key = is_key;
        self
    }
}

impl<E, K, A> Field<E, K, A> {
    /// Orders by the smallest value first; enums in the order of their options.
    pub fn asc(self) -> OrderBy<E>
    where
        K: Sortable,
    {
        OrderBy::new(self.name, Order::Asc).key(K::IS_KEY)
    }

    /// Orders by the greatest value first; enums in the reverse order of their options.
    pub fn desc(self) -> OrderBy<E>
    where
        K: Sortable,
    {
        OrderBy::new(self.name, Order::Desc).key(K::IS_KEY)
    }
}
