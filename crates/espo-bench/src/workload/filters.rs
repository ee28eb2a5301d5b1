//! Checks the items of a `where` as far as possible without a target.

use serde_json::Value;

use super::near;

/// Filter types with a list of items. The server rejects its other group types (`not`, `having`, sub-queries) over the
/// API.
const GROUPS: [&str; 2] = ["and", "or"];
/// Filter types that name a filter of the entity type or a search text instead of an attribute.
const WITHOUT_ATTRIBUTE: [&str; 3] = ["primary", "bool", "textFilter"];
/// Filter types for an attribute or a link.
const CONDITIONS: [&str; 66] = [
    "equals",
    "notEquals",
    "greaterThan",
    "lessThan",
    "greaterThanOrEquals",
    "lessThanOrEquals",
    "between",
    "in",
    "notIn",
    "isNull",
    "isNotNull",
    "isTrue",
    "isFalse",
    "ever",
    "any",
    "none",
    "like",
    "notLike",
    "contains",
    "notContains",
    "startsWith",
    "endsWith",
    "on",
    "notOn",
    "before",
    "after",
    "today",
    "past",
    "future",
    "lastSevenDays",
    "lastXDays",
    "nextXDays",
    "olderThanXDays",
    "afterXDays",
    "currentMonth",
    "lastMonth",
    "nextMonth",
    "currentQuarter",
    "lastQuarter",
    "currentYear",
    "lastYear",
    "currentFiscalYear",
    "lastFiscalYear",
    "currentFiscalQuarter",
    "lastFiscalQuarter",
    "arrayAnyOf",
    "arrayNoneOf",
    "arrayAllOf",
    "arrayIsEmpty",
    "arrayIsNotEmpty",
    "isLinked",
    "isNotLinked",
    "linkedWith",
    "notLinkedWith",
    "linkedWithAll",
    "inCategory",
    "isUserFromTeams",
    "isOfType",
    "inFolder",
    "columnEquals",
    "columnNotEquals",
    "columnIn",
    "columnNotIn",
    "columnIsNull",
    "columnIsNotNull",
    "columnLike",
];

/// Returns the attributes that an item and its nested items name.
///
/// # Errors
///
/// Returns a message about an unknown type, a missing type or a missing attribute.
pub(super) fn check(item: &Value) -> Result<Vec<String>, String> {
    let Some(kind) = item.get("type").and_then(Value::as_str) else {
        return Err("a where item needs a type, such as { type = \"equals\", attribute = \"status\", value = \"New\" }".into());
    };
    let value = item.get("value");
    if GROUPS.contains(&kind) {
        let items = value
            .and_then(Value::as_array)
            .ok_or_else(|| format!("the value of '{kind}' must be an array of where items"))?;
        let names = items.iter().map(check).collect::<Result<Vec<_>, _>>()?;
        return Ok(names.concat());
    }
    if WITHOUT_ATTRIBUTE.contains(&kind) {
        return match value {
            Some(_) => Ok(Vec::new()),
            None => Err(format!("'{kind}' needs a value")),
        };
    }
    if !CONDITIONS.contains(&kind) {
        let known = CONDITIONS
            .into_iter()
            .chain(GROUPS)
            .chain(WITHOUT_ATTRIBUTE);
        return Err(format!("unknown filter type '{kind}'{}", near(kind, known)));
    }
    // Older clients use `field`.
    let attribute = item.get("attribute").or_else(|| item.get("field"));
    match attribute.and_then(Value::as_str) {
        Some(attribute) => Ok(vec![attribute.to_owned()]),
        None => Err(format!("filter type '{kind}' needs an attribute")),
    }
}
