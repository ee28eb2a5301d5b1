//! The untyped API: the same calls for entity types, attributes and links that are known only at run time.
//!
//! [`Client::untyped`](crate::Client::untyped) returns the records of an entity type as [`JsonObject`]s. Everything
//! else has the same names as for generated types: `list`, `read`, `create`, `update`, `upsert`, `write_many`,
//! `record`, `related`,
//! `follow`, `export`, and so on. IDs, links and named filters are strings; [`field`] and [`link`] build the
//! filters and orders that the constants of generated code build.
//!
//! ```no_run
//! use espo_core::prelude::*;
//! use espo_core::untyped::{field, link};
//! # async fn run(crm: Client, entity_type: String, account: String) -> Result<(), Error> {
//!
//! let deals = crm
//!     .untyped(entity_type)
//!     .list()
//!     .filter(field("amount").gt(10_000) & field("closeDate").current_quarter())
//!     .filter(link("account").linked_with([&account]))
//!     .order_by(field("closeDate").desc())
//!     .select(["name", "amount"])
//!     .await?;
//! let contacts = crm.untyped("Account").record(&account).related("contacts").list().await?;
//! # Ok(()) }
//! ```
//!
//! The compiler checks none of these names; the server rejects unknown attributes with a 400. [`field`] also adds
//! conditions on attributes that are missing in the generated code to a typed list:
//! `crm.list::<Account>().filter(field("cRegion").eq("North"))`.

mod link;

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::Value;

pub use crate::typed::Untyped as Schema;
pub use link::Link;

use crate::JsonObject;
use crate::search::{Order, WhereItem};
use crate::typed::{AttributeValue, Filter, Id, Key, OrderBy, Select};

type Name = Cow<'static, str>;

/// An attribute by its name on the wire; see [`field`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Field {
    name: Name,
    date_time: bool,
    date: bool,
}

/// Returns the attribute with this name: `field("amount").gt(10_000)`.
pub fn field(name: impl Into<Cow<'static, str>>) -> Field {
    Field {
        name: name.into(),
        date_time: false,
        date: false,
    }
}

/// Returns the link with this name: `link("contacts").is_linked()`.
pub fn link(name: impl Into<Cow<'static, str>>) -> Link {
    Link { name: name.into() }
}

/// A value to compare an attribute with: a string, a number, a date, a time, an ID, or JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value that an attribute can be compared with",
    note = "strings, numbers, booleans, dates, times, IDs and JSON values can be used; for null, use `is_null()`"
)]
pub trait Operand {
    /// The value as JSON.
    fn operand(self) -> Value;
}

macro_rules! operands {
    ($($type:ty),* => |$value:ident| $json:expr) => {$(
        impl Operand for $type {
            fn operand(self) -> Value {
                let $value = self;
                $json
            }
        }
    )*};
}

operands!(&str, String, bool, i64, i32, i16, u64, u32, u16, u8, f64, f32 => |value| Value::from(value));
operands!(Value => |value| value);
operands!(&String, &&str => |text| Value::from(text.to_owned()));
operands!(&Value => |value| value.clone());
operands!(Date, Timestamp, Decimal => |value| value.to_json());

impl<E: ?Sized> Operand for Id<E> {
    fn operand(self) -> Value {
        Value::from(self.as_str())
    }
}

impl<E: ?Sized> Operand for &Id<E> {
    fn operand(self) -> Value {
        Value::from(self.as_str())
    }
}

impl Field {
    /// Returns the attribute's name on the wire.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Treats the attribute as a point in time: conditions on days then mean whole days in the filter's time zone
    /// instead of midnights in UTC.
    pub fn date_time(mut self) -> Self {
        self.date_time = true;
        self
    }

    /// Treats the attribute as a date: "today" and the like then depend on the filter's time zone instead of the
    /// instance's.
    pub fn date(mut self) -> Self {
        self.date = true;
        self
    }

    fn filter<E>(&self, item: WhereItem) -> Filter<E> {
        let item = if self.date_time {
            item.date_time()
        } else {
            item
        };
        Filter::new(if self.date { item.date() } else { item })
    }
}

macro_rules! nullary {
    ($($(#[$meta:meta])* $name:ident => $item:ident;)*) => {
        impl Field {$(
            $(#[$meta])*
            pub fn $name<E>(self) -> Filter<E> {
                self.filter(WhereItem::$item(self.name.clone()))
            }
        )*}
    };
}

nullary! {
    /// Matches records in which the attribute is not set.
    is_null => is_null;
    /// Matches records in which the attribute is set.
    is_not_null => is_not_null;
    /// Matches true.
    is_true => is_true;
    /// Matches false.
    is_false => is_false;
    /// Matches lists without items.
    is_empty => array_is_empty;
    /// Matches lists with at least one item.
    is_not_empty => array_is_not_empty;
    /// Matches today.
    today => today;
    /// Matches times before now, and dates before today.
    past => past;
    /// Matches times after now, and dates after today.
    future => future;
    /// Matches the period from seven days ago to now.
    last_seven_days => last_seven_days;
    /// Matches this month.
    current_month => current_month;
    /// Matches the previous month.
    last_month => last_month;
    /// Matches the next month.
    next_month => next_month;
    /// Matches this quarter.
    current_quarter => current_quarter;
    /// Matches the previous quarter.
    last_quarter => last_quarter;
    /// Matches this year.
    current_year => current_year;
    /// Matches the previous year.
    last_year => last_year;
    /// Matches the current fiscal year.
    current_fiscal_year => current_fiscal_year;
    /// Matches the previous fiscal year.
    last_fiscal_year => last_fiscal_year;
    /// Matches the current fiscal quarter.
    current_fiscal_quarter => current_fiscal_quarter;
    /// Matches the previous fiscal quarter.
    last_fiscal_quarter => last_fiscal_quarter;
    /// The middle column behind the attribute is null.
    column_is_null => column_is_null;
    /// The middle column behind the attribute is not null.
    column_is_not_null => column_is_not_null;
}

macro_rules! unary {
    ($($(#[$meta:meta])* $name:ident => $item:ident;)*) => {
        impl Field {$(
            $(#[$meta])*
            pub fn $name<E>(self, value: impl Operand) -> Filter<E> {
                self.filter(WhereItem::$item(self.name.clone(), value.operand()))
            }
        )*}
    };
}

unary! {
    /// Matches values equal to `value`; `null` means that the attribute is not set.
    eq => equals;
    /// Matches values that are not null and differ from `value`.
    ne => not_equals;
    /// Matches values greater than `value`.
    gt => greater_than;
    /// Matches values greater than or equal to `value`.
    ge => greater_than_or_equals;
    /// Matches values less than `value`.
    lt => less_than;
    /// Matches values less than or equal to `value`.
    le => less_than_or_equals;
    /// Matches values before `value`.
    before => before;
    /// Matches values after `value`.
    after => after;
    /// The middle column behind the attribute equals `value`.
    column_eq => column_equals;
    /// The middle column behind the attribute differs from `value`.
    column_ne => column_not_equals;
    /// Matches records in the category or below it; the attribute is a link to a category tree.
    in_category => in_category;
    /// Matches records of a type that the entity type defines (users: `admin`, `portal`, `api` …).
    is_of_type => is_of_type;
    /// Matches records in a folder that the entity type defines (emails: `inbox`, `sent`, the ID of a folder …).
    in_folder => in_folder;
}

macro_rules! lists {
    ($($(#[$meta:meta])* $name:ident => $item:ident;)*) => {
        impl Field {$(
            $(#[$meta])*
            pub fn $name<E>(
                self,
                values: impl IntoIterator<Item = impl Operand>,
            ) -> Filter<E> {
                let values: Vec<Value> = values.into_iter().map(Operand::operand).collect();
                self.filter(WhereItem::$item(self.name.clone(), values))
            }
        )*}
    };
}

lists! {
    /// Matches any of `values`; an empty list matches nothing.
    is_in => is_in;
    /// Matches values that are neither null nor one of `values`; an empty list matches everything.
    is_not_in => not_in;
    /// Matches lists that contain at least one of the items.
    any_of => array_any_of;
    /// Matches lists that contain none of the items.
    none_of => array_none_of;
    /// Matches lists that contain all of the items.
    all_of => array_all_of;
    /// The middle column behind the attribute is one of `values`.
    column_in => column_in;
    /// The middle column behind the attribute is none of `values`.
    column_not_in => column_not_in;
    /// The linked user belongs to one of the teams; the attribute is a link to users.
    is_user_from_teams => is_user_from_teams;
}

macro_rules! text {
    ($($(#[$meta:meta])* $name:ident => $item:ident;)*) => {
        impl Field {$(
            $(#[$meta])*
            pub fn $name<E>(self, text: &str) -> Filter<E> {
                self.filter(WhereItem::$item(self.name.clone(), text))
            }
        )*}
    };
}

text! {
    /// Contains `text`; `%` and `_` in it act as wildcards.
    contains => contains;
    /// Matches values that are not null and do not contain `text`.
    not_contains => not_contains;
    /// Starts with `text`; `%` and `_` in it act as wildcards.
    starts_with => starts_with;
    /// Ends with `text`; `%` and `_` in it act as wildcards.
    ends_with => ends_with;
    /// Matches an SQL `LIKE` pattern: `%` matches any characters, `_` one character.
    like => like;
    /// Matches values that are not null and do not match an SQL `LIKE` pattern.
    not_like => not_like;
    /// The middle column behind the attribute matches an SQL `LIKE` pattern.
    column_like => column_like;
}

macro_rules! days {
    ($($(#[$meta:meta])* $name:ident => $item:ident;)*) => {
        impl Field {$(
            $(#[$meta])*
            pub fn $name<E>(self, days: u32) -> Filter<E> {
                self.filter(WhereItem::$item(self.name.clone(), days))
            }
        )*}
    };
}

days! {
    /// Matches the period from `days` days ago to today.
    last_x_days => last_x_days;
    /// Matches the period from today to `days` days ahead.
    next_x_days => next_x_days;
    /// Matches values more than `days` days ago.
    older_than_x_days => older_than_x_days;
    /// Matches values more than `days` days ahead.
    after_x_days => after_x_days;
}

impl Field {
    /// Matches values from `low` to `high`, both included.
    pub fn between<E>(self, low: impl Operand, high: impl Operand) -> Filter<E> {
        self.filter(WhereItem::between(
            self.name.clone(),
            low.operand(),
            high.operand(),
        ))
    }

    /// Matches the day `date`.
    pub fn on<E>(self, date: Date) -> Filter<E> {
        self.filter(WhereItem::on(self.name.clone(), date.to_string()))
    }

    /// Matches values that are not null and not on the day `date`.
    pub fn not_on<E>(self, date: Date) -> Filter<E> {
        self.filter(WhereItem::not_on(self.name.clone(), date.to_string()))
    }

    /// Orders ascending; enums in the order of their options.
    pub fn asc<E>(self) -> OrderBy<E> {
        OrderBy::new(self.name, Order::Asc)
    }

    /// Orders descending; enums in the reverse order of their options.
    pub fn desc<E>(self) -> OrderBy<E> {
        OrderBy::new(self.name, Order::Desc)
    }
}

impl<E> Select<E> for Field {
    fn names(self) -> Vec<Name> {
        vec![self.name]
    }
}

impl From<Field> for Cow<'static, str> {
    fn from(field: Field) -> Self {
        field.name
    }
}

macro_rules! selects {
    ($({$($generics:tt)*} $type:ty)*) => {$(
        impl<$($generics)*> Select<JsonObject> for $type {
            fn names(self) -> Vec<Name> {
                self.into_iter()
                    .map(|name| Cow::Owned(AsRef::<str>::as_ref(&name).to_owned()))
                    .collect()
            }
        }
    )*};
}

selects! {
    {const N: usize} [&str; N]
    {const N: usize} [String; N]
    {} &[&str]
    {} Vec<&str>
    {} Vec<String>
    {} &[String]
    {} &Vec<String>
}

impl Select<JsonObject> for &str {
    fn names(self) -> Vec<Name> {
        vec![Cow::Owned(self.to_owned())]
    }
}

impl Key<JsonObject> for Field {
    fn names(&self) -> Vec<&str> {
        vec![&self.name]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of the public methods in a source file that match `before`.
    fn methods(source: &str) -> Vec<String> {
        let mut names: Vec<String> = source
            .lines()
            .filter_map(|line| {
                let rest = line.trim().strip_prefix("pub fn ")?;
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
                (end > 0).then(|| rest[..end].to_owned())
            })
            .collect();
        // The periods of typed attributes are in a macro: `today;`
        names.extend(source.lines().filter_map(|line| {
            let name = line.trim().strip_suffix(';')?;
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c == '_')
                .then(|| name.to_owned())
        }));
        names
    }

    /// The part of this module that defines `name`, as a function or in one of its macros.
    fn offers(name: &str) -> bool {
        let source = concat!(include_str!("untyped.rs"), include_str!("untyped/link.rs"));
        source.contains(&format!("pub fn {name}<E>("))
            || source.contains(&format!("pub fn {name}("))
            || source.contains(&format!("    {name} => "))
    }

    #[test]
    fn typed_and_untyped_methods_have_the_same_names() {
        let typed = [
            include_str!("typed/field.rs"),
            include_str!("typed/link.rs"),
        ];
        let names: Vec<String> = typed.iter().flat_map(|source| methods(source)).collect();
        assert!(names.len() > 50, "{names:?}");
        for name in names {
            if !matches!(name.as_str(), "new" | "into_name") {
                assert!(offers(&name), "the untyped layer has no `{name}`");
            }
        }
    }

    #[test]
    fn filters_match_the_wire_format() {
        let filter: Filter<JsonObject> =
            field("amount").gt(10) & field("createdAt").date_time().today().time_zone("UTC");
        let json = serde_json::to_value(filter.into_item()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"type": "and", "value": [
                {"type": "greaterThan", "attribute": "amount", "value": 10},
                {"type": "today", "attribute": "createdAt", "dateTime": true, "timeZone": "UTC"},
            ]})
        );
    }
}
