//! Layouts of the user interface. They are generated from the metadata until an administrator sets one.
//!
//! Layout files are not part of the metadata, so the generated layouts only have the right fields.

use http::Method;
use serde_json::{Value as Json, json};

use super::{Call, Fixed};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, ":Entity/layout/:name", get),
    Fixed::controller(Method::PUT, ":Entity/layout/:name", put),
    // The server interprets this as a link request without records.
    Fixed::controller(Method::POST, ":Entity/layout/:name", |_| {
        Ok(Reply::bool(false))
    }),
    Fixed::controller(Method::DELETE, ":Entity/layout/:name", |_| {
        Ok(Reply::bool(false))
    }),
    Fixed::controller(Method::PUT, ":Entity/layout/:name/:set", put),
];

/// Maximum number of fields in a list layout.
const IN_LIST: usize = 4;

fn get(call: &Call) -> Result<Reply> {
    let app = call.app;
    let (scope, name) = (call.params[0].to_owned(), call.params[1]);
    // A name that is not a scope has the default layouts.
    if app.layouts.find(&scope).is_some() && !call.caller.acl.scope(&scope) {
        return Err(Refusal::forbidden(format!("No access to scope {scope}.")));
    }
    if let Some(stored) = app
        .extras
        .layouts
        .0
        .read()
        .get(&(scope.clone(), name.to_owned()))
    {
        return Ok(app.json(stored));
    }
    let made = match app.layouts.find(&scope) {
        Some(layout) => by_rule(call, layout, name),
        None => of_unknown(name),
    };
    match made {
        Some(layout) => Ok(app.json(&layout)),
        None => Err(Refusal::not_found(format!(
            "Layout {scope}:{name} is not found."
        ))),
    }
}

fn put(call: &Call) -> Result<Reply> {
    call.caller.require_admin()?;
    let scope = call.params[0].to_owned();
    let layout = call.app.layouts.find(&scope);
    if layout.is_none_or(|l| !call.app.layouts.entity(l).scope.object) {
        return Err(Refusal::forbidden(format!("{scope} is not customizable.")));
    }
    // A list arrives wrapped, as every list in a body does.
    let mut body = call.request.json_body()?;
    let layout = match (body.len(), body.remove("list")) {
        (1, Some(list @ Json::Array(_))) => list,
        (_, Some(list)) => {
            body.insert("list".to_owned(), list);
            Json::Object(body)
        }
        (_, None) => Json::Object(body),
    };
    let reply = call.app.json(&layout);
    call.app
        .extras
        .layouts
        .0
        .write()
        .insert((scope, call.params[1].to_owned()), layout);
    Ok(reply)
}

/// The layouts of a name that is not an entity type.
fn of_unknown(name: &str) -> Option<Json> {
    match name {
        "list" | "listSmall" => Some(json!([{"name": "name", "link": true}])),
        "detail" | "detailSmall" => {
            Some(json!([{"label": "Overview", "rows": [[{"name": "name"}, false]]}]))
        }
        "filters" | "massUpdate" => Some(json!([])),
        _ => None,
    }
}

fn by_rule(call: &Call, layout: &Layout, name: &str) -> Option<Json> {
    let entity = call.app.layouts.entity(layout);
    let disabled =
        |field: &espo_schema::Field, key: &str| field.raw.get(key) == Some(&Json::Bool(true));
    let shown = |key: &str| -> Vec<&str> {
        let fields = entity
            .fields
            .values()
            .filter(|f| !f.disabled && !f.utility && f.composite_of.is_none() && !disabled(f, key));
        fields.map(|f| f.name.as_str()).collect()
    };
    let columns = |fields: Vec<&str>| -> Json {
        fields
            .into_iter()
            .map(|f| {
                if f == "name" {
                    json!({"name": f, "link": true})
                } else {
                    json!({"name": f})
                }
            })
            .collect()
    };
    let first_name = |mut fields: Vec<&'_ str>| -> Vec<String> {
        // The name comes first.
        fields.sort_by_key(|f| *f != "name");
        fields.into_iter().map(str::to_owned).collect()
    };
    let list = first_name(shown("layoutListDisabled"));
    Some(match name {
        // The layouts of an entity type without layout files.
        "listSmall" | "kanban" => json!([{"name": "name", "link": true}]),
        "list" if entity.scope.is_custom => json!([{"name": "name", "link": true}]),
        "list" => columns(list.iter().take(IN_LIST).map(String::as_str).collect()),
        "detail" | "detailSmall" => {
            let cells: Vec<Json> = first_name(shown("layoutDetailDisabled"))
                .into_iter()
                .map(|f| json!({"name": f}))
                .collect();
            let rows: Vec<Json> = cells
                .chunks(2)
                .map(|pair| match pair {
                    [a, b] => json!([a, b]),
                    other => json!([other[0], false]),
                })
                .collect();
            json!([{"label": "Overview", "rows": rows}])
        }
        "sidePanelsDetail" | "bottomPanelsDetail" => json!({}),
        "defaultSidePanel" => json!([{"name": ":assignedUser"}, {"name": "teams"}]),
        "filters" => json!(["assignedUser", "teams", "createdAt", "createdBy"]),
        "massUpdate" => json!(["assignedUser", "teams"]),
        "relationships" => {
            let many = layout.links.values().filter(|l| {
                use crate::layout::LinkKind::{Children, HasMany, Many};
                l.field.is_none()
                    && matches!(l.kind, Many { .. } | HasMany { .. } | Children { .. })
            });
            json!(many.map(|l| json!({"name": l.name})).collect::<Vec<_>>())
        }
        _ => return None,
    })
}
