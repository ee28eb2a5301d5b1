//! Lists: conditions, orders, selections and text filters over the attributes of an entity type.

use espo_schema::{Attribute, EntityType, FieldKind, ValueType};
use rand::RngExt;
use serde_json::{Map, Value, json};

use super::{Walk, pick, placeholder, values, weighted};
use crate::differential::step::Step;

const NULLS: &[&str] = &["isNull", "isNotNull"];
const TEXTS: &[&str] = &[
    "equals",
    "notEquals",
    "in",
    "notIn",
    "contains",
    "notContains",
    "startsWith",
    "endsWith",
    "like",
    "notLike",
    "isNull",
    "isNotNull",
    "greaterThan",
    "between",
];
const NUMBERS: &[&str] = &[
    "equals",
    "notEquals",
    "in",
    "notIn",
    "greaterThan",
    "lessThan",
    "greaterThanOrEquals",
    "lessThanOrEquals",
    "between",
    "isNull",
    "isNotNull",
];
const BOOLS: &[&str] = &["isTrue", "isFalse", "equals", "notEquals", "isNull"];
const IDS: &[&str] = &["equals", "notEquals", "in", "notIn", "isNull", "isNotNull"];
const ARRAYS: &[&str] = &[
    "arrayAnyOf",
    "arrayNoneOf",
    "arrayAllOf",
    "arrayIsEmpty",
    "arrayIsNotEmpty",
    "isNull",
];
const DATES: &[&str] = &[
    "on",
    "notOn",
    "after",
    "before",
    "between",
    "today",
    "past",
    "future",
    "lastSevenDays",
    "currentMonth",
    "lastMonth",
    "nextMonth",
    "currentQuarter",
    "lastQuarter",
    "currentYear",
    "lastYear",
    "lastXDays",
    "nextXDays",
    "olderThanXDays",
    "afterXDays",
    "isNull",
    "isNotNull",
    "ever",
    "equals",
];
const LINKS: &[&str] = &[
    "isLinked",
    "isNotLinked",
    "linkedWith",
    "notLinkedWith",
    "linkedWithAll",
];
const ZONES: &[&str] = &["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"];
const FILTERS: &[&str] = &["followed", "starred", "all", "one"];
const BOOL_FILTERS: &[&str] = &["onlyMy", "followed", "shared", "noSuch"];

/// A list of an entity type, among the records of the walk.
pub(super) fn list(walk: &mut Walk, entity: &EntityType) -> Step {
    let as_ = walk.user_of_step();
    let step = Step::new(
        format!("list {}", entity.name),
        as_,
        http::Method::GET,
        entity.name.clone(),
    );
    let mut params = parameters(walk, entity);
    let mut items = vec![own_records(walk, entity)];
    if walk.random.random_bool(0.6) {
        items.push(item(walk, entity, 2));
    }
    if walk.random.random_bool(0.15) {
        items.push(item(walk, entity, 1));
    }
    params.insert("where".to_owned(), Value::Array(items));
    with_parameters(walk, step, params)
}

/// A list of the walk's records without further parameters.
pub(super) fn restricted(walk: &mut Walk, step: Step, entity: &EntityType) -> Step {
    let mut params = Map::new();
    params.insert("where".to_owned(), json!([own_records(walk, entity)]));
    params.insert("maxSize".to_owned(), json!(10));
    with_parameters(walk, step, params)
}

/// Parameters for the list of a link.
pub(super) fn related(walk: &mut Walk, step: Step, entity: &EntityType, link: &str) -> Step {
    let target = entity.links.get(link).and_then(|l| l.entity.as_deref());
    let schema = walk.generator.schema;
    match target.and_then(|t| schema.entity_types.get(t)) {
        Some(target) if walk.random.random_bool(0.5) => {
            let params = parameters(walk, target);
            with_parameters(walk, step, params)
        }
        _ => step,
    }
}

fn own_records(walk: &Walk, entity: &EntityType) -> Value {
    if entity.name == "User" {
        let users = &walk.generator.known_users;
        return json!({"type": "in", "attribute": "id", "value": users});
    }
    let names = walk.records_of(&entity.name);
    let ids: Vec<Value> = names.iter().map(|n| placeholder(n)).collect();
    json!({"type": "in", "attribute": "id", "value": ids})
}

fn parameters(walk: &mut Walk, entity: &EntityType) -> Map<String, Value> {
    let mut params = Map::new();
    let attributes: Vec<&Attribute> = entity.attributes.values().collect();
    if walk.random.random_bool(0.6) {
        let count = walk.random.random_range(1..5);
        let mut names: Vec<String> = (0..count)
            .map(|_| pick(&mut walk.random, &attributes).name.clone())
            .collect();
        if walk.random.random_bool(0.5) {
            names.extend(["id".to_owned(), "name".to_owned()]);
        }
        params.insert("select".to_owned(), json!(names));
    }
    if walk.random.random_bool(0.45) {
        let by = match walk.random.random_range(0..10) {
            0 | 1 => pick(&mut walk.random, &attributes).name.clone(),
            2 => "createdAt".to_owned(),
            _ => {
                let fields: Vec<&String> = entity.fields.keys().collect();
                (*pick(&mut walk.random, &fields)).clone()
            }
        };
        params.insert("orderBy".to_owned(), json!(by));
        if walk.random.random_bool(0.7) {
            let order = *pick(&mut walk.random, &["asc", "desc"]);
            params.insert("order".to_owned(), json!(order));
        }
    }
    if walk.random.random_bool(0.4) {
        params.insert("maxSize".to_owned(), json!(walk.random.random_range(0..6)));
        if walk.random.random_bool(0.3) {
            params.insert("offset".to_owned(), json!(walk.random.random_range(0..3)));
        }
    }
    if walk.random.random_bool(0.08) {
        let mut names: Vec<&str> = FILTERS.to_vec();
        names.extend(entity.primary_filters.iter().map(String::as_str));
        let name = *pick(&mut walk.random, &names);
        params.insert("primaryFilter".to_owned(), json!(name));
    }
    if walk.random.random_bool(0.06) {
        let mut names: Vec<&str> = BOOL_FILTERS.to_vec();
        names.extend(entity.bool_filters.iter().map(String::as_str));
        let name = *pick(&mut walk.random, &names);
        params.insert("boolFilterList".to_owned(), json!([name]));
    }
    if walk.random.random_bool(0.12) {
        let text = match walk.random.random_range(0..3) {
            0 => walk.marker(),
            _ => values::text(walk, None),
        };
        params.insert("textFilter".to_owned(), json!(text));
    }
    params
}

/// Sends parameters as JSON, or one by one.
fn with_parameters(walk: &mut Walk, mut step: Step, params: Map<String, Value>) -> Step {
    if params.is_empty() {
        return step;
    }
    if walk.random.random_bool(0.6) {
        return step.query("searchParams", Value::Object(params).to_string());
    }
    for (key, value) in params {
        match (key.as_str(), value) {
            ("select", Value::Array(names)) => {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                step = step.query("select", names.join(","));
            }
            (_, value) => flatten(&key, &value, &mut step.query),
        }
    }
    step
}

fn flatten(key: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                flatten(&format!("{key}[{n}]"), item, out);
            }
        }
        Value::Object(map) => {
            for (k, item) in map {
                flatten(&format!("{key}[{k}]"), item, out);
            }
        }
        Value::Null => {}
        Value::String(text) => out.push((key.to_owned(), text.clone())),
        other => out.push((key.to_owned(), other.to_string())),
    }
}

/// A condition.
fn item(walk: &mut Walk, entity: &EntityType, depth: u32) -> Value {
    if depth > 0 && walk.random.random_bool(0.15) {
        let count = walk.random.random_range(1..4);
        let items: Vec<Value> = (0..count).map(|_| item(walk, entity, depth - 1)).collect();
        let group = *pick(&mut walk.random, &["and", "or"]);
        return json!({"type": group, "value": items});
    }
    if walk.random.random_bool(0.15) && !entity.links.is_empty() {
        return link_item(walk, entity);
    }
    let all: Vec<&Attribute> = entity.attributes.values().collect();
    let common: Vec<&Attribute> = all.iter().copied().filter(|a| a.stored).collect();
    let from = if walk.random.random_bool(0.75) && !common.is_empty() {
        &common
    } else {
        &all
    };
    let attribute = *pick(&mut walk.random, from);
    let types = types_of(&attribute.value);
    let type_ = if walk.random.random_bool(0.06) {
        *pick(&mut walk.random, DATES)
    } else {
        *pick(&mut walk.random, types)
    };
    let mut item = json!({"type": type_, "attribute": attribute.name});
    if let Some(value) = value(walk, entity, attribute, type_) {
        item["value"] = value;
    }
    if DATES.contains(&type_)
        && !NULLS.contains(&type_)
        && matches!(attribute.value, ValueType::DateTime)
        && walk.random.random_bool(0.7)
    {
        item["dateTime"] = json!(true);
        if walk.random.random_bool(0.5) {
            item["timeZone"] = json!(pick(&mut walk.random, ZONES));
        }
    }
    item
}

fn types_of(value: &ValueType) -> &'static [&'static str] {
    match value {
        ValueType::Bool => BOOLS,
        ValueType::Int
        | ValueType::EnumInt
        | ValueType::Float
        | ValueType::EnumFloat
        | ValueType::Money
        | ValueType::Decimal => NUMBERS,
        ValueType::Date | ValueType::DateTime => DATES,
        ValueType::Id { .. } | ValueType::ParentId { .. } | ValueType::ParentType { .. } => IDS,
        ValueType::EnumList
        | ValueType::TextList
        | ValueType::IntList
        | ValueType::JsonArray
        | ValueType::IdList { .. } => ARRAYS,
        _ => TEXTS,
    }
}

fn value(
    walk: &mut Walk,
    entity: &EntityType,
    attribute: &Attribute,
    type_: &str,
) -> Option<Value> {
    let count = match type_ {
        "isNull" | "isNotNull" | "isTrue" | "isFalse" | "ever" | "today" | "past" | "future"
        | "lastSevenDays" | "currentMonth" | "lastMonth" | "nextMonth" | "currentQuarter"
        | "lastQuarter" | "currentYear" | "lastYear" | "arrayIsEmpty" | "arrayIsNotEmpty" => {
            return None;
        }
        "lastXDays" | "nextXDays" | "olderThanXDays" | "afterXDays" => {
            return Some(json!(walk.random.random_range(0..60)));
        }
        "between" => 2,
        "in" | "notIn" | "arrayAnyOf" | "arrayNoneOf" | "arrayAllOf" => {
            walk.random.random_range(0..3)
        }
        _ => {
            let value = single(walk, entity, attribute);
            return Some(match (type_, value) {
                ("like" | "notLike", Value::String(text)) => json!(format!("%{text}%")),
                (_, value) => value,
            });
        }
    };
    let list: Vec<Value> = (0..count)
        .map(|_| single(walk, entity, attribute))
        .collect();
    Some(Value::Array(list))
}

fn single(walk: &mut Walk, entity: &EntityType, attribute: &Attribute) -> Value {
    if walk.random.random_bool(0.03) {
        return json!(null);
    }
    match &attribute.value {
        ValueType::Bool => json!(walk.random.random_bool(0.5)),
        ValueType::Int | ValueType::Float | ValueType::Money | ValueType::Decimal => {
            json!(walk.random.random_range(0..1000))
        }
        ValueType::Date => json!(values::day(walk)),
        ValueType::DateTime if walk.random.random_bool(0.5) => json!(values::day(walk)),
        ValueType::DateTime => json!(values::moment(walk)),
        ValueType::Id { target } => match target.as_deref() {
            Some("User") => json!(walk.user()),
            Some(target) => match walk.record_of(target) {
                Some(name) => placeholder(&name),
                None => json!("nosuchid000000000"),
            },
            None => json!("nosuchid000000000"),
        },
        ValueType::ParentId { .. } => match walk.some_record(&[]) {
            Some((_, name)) => placeholder(&name),
            None => json!("nosuchid000000000"),
        },
        _ => {
            if let Some(options) = attribute.options.listed().filter(|o| !o.is_empty()) {
                return json!(pick(&mut walk.random, options));
            }
            let kind = attribute
                .field
                .as_deref()
                .and_then(|f| entity.fields.get(f))
                .map(|f| f.kind);
            match kind {
                Some(FieldKind::Email) => json!(walk.email()),
                _ if attribute.name == "name" => {
                    let which = weighted(&mut walk.random, &[(1, 0), (1, 1)]);
                    if which == 0 {
                        json!(walk.marker())
                    } else {
                        json!(values::text(walk, None))
                    }
                }
                _ => json!(values::text(walk, None)),
            }
        }
    }
}

fn link_item(walk: &mut Walk, entity: &EntityType) -> Value {
    let links: Vec<_> = entity.links.values().collect();
    let link = *pick(&mut walk.random, &links);
    let type_ = *pick(&mut walk.random, LINKS);
    let mut item = json!({"type": type_, "attribute": link.name});
    if type_.contains("With") {
        let id = match link.entity.as_deref() {
            Some("User") => walk.user().map(Value::from),
            Some("Team") => walk.team().map(Value::from),
            Some(target) => walk.record_of(target).map(|n| placeholder(&n)),
            None => None,
        };
        let id = id.unwrap_or_else(|| json!("nosuchid000000000"));
        item["value"] = if walk.random.random_bool(0.5) {
            json!([id])
        } else {
            id
        };
    }
    item
}
