//! The uses of an attribute in `where` and `orderBy` that the database of a real server supports. Other uses fail
//! with 500.

use espo_schema::{AttributeRole, EntityType, FieldKind};
use serde_json::Value as Json;

use super::{Attr, Source};

/// An operation of a `where` item on one attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Equals,
    NotEquals,
    In,
    NotIn,
    Like,
    NotLike,
    IsNull,
    IsNotNull,
    Less,
    LessOrEquals,
    Greater,
    GreaterOrEquals,
    /// `isTrue`, and `equals` with `true`.
    True,
    False,
    /// `isTrue` alone.
    IsTrue,
    IsFalse,
    ArrayIsEmpty,
}

use Op::{
    ArrayIsEmpty, Equals, False, Greater, GreaterOrEquals, In, IsFalse, IsNotNull, IsNull, IsTrue,
    Less, LessOrEquals, Like, NotEquals, NotIn, NotLike, True,
};

/// A set of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ops(u32);

impl Ops {
    const NONE: Ops = Ops(0);
    const ALL: Ops = Ops(u32::MAX);

    const fn of(ops: &[Op]) -> Ops {
        let mut set = 0;
        let mut i = 0;
        while i < ops.len() {
            set |= 1 << ops[i] as u32;
            i += 1;
        }
        Ops(set)
    }

    const fn without(self, op: Op) -> Ops {
        Ops(self.0 & !(1 << op as u32))
    }

    fn has(self, op: Op) -> bool {
        self.0 & (1 << op as u32) != 0
    }

    /// Returns the operations for the keys of a field's `where` definition. A comparison with a boolean falls back to
    /// the comparison with any value.
    fn defined(operators: &[String]) -> Ops {
        let mut set = ArrayIsEmpty.alone();
        for operator in operators {
            set |= match operator.as_str() {
                "=" => Ops::of(&[Equals, True, False, IsTrue, IsFalse]).0,
                "<>" => NotEquals.alone(),
                "IN" => In.alone(),
                "NOT IN" => NotIn.alone(),
                "LIKE" => Like.alone(),
                "NOT LIKE" => NotLike.alone(),
                "IS NULL" => IsNull.alone(),
                "IS NOT NULL" => IsNotNull.alone(),
                "<" => Less.alone(),
                "<=" => LessOrEquals.alone(),
                ">" => Greater.alone(),
                ">=" => GreaterOrEquals.alone(),
                "= TRUE" => Ops::of(&[True, IsTrue]).0,
                "= FALSE" => Ops::of(&[False, IsFalse]).0,
                _ => 0,
            };
        }
        Ops(set)
    }
}

impl Op {
    const fn alone(self) -> u32 {
        1 << self as u32
    }
}

/// When a list can be ordered by an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Ordering {
    Always,
    /// Only if the attribute is selected: it is an alias in the query.
    IfSelected,
    #[default]
    Never,
}

/// The uses of an attribute that the database supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Query {
    filters: Ops,
    pub(crate) order: Ordering,
}

const MAIN_ADDRESS: Ops = Ops::of(&[
    Equals,
    NotEquals,
    In,
    NotIn,
    Like,
    NotLike,
    IsNull,
    IsNotNull,
    True,
    False,
    IsTrue,
    IsFalse,
    ArrayIsEmpty,
]);
const FLAG: Ops = Ops::of(&[True, False, IsTrue, IsFalse, ArrayIsEmpty]);
const CONVERTED: Ops = Ops::of(&[
    Equals,
    NotEquals,
    IsNull,
    IsNotNull,
    Less,
    LessOrEquals,
    Greater,
    GreaterOrEquals,
    True,
    False,
    IsTrue,
    IsFalse,
    ArrayIsEmpty,
]);

/// Attributes that a stock instance filters with dedicated code, with the conditions that this code supports.
const SPECIAL: &[(&str, &str, Ops)] = &[
    ("Contact", "opportunityRole", MAIN_ADDRESS),
    ("Opportunity", "contactRole", MAIN_ADDRESS),
    ("Email", "from", Ops::of(&[Equals])),
    ("Email", "to", Ops::of(&[Equals])),
    ("Email", "cc", Ops::of(&[Equals])),
    ("Email", "emailAddress", Ops::of(&[Equals])),
    ("Email", "isRead", Ops::of(&[IsTrue, IsFalse])),
    ("Email", "isNotRead", Ops::of(&[IsTrue, IsFalse])),
    ("Email", "isReplied", Ops::ALL),
    ("Email", "isNotReplied", Ops::of(&[IsTrue, IsFalse])),
    ("Email", "isImportant", Ops::of(&[IsTrue, IsFalse])),
    ("Email", "inTrash", Ops::of(&[IsTrue, IsFalse])),
    ("Email", "inArchive", Ops::of(&[IsTrue, IsFalse])),
];

impl Query {
    /// Returns the uses of an attribute that the database supports, by its field.
    pub(super) fn of(entity: &EntityType, attr: &Attr) -> Query {
        let field = attr.field.as_deref().and_then(|f| entity.fields.get(f));
        let special = SPECIAL
            .iter()
            .find(|(e, a, _)| *e == entity.name && *a == attr.name);
        if let Some((_, _, filters)) = special.filter(|_| !attr.stored) {
            return Query {
                filters: *filters,
                order: Ordering::Never,
            };
        }
        if attr.stored {
            return Query {
                filters: Ops::ALL,
                order: Ordering::Always,
            };
        }
        let kind = field.map(|f| f.kind);
        let (filters, order) = match (attr.role, kind) {
            (AttributeRole::Value, Some(FieldKind::Email | FieldKind::Phone)) => {
                (MAIN_ADDRESS, Ordering::Always)
            }
            (AttributeRole::IsOptedOut | AttributeRole::IsInvalid, _) => (FLAG, Ordering::Always),
            (AttributeRole::PersonName, _) => (MAIN_ADDRESS, Ordering::Always),
            (AttributeRole::Converted, _) => (CONVERTED, Ordering::Always),
            _ if is_joined(entity, attr) => (Ops::ALL.without(ArrayIsEmpty), Ordering::IfSelected),
            _ => {
                let defined = field.filter(|f| attr.name == f.name);
                let has = |key: &str| defined.is_some_and(|f| f.raw.contains_key(key));
                let filters = defined
                    .filter(|f| !f.where_operators.is_empty())
                    .map_or(Ops::NONE, |f| Ops::defined(&f.where_operators));
                let order = match (has("order"), has("select")) {
                    (true, _) => Ordering::Always,
                    (false, true) => Ordering::IfSelected,
                    (false, false) => Ordering::Never,
                };
                (filters, order)
            }
        };
        Query { filters, order }
    }

    /// Whether the database can evaluate an item of this type with this value. Date types are treated like the
    /// comparisons that they result in.
    pub(crate) fn allows(self, type_: &str, value: &Json) -> bool {
        let has = |op| self.filters.has(op);
        match (type_, value) {
            _ if self.filters == Ops::ALL => true,
            // The result of a comparison with null or a list is always null.
            (
                "greaterThan"
                | "lessThan"
                | "greaterThanOrEquals"
                | "lessThanOrEquals"
                | "after"
                | "before",
                Json::Null | Json::Array(_) | Json::Object(_),
            ) => true,
            ("like" | "notLike", Json::Null) => true,
            ("equals" | "on" | "isNull", Json::Null) | ("isNull", _) => has(IsNull),
            ("notEquals" | "notOn", Json::Null) | ("isNotNull" | "ever", _) => has(IsNotNull),
            ("equals" | "on", Json::Bool(true)) | ("notEquals", Json::Bool(false)) => has(True),
            ("equals" | "on", Json::Bool(false)) | ("notEquals", Json::Bool(true)) => has(False),
            ("equals" | "on", Json::Array(_)) | ("in", _) => has(In),
            ("notEquals" | "notOn", Json::Array(_)) | ("notIn", _) => has(NotIn),
            ("equals" | "on", _) => has(Equals),
            ("notEquals" | "notOn", _) => has(NotEquals),
            ("contains" | "startsWith" | "endsWith" | "like", _) => has(Like),
            ("notContains" | "notLike", _) => has(NotLike),
            ("isTrue", _) => has(IsTrue),
            ("isFalse", _) => has(IsFalse),
            ("greaterThan" | "after" | "future" | "afterXDays", _) => has(Greater),
            ("lessThan" | "before" | "past" | "olderThanXDays", _) => has(Less),
            ("greaterThanOrEquals", _) => has(GreaterOrEquals),
            ("lessThanOrEquals", _) => has(LessOrEquals),
            ("today", _) => has(Equals),
            ("between" | "lastSevenDays" | "lastXDays" | "nextXDays", _) => {
                has(GreaterOrEquals) && has(LessOrEquals)
            }
            (
                "currentMonth"
                | "lastMonth"
                | "nextMonth"
                | "currentQuarter"
                | "lastQuarter"
                | "currentYear"
                | "lastYear"
                | "currentFiscalYear"
                | "lastFiscalYear"
                | "currentFiscalQuarter"
                | "lastFiscalQuarter",
                _,
            ) => has(GreaterOrEquals) && has(Less),
            ("expression", _) => is_scalar_alias(self),
            ("arrayIsEmpty" | "arrayNoneOf", _) => !is_scalar_alias(self),
            _ => true,
        }
    }
}

/// The array types use a separate table, except that emptiness is also read from the attribute itself.
fn is_scalar_alias(query: Query) -> bool {
    query.filters == Ops::ALL.without(ArrayIsEmpty)
}

/// Joined from another table by the record's own query.
fn is_joined(entity: &EntityType, attr: &Attr) -> bool {
    let joined = |link: &str| entity.links.get(link).is_some_and(|l| !l.no_join);
    match &attr.source {
        Source::LinkName(link) => {
            joined(link)
                && entity
                    .links
                    .get(link)
                    .is_some_and(|l| l.type_ == espo_schema::LinkType::BelongsTo)
                && entity.fields.get(link).is_none_or(|f| !f.not_storable)
        }
        Source::HasOneId(_) | Source::HasOneName(_) | Source::Foreign { .. } => true,
        _ => false,
    }
}
