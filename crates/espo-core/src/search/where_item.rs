use std::borrow::Cow;

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::Name;

/// The operand of a condition.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Operand {
    /// None: `isNull`, `today` and similar types.
    #[default]
    None,
    /// A scalar or a list.
    Value(Value),
    /// Nested conditions: `and`, `or`.
    Items(Vec<WhereItem>),
}

/// One condition of a search.
///
/// There is a constructor for every type that the server accepts over its API. The server rejects `not`, subqueries,
/// complex expressions and dotted attributes (`account.name`) with a 400, so there are none for these. Types that an
/// extension adds can be built with [`WhereItem::raw`].
///
/// SQL semantics apply: `not_equals`, `not_in`, `not_contains`, `not_like` and `not_on` never match a record whose
/// attribute is null; text comparisons ignore case and accents; `%` and `_` act as wildcards in `contains` and
/// `starts_with`.
#[derive(Clone, Debug, PartialEq)]
pub struct WhereItem {
    kind: Name,
    attribute: Option<Name>,
    operand: Operand,
    date_time: bool,
    date: DateFlag,
    time_zone: Option<Name>,
}

/// Whether `date: true` is sent: it makes the server apply the item's time zone to a date attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum DateFlag {
    #[default]
    No,
    /// Only together with a time zone.
    IfZoned,
    Yes,
}

macro_rules! conditions {
    (none: $($(#[$doc:meta])* $name:ident = $wire:literal;)*) => {
        impl WhereItem { $(
            $(#[$doc])*
            pub fn $name(attribute: impl Into<Name>) -> Self {
                Self::build($wire, attribute, Operand::None)
            }
        )* }
    };
    (scalar: $($(#[$doc:meta])* $name:ident = $wire:literal;)*) => {
        impl WhereItem { $(
            $(#[$doc])*
            pub fn $name(attribute: impl Into<Name>, value: impl Into<Value>) -> Self {
                Self::build($wire, attribute, Operand::Value(value.into()))
            }
        )* }
    };
    (list: $($(#[$doc:meta])* $name:ident = $wire:literal;)*) => {
        impl WhereItem { $(
            $(#[$doc])*
            pub fn $name<I>(attribute: impl Into<Name>, values: I) -> Self
            where
                I: IntoIterator,
                I::Item: Into<Value>,
            {
                let values = values.into_iter().map(Into::into).collect();
                Self::build($wire, attribute, Operand::Value(Value::Array(values)))
            }
        )* }
    };
    (text: $($(#[$doc:meta])* $name:ident = $wire:literal;)*) => {
        impl WhereItem { $(
            $(#[$doc])*
            pub fn $name(attribute: impl Into<Name>, text: impl Into<String>) -> Self {
                Self::build($wire, attribute, Operand::Value(Value::String(text.into())))
            }
        )* }
    };
    (days: $($(#[$doc:meta])* $name:ident = $wire:literal;)*) => {
        impl WhereItem { $(
            $(#[$doc])*
            pub fn $name(attribute: impl Into<Name>, days: u32) -> Self {
                Self::build($wire, attribute, Operand::Value(Value::from(days)))
            }
        )* }
    };
}

conditions! { none:
    /// The attribute is null.
    is_null = "isNull";
    /// The attribute is not null.
    is_not_null = "isNotNull";
    /// The date is set; the server's other name for `isNotNull`.
    ever = "ever";
    /// The boolean is true.
    is_true = "isTrue";
    /// The boolean is false.
    is_false = "isFalse";
    /// Always true. The attribute must still exist.
    any = "any";
    /// Always false. The attribute must still exist.
    none = "none";
    /// The day is today.
    today = "today";
    /// Before today (a date) or before now (a datetime).
    past = "past";
    /// After today (a date) or after now (a datetime).
    future = "future";
    /// From seven days ago until today.
    last_seven_days = "lastSevenDays";
    /// In the current month.
    current_month = "currentMonth";
    /// In the month before the current one.
    last_month = "lastMonth";
    /// In the month after the current one.
    next_month = "nextMonth";
    /// In the current quarter.
    current_quarter = "currentQuarter";
    /// In the quarter before the current one.
    last_quarter = "lastQuarter";
    /// In the current year.
    current_year = "currentYear";
    /// In the year before the current one.
    last_year = "lastYear";
    /// In the current fiscal year (`fiscalYearShift` of the instance).
    current_fiscal_year = "currentFiscalYear";
    /// In the fiscal year before the current one.
    last_fiscal_year = "lastFiscalYear";
    /// In the current fiscal quarter.
    current_fiscal_quarter = "currentFiscalQuarter";
    /// In the fiscal quarter before the current one.
    last_fiscal_quarter = "lastFiscalQuarter";
    /// A list attribute (multi-enum, array, checklist) without items.
    array_is_empty = "arrayIsEmpty";
    /// A list attribute with at least one item.
    array_is_not_empty = "arrayIsNotEmpty";
    /// At least one record is linked. The attribute is a link's name.
    is_linked = "isLinked";
    /// No record is linked. The attribute is a link's name.
    is_not_linked = "isNotLinked";
    /// The middle column behind the attribute is null.
    column_is_null = "columnIsNull";
    /// The middle column behind the attribute is not null.
    column_is_not_null = "columnIsNotNull";
}

conditions! { scalar:
    /// Equal. A null means `isNull`, a list means `in`.
    equals = "equals";
    /// Not equal; null attributes do not match.
    not_equals = "notEquals";
    /// Greater than.
    greater_than = "greaterThan";
    /// Less than.
    less_than = "lessThan";
    /// Greater than or equal.
    greater_than_or_equals = "greaterThanOrEquals";
    /// Less than or equal.
    less_than_or_equals = "lessThanOrEquals";
    /// Later than the day or instant.
    after = "after";
    /// Earlier than the day or instant.
    before = "before";
    /// On the day (with `date_time`: within the day of the time zone).
    on = "on";
    /// Not on the day; null attributes do not match.
    not_on = "notOn";
    /// The middle column behind the attribute equals the value.
    column_equals = "columnEquals";
    /// The middle column behind the attribute differs from the value.
    column_not_equals = "columnNotEquals";
    /// In the category or below it. The attribute is a link to a category tree.
    in_category = "inCategory";
    /// Of the type that the entity type defines (users: `admin`, `portal`, `api` …).
    is_of_type = "isOfType";
    /// In the folder that the entity type defines (emails: `inbox`, `sent`, a folder's ID …).
    in_folder = "inFolder";
}

conditions! { list:
    /// One of the values. An empty list matches nothing.
    is_in = "in";
    /// None of the values; null attributes do not match. An empty list matches everything.
    not_in = "notIn";
    /// The list attribute contains any of the values.
    array_any_of = "arrayAnyOf";
    /// The list attribute contains none of the values.
    array_none_of = "arrayNoneOf";
    /// The list attribute contains all of the values.
    array_all_of = "arrayAllOf";
    /// Linked with any of the IDs. The attribute is a link's name. The server rejects an ID that does not exist (since
    /// 9.2).
    linked_with = "linkedWith";
    /// Linked with none of the IDs. The attribute is a link's name.
    not_linked_with = "notLinkedWith";
    /// Linked with all of the IDs. The attribute is a to-many link's name.
    linked_with_all = "linkedWithAll";
    /// The middle column behind the attribute is one of the values.
    column_in = "columnIn";
    /// The middle column behind the attribute is none of the values.
    column_not_in = "columnNotIn";
    /// The linked user belongs to any of the teams. The attribute is a link to users.
    is_user_from_teams = "isUserFromTeams";
}

conditions! { text:
    /// SQL `LIKE` with `%` and `_`.
    like = "like";
    /// SQL `NOT LIKE`; null attributes do not match.
    not_like = "notLike";
    /// Contains the text.
    contains = "contains";
    /// Does not contain the text; null attributes do not match.
    not_contains = "notContains";
    /// Starts with the text.
    starts_with = "startsWith";
    /// Ends with the text.
    ends_with = "endsWith";
    /// The middle column behind the attribute matches SQL `LIKE`.
    column_like = "columnLike";
}

conditions! { days:
    /// From `days` days ago until today.
    last_x_days = "lastXDays";
    /// From today until `days` days ahead.
    next_x_days = "nextXDays";
    /// Earlier than `days` days ago.
    older_than_x_days = "olderThanXDays";
    /// Later than `days` days ahead.
    after_x_days = "afterXDays";
}

impl WhereItem {
    fn build(kind: &'static str, attribute: impl Into<Name>, operand: Operand) -> Self {
        Self {
            kind: Cow::Borrowed(kind),
            attribute: Some(attribute.into()),
            operand,
            date_time: false,
            date: DateFlag::No,
            time_zone: None,
        }
    }

    fn group(kind: &'static str, items: Vec<Self>) -> Self {
        Self {
            kind: Cow::Borrowed(kind),
            attribute: None,
            operand: Operand::Items(items),
            date_time: false,
            date: DateFlag::No,
            time_zone: None,
        }
    }

    /// All of the conditions. An empty list matches every record.
    pub fn and(items: impl IntoIterator<Item = Self>) -> Self {
        Self::group("and", items.into_iter().collect())
    }

    /// At least one of the conditions. For the server, an empty list matches **every** record.
    pub fn or(items: impl IntoIterator<Item = Self>) -> Self {
        Self::group("or", items.into_iter().collect())
    }

    /// From `low` to `high`, both included.
    pub fn between(
        attribute: impl Into<Name>,
        low: impl Into<Value>,
        high: impl Into<Value>,
    ) -> Self {
        let bounds = Value::Array(vec![low.into(), high.into()]);
        Self::build("between", attribute, Operand::Value(bounds))
    }

    /// Creates a condition of any type, for types without a constructor. The server returns 500 without a reason for an
    /// item that it cannot parse.
    pub fn raw(kind: impl Into<Name>, attribute: Option<Name>, operand: Operand) -> Self {
        Self {
            kind: kind.into(),
            attribute,
            operand,
            date_time: false,
            date: DateFlag::No,
            time_zone: None,
        }
    }

    /// Marks the attribute as a datetime: a day then means the whole day in `time_zone` (defaults to the instance's)
    /// instead of its midnight.
    #[must_use]
    pub fn date_time(mut self) -> Self {
        self.date_time = true;
        self
    }

    /// Evaluates "today" of a date attribute in the time zone set by [`WhereItem::time_zone`] instead of the
    /// instance's.
    #[must_use]
    pub fn date(mut self) -> Self {
        self.date = DateFlag::Yes;
        self
    }

    /// Marks a condition on a date attribute, so that a time zone that is set later is sent in the form that the server
    /// expects.
    pub(crate) fn date_if_zoned(mut self) -> Self {
        self.date = DateFlag::IfZoned;
        self
    }

    /// Applies a change to every condition of a group, however deep, or to this one; groups keep their type.
    pub(crate) fn map(mut self, change: &impl Fn(Self) -> Self) -> Self {
        match self.operand {
            Operand::Items(items) => {
                let items = items.into_iter().map(|item| item.map(change)).collect();
                self.operand = Operand::Items(items);
                self
            }
            _ => change(self),
        }
    }

    /// Whether the condition depends on the current time, and so on the time zone.
    pub(crate) fn has_clock(&self) -> bool {
        self.date_time || self.date != DateFlag::No
    }

    /// Sets the IANA time zone (`Europe/Kyiv`) of days; the server returns 400 for an unknown name.
    #[must_use]
    pub fn time_zone(mut self, zone: impl Into<Name>) -> Self {
        self.time_zone = Some(zone.into());
        self
    }

    /// Returns the condition's type on the wire, such as `equals`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the attribute or link of the condition; `and` and `or` have none.
    pub fn attribute(&self) -> Option<&str> {
        self.attribute.as_deref()
    }

    /// Returns the operand.
    pub fn operand(&self) -> &Operand {
        &self.operand
    }

    /// Returns whether [`WhereItem::date_time`] was set.
    pub fn is_date_time(&self) -> bool {
        self.date_time
    }

    /// Returns whether `date: true` is sent: after [`WhereItem::date`], or for a typed condition on a date with a
    /// time zone.
    pub fn is_date(&self) -> bool {
        match self.date {
            DateFlag::No => false,
            DateFlag::IfZoned => self.time_zone.is_some(),
            DateFlag::Yes => true,
        }
    }

    /// Returns the time zone, if one is set.
    pub fn zone(&self) -> Option<&str> {
        self.time_zone.as_deref()
    }
}

impl Serialize for WhereItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.kind)?;
        if let Some(attribute) = &self.attribute {
            map.serialize_entry("attribute", attribute)?;
        }
        match &self.operand {
            Operand::None => {}
            Operand::Value(value) => map.serialize_entry("value", value)?,
            Operand::Items(items) => map.serialize_entry("value", items)?,
        }
        if self.date_time {
            map.serialize_entry("dateTime", &true)?;
        }
        if self.is_date() {
            map.serialize_entry("date", &true)?;
        }
        if let Some(zone) = &self.time_zone {
            map.serialize_entry("timeZone", zone)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for WhereItem {
    /// Deserialises the output of [`Serialize`]; `field` is the server's alias of `attribute`. Used for conditions in
    /// workload files and saved filters.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        let mut text = |key: &str| match map.remove(key) {
            Some(Value::String(text)) => Ok(Some(Cow::Owned(text))),
            Some(Value::Null) | None => Ok(None),
            Some(other) => Err(D::Error::custom(format_args!(
                "invalid `{key}` of a condition: it must be a string, found `{other}`"
            ))),
        };
        let kind: Name = text("type")?.ok_or_else(|| D::Error::missing_field("type"))?;
        let attribute = match text("attribute")? {
            Some(name) => Some(name),
            None => text("field")?,
        };
        let time_zone = text("timeZone")?;
        let flag = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or(false);
        let date_time = flag(map.get("dateTime"));
        let date = match flag(map.get("date")) {
            true => DateFlag::Yes,
            false => DateFlag::No,
        };
        let operand = match map.remove("value") {
            None => Operand::None,
            Some(Value::Array(items)) if matches!(&*kind, "and" | "or" | "not") => Operand::Items(
                serde_json::from_value(Value::Array(items)).map_err(D::Error::custom)?,
            ),
            Some(value) => Operand::Value(value),
        };
        Ok(Self {
            kind,
            attribute,
            operand,
            date_time,
            date,
            time_zone,
        })
    }
}
