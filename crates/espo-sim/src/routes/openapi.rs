//! `GET OpenApi` (9.3): a description of the records' routes.

use espo_schema::{Cardinality, EntityType, ValueType};
use http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};

pub(crate) const ROUTES: &[Fixed] = &[Fixed::action(Method::GET, "OpenApi", openapi)];

fn openapi(call: &Call) -> Result<Reply> {
    if !call.caller.acl.is_admin() && call.caller.acl.level("OpenApi", Action::Read) == Level::No {
        return Err(Refusal::forbidden("No access to OpenApi scope."));
    }
    let module = call.request.param("module");
    let skip_custom = call.request.param("skipCustom") == Some("true");
    let schema = &call.app.layouts.schema;
    if let Some(m) = module.filter(|m| {
        !schema
            .entity_types
            .values()
            .any(|e| e.scope.module.as_deref() == Some(m))
    }) {
        return Err(Refusal::bad_request(format!(
            "Module '{m}' does not exist."
        )));
    }
    let included: Vec<&EntityType> = schema
        .entity_types
        .values()
        .filter(|e| (e.scope.entity && e.scope.object && !e.scope.disabled) || e.name == "Team")
        .filter(|e| module.is_none_or(|m| e.scope.module.as_deref() == Some(m)))
        .filter(|e| !(skip_custom && e.scope.is_custom))
        .collect();
    let names: Vec<&str> = included.iter().map(|e| e.name.as_str()).collect();
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for entity in &included {
        schemas.insert(entity.name.clone(), record_schema(entity));
        let required: Vec<&str> = entity
            .fields
            .values()
            .filter(|f| f.required && f.default.is_none())
            .flat_map(|f| f.actual_attributes.iter().map(String::as_str))
            .collect();
        schemas.insert(
            format!("{}_create", entity.name),
            json!({"allOf": [{"$ref": format!("#/components/schemas/{}", entity.name)}], "required": required}),
        );
        let reference = json!({"$ref": format!("#/components/schemas/{}", entity.name)});
        let answers = |schema: Json| {
            json!({"200": {"description": "Success", "content": {"application/json": {"schema": schema}}},
                   "400": {"description": "Bad request"}, "403": {"description": "Forbidden"}})
        };
        let list = json!({"type": "object", "properties": {"total": {"type": "integer"}, "list": {"type": "array", "items": reference}}});
        paths.insert(
            format!("/{}", entity.name),
            json!({"get": {"responses": answers(list.clone())}, "post": {"responses": answers(reference.clone())}}),
        );
        paths.insert(
            format!("/{}/{{id}}", entity.name),
            json!({
                "get": {"responses": answers(reference.clone())},
                "patch": {"responses": answers(reference.clone())},
                "delete": {"responses": answers(json!({"type": "boolean"}))},
            }),
        );
        for link in entity.links.values() {
            let many = matches!(
                link.cardinality,
                Cardinality::OneToMany | Cardinality::ManyToMany | Cardinality::Children
            );
            let known = link.entity.as_deref().is_some_and(|t| names.contains(&t));
            if many && known && !link.read_only {
                paths.insert(
                    format!("/{}/{{id}}/{}", entity.name, link.name),
                    json!({
                        "get": {"responses": answers(list.clone())},
                        "post": {"responses": answers(json!({"type": "boolean"}))},
                        "delete": {"responses": answers(json!({"type": "boolean"}))},
                    }),
                );
            }
        }
    }
    let document = json!({
        "openapi": "3.1.1",
        "info": {"title": "EspoCRM API", "version": call.app.version.release()},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"ApiKeyAuth": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}},
        },
        "security": [{"ApiKeyAuth": []}],
    });
    // The only pretty-printed response.
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    Ok(Reply::json(text))
}

fn record_schema(entity: &EntityType) -> Json {
    let mut properties =
        Map::from_iter([("id".to_owned(), json!({"type": "string", "readOnly": true}))]);
    for attr in entity
        .attributes
        .values()
        .filter(|a| a.in_read && !a.write_only)
    {
        let type_ = match attr.value {
            ValueType::Bool => "boolean",
            ValueType::Int | ValueType::EnumInt => "integer",
            ValueType::Float | ValueType::Money | ValueType::EnumFloat => "number",
            ValueType::IdList { .. }
            | ValueType::TextList
            | ValueType::EnumList
            | ValueType::JsonArray
            | ValueType::IntList => "array",
            ValueType::NameMap
            | ValueType::ColumnMap { .. }
            | ValueType::TypeMap
            | ValueType::JsonObject => "object",
            _ => "string",
        };
        let mut property = json!({"type": [type_, "null"]});
        if let Some(options) = attr.options.listed().filter(|o| !o.is_empty()) {
            property["enum"] = json!(options);
        }
        if !attr.writable {
            property["readOnly"] = json!(true);
        }
        properties.entry(attr.name.clone()).or_insert(property);
    }
    json!({"type": "object", "properties": properties})
}
