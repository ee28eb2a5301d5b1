//! Roles: which rights they may contain.

use serde_json::Value as Json;

use crate::http::json::php_text;
use crate::http::{Refusal, Result};
use crate::record::hooks::Draft;
use crate::value::Value;

/// Rights are objects: scope → rights, and scope → fields.
pub(super) fn check(d: &Draft) -> Result<()> {
    let scopes = d.app.layouts.schema.raw.get("scopes");
    for_each(d, "data", |scope, rights| match scopes {
        None if rights.is_boolean() || rights.is_object() => Ok(()),
        _ if !(rights.is_boolean() || rights.is_object()) => {
            Err("Should be bool or object.".into())
        }
        _ => of_scope(scopes.and_then(|s| s.get(scope)), scope, rights),
    })?;
    for_each(d, "fieldData", |scope, fields| {
        let fields = fields.as_object().ok_or("")?;
        for (field, rights) in fields {
            for level in rights.as_object().into_iter().flat_map(|r| r.values()) {
                if !matches!(level.as_str(), Some("yes" | "no")) {
                    let level = php_text(level);
                    return Err(format!(
                        "Level `{level}` is not allowed for *{scope}*, field *{field}*."
                    ));
                }
            }
        }
        Ok(())
    })
}

/// Checks each scope of an attribute. A message that is a whole sentence about a level is not introduced.
fn for_each(
    d: &Draft,
    attr: &str,
    check: impl Fn(&str, &Json) -> std::result::Result<(), String>,
) -> Result<()> {
    let Value::Json(map) = d.get(attr) else {
        return Ok(());
    };
    for (scope, rights) in map.as_object().into_iter().flatten() {
        check(scope, rights).map_err(|what| {
            Refusal::bad_request(match what.as_str() {
                "" => "Bad field-level data. Should be object.".to_owned(),
                _ if what.starts_with("Level") => what,
                _ => format!("Bad data. {what}"),
            })
        })?;
    }
    Ok(())
}

/// Whether the rights fit the kind of access control that a scope has.
fn of_scope(def: Option<&Json>, scope: &str, rights: &Json) -> std::result::Result<(), String> {
    let acl = def.map_or(&Json::Null, |d| &d["acl"]);
    let Some(def) = def.filter(|_| !matches!(acl, Json::Null | Json::Bool(false))) else {
        return Err(format!("Scope *{scope}* is not allowed."));
    };
    let value = format!("Value for *{scope}* should be be");
    match (acl.as_str() == Some("boolean"), rights) {
        (true, Json::Object(_)) => return Err(format!("{value} boolean.")),
        (false, Json::Bool(true)) => return Err(format!("{value} false or object.")),
        _ => {}
    }
    let words = |list: &Json| -> Option<Vec<String>> {
        let list = list.as_array()?.iter().filter_map(Json::as_str);
        Some(list.map(str::to_owned).collect())
    };
    for (action, level) in rights.as_object().into_iter().flatten() {
        if !matches!(
            action.as_str(),
            "create" | "read" | "edit" | "delete" | "stream"
        ) {
            continue;
        }
        let stock: &[&str] = match action.as_str() {
            "create" => &["yes", "no"],
            _ => &["all", "team", "own", "no"],
        };
        let of_action = words(&def["aclActionLevelListMap"][action]);
        let of_scope = words(&def["aclLevelList"]).filter(|_| action != "create");
        let allowed = of_action.or(of_scope);
        let level = php_text(level);
        let fits = match &allowed {
            Some(list) => list.contains(&level),
            None => stock.contains(&level.as_str()),
        };
        if !fits {
            return Err(format!(
                "Level `{level}` is not allowed for action *{action}* for *{scope}*."
            ));
        }
    }
    Ok(())
}
