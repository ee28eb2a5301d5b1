//! Generates single values.

use espo_schema::{Attribute, AttributeRole, Field, FieldKind, ValueType};
use jiff::civil::date;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

use super::words;

/// Area codes of the North American plan; with 555-01xx they give valid numbers that are not assigned to anyone.
const AREA_CODES: [u16; 10] = [201, 202, 212, 213, 312, 415, 503, 617, 702, 808];

/// IDs of records that exist on the target.
pub(crate) trait Sources {
    /// Returns the ID of a record of the entity type, chosen by `pick`; `None` if the target has none.
    fn id_of(&self, entity: &str, pick: u64) -> Option<String>;
}

/// How to generate the value of one attribute.
#[derive(Debug, Clone)]
pub(super) enum Recipe {
    Fixed(Value),
    FirstName,
    Company,
    City,
    Country,
    PostalCode,
    Sentence { words: usize, max: usize },
    Url,
    Email,
    Phone,
    Bool,
    Int { min: i64, max: i64 },
    Float { min: f64, max: f64 },
    Decimal { min: f64, max: f64 },
    Date { late: bool },
    DateTime { late: bool },
    Id { target: String },
    IdList { target: String },
    OneOf(Vec<Value>),
    ListOf(Vec<String>),
}

impl Recipe {
    /// Returns the recipe for an attribute of a field; `None` if no value can be generated for it.
    pub(super) fn of(attribute: &Attribute, field: Option<&Field>) -> Option<Self> {
        let max = field
            .and_then(espo_schema::Field::length_limit)
            .map_or(150, |m| usize::try_from(m).unwrap_or(150));
        let name = attribute.name.as_str();
        let late = name.contains("End");
        let listed = || -> Option<Vec<String>> {
            let options: Vec<String> = attribute
                .options
                .listed()?
                .iter()
                .filter(|o| !o.is_empty())
                .cloned()
                .collect();
            (!options.is_empty()).then_some(options)
        };
        let numbers = |options: Vec<String>| {
            Self::OneOf(
                options
                    .iter()
                    .filter_map(|o| serde_json::from_str(o).ok())
                    .collect(),
            )
        };
        Some(match &attribute.value {
            ValueType::Text => Self::text(attribute, field?, max)?,
            ValueType::Bool => Self::Bool,
            ValueType::Int => {
                let (min, max) = bounds(field, 0.0, 100.0);
                Self::Int {
                    min: min.ceil() as i64,
                    max: max.floor() as i64,
                }
            }
            ValueType::Float => {
                let (min, max) = bounds(field, 0.0, 1000.0);
                Self::Float { min, max }
            }
            ValueType::Money => {
                let (min, max) = bounds(field, 100.0, 100_000.0);
                if field.is_some_and(|f| f.decimal) {
                    Self::Decimal { min, max }
                } else {
                    Self::Float { min, max }
                }
            }
            ValueType::Decimal => {
                let (min, max) = bounds(field, 100.0, 100_000.0);
                Self::Decimal { min, max }
            }
            ValueType::Date => Self::Date { late },
            ValueType::DateTime => Self::DateTime { late },
            ValueType::Id { target } => Self::Id {
                target: target.clone()?,
            },
            ValueType::IdList { target } => Self::IdList {
                target: target.clone()?,
            },
            ValueType::Enum => Self::OneOf(listed()?.into_iter().map(Value::from).collect()),
            ValueType::EnumInt | ValueType::EnumFloat => numbers(listed()?),
            ValueType::EnumList => Self::ListOf(listed()?),
            ValueType::TextList => {
                Self::ListOf(vec!["alpha".into(), "beta".into(), "gamma".into()])
            }
            ValueType::IntList => Self::Fixed(json!([1, 2, 3])),
            ValueType::JsonArray => Self::Fixed(json!([])),
            ValueType::JsonObject => Self::Fixed(json!({})),
            ValueType::ParentId { .. }
            | ValueType::ParentType { .. }
            | ValueType::NameMap
            | ValueType::ColumnMap { .. }
            | ValueType::TypeMap
            | ValueType::EmailData
            | ValueType::PhoneData
            | ValueType::Json => return None,
        })
    }

    fn text(attribute: &Attribute, field: &Field, max: usize) -> Option<Self> {
        let name = attribute.name.as_str();
        let recipe = match field.kind {
            FieldKind::Email => Self::Email,
            FieldKind::Phone => Self::Phone,
            FieldKind::Url => Self::Url,
            _ if attribute.role == AttributeRole::PersonNamePart && name.starts_with("first") => {
                Self::FirstName
            }
            _ if name.ends_with("City") => Self::City,
            _ if name.ends_with("Country") => Self::Country,
            _ if name.ends_with("PostalCode") => Self::PostalCode,
            _ if name == "accountName" || name == "name" => Self::Company,
            FieldKind::Text | FieldKind::Wysiwyg => Self::Sentence {
                words: 24,
                max: max.max(20),
            },
            _ => Self::Sentence { words: 3, max },
        };
        // A value for a pattern that plain words do not match cannot be generated, so the workload has to `set` it.
        let own_pattern = field
            .pattern
            .as_ref()
            .filter(|p| p.source != "$noBadCharacters");
        match (own_pattern, &recipe) {
            (None, _) | (_, Self::Url | Self::Email | Self::Phone) => Some(recipe),
            (Some(_), _) => None,
        }
    }

    /// Generates the value; `unique` is a short string that no other record of the run has.
    pub(super) fn make(
        &self,
        rng: &mut impl rand::Rng,
        unique: &str,
        sources: &dyn Sources,
    ) -> Option<Value> {
        Some(match self {
            Self::Fixed(value) => value.clone(),
            Self::FirstName => words::first_name(rng).into(),
            Self::Company => words::company(rng).into(),
            Self::City => words::city(rng).into(),
            Self::Country => words::country(rng).into(),
            Self::PostalCode => format!("{:05}", rng.random_range(10_000..99_999)).into(),
            Self::Sentence { words, max } => {
                let mut text = words::sentence(rng, *words);
                text.truncate(*max);
                text.trim_end().into()
            }
            Self::Url => format!("https://{}-{unique}.example", words::word(rng)).into(),
            Self::Email => format!("{}.{unique}@example.com", words::word(rng)).into(),
            Self::Phone => {
                let area = AREA_CODES.choose(rng).copied().unwrap_or(202);
                format!("+1{area}55501{:02}", rng.random_range(0..100)).into()
            }
            Self::Bool => rng.random::<bool>().into(),
            Self::Int { min, max } => rng.random_range(*min..=(*max).max(*min)).into(),
            Self::Float { min, max } => cents(rng, *min, *max).into(),
            Self::Decimal { min, max } => format!("{:.4}", cents(rng, *min, *max)).into(),
            Self::Date { late } => day(rng, *late).into(),
            Self::DateTime { late } => {
                let hour = rng.random_range(8..18);
                format!(
                    "{} {hour:02}:{:02}:00",
                    day(rng, *late),
                    rng.random_range(0..4) * 15
                )
                .into()
            }
            Self::Id { target } => sources.id_of(target, rng.random())?.into(),
            Self::IdList { target } => json!([sources.id_of(target, rng.random())?]),
            Self::OneOf(values) => values.choose(rng)?.clone(),
            Self::ListOf(values) => {
                let count = rng.random_range(1..=values.len().min(2));
                values
                    .sample(rng, count)
                    .map(|v| Value::from(v.as_str()))
                    .collect()
            }
        })
    }
}

/// Returns a number with two decimals between the bounds.
fn cents(rng: &mut impl rand::Rng, min: f64, max: f64) -> f64 {
    let value = min + (max - min).max(0.0) * rng.random::<f64>();
    ((value * 100.0).round() / 100.0).clamp(min, max.max(min))
}

/// Returns a day of 2026, or of 2027 for end dates, so that an end is never before its start.
fn day(rng: &mut impl rand::Rng, late: bool) -> String {
    let first = date(if late { 2027 } else { 2026 }, 1, 1);
    let days = rng.random_range(0..360_i64);
    first
        .checked_add(jiff::Span::new().days(days))
        .unwrap_or(first)
        .to_string()
}

/// Returns the field's bounds, or defaults.
fn bounds(field: Option<&Field>, min: f64, max: f64) -> (f64, f64) {
    let number = |v: &Value| v.as_f64().or_else(|| v.as_str()?.parse().ok());
    let own_min = field.and_then(|f| f.min.as_ref()).and_then(number);
    let own_max = field.and_then(|f| f.max.as_ref()).and_then(number);
    match (own_min, own_max) {
        (Some(a), Some(b)) => (a, b),
        (Some(a), None) => (a, a + (max - min)),
        (None, Some(b)) => (min.min(b), b),
        (None, None) => (min, max),
    }
}
