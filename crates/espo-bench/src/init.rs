//! Writing a workload from an instance's metadata.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use espo_schema::{AttributeRole, EntityType, Schema, ValueType};

use crate::data::Marker;
use crate::drive::{Access, Credentials, Dialer, probe};
use crate::error::{Error, Result};
use crate::workload::near;

/// Entity types that people work with when nothing else is asked for.
const USUAL: [&str; 6] = ["Account", "Contact", "Lead", "Opportunity", "Case", "Task"];

/// As [`init`], from metadata: files or folders, later ones laid over earlier ones.
///
/// # Errors
///
/// [`Error::Usage`] when they cannot be read or are no metadata, or for an entity type that they do not have.
pub fn init_from_metadata<P: AsRef<Path>>(metadata: &[P], entities: &[String]) -> Result<String> {
    let schema = Schema::load(metadata).map_err(|e| Error::usage(e.to_string()))?;
    write(&schema, entities)
}

/// A workload file for an instance: lists, reads, searches and related lists of the entity types, and for those
/// that it can, creates and updates. `entities` empty takes the usual ones and the instance's own.
///
/// # Errors
///
/// [`Error::Target`] when the instance cannot be reached; [`Error::Usage`] for an entity type that it does not have.
pub fn init(
    url: &str,
    credentials: Credentials,
    access: Access,
    entities: &[String],
) -> Result<String> {
    let dialer = Dialer {
        url: url.to_owned(),
        credentials: vec![credentials],
        timeout: Duration::from_secs(60),
        access,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| Error::usage(format!("no runtime: {e}")))?;
    let schema = runtime.block_on(probe(&dialer))?.schema;
    write(&schema, entities)
}

pub(crate) fn write(schema: &Schema, entities: &[String]) -> Result<String> {
    let chosen: Vec<&EntityType> = if entities.is_empty() {
        let usual = |e: &&EntityType| {
            USUAL.contains(&e.name.as_str())
                || (e.scope.is_custom && e.scope.object && !e.scope.disabled)
        };
        schema.entity_types.values().filter(usual).collect()
    } else {
        let known = |name: &String| {
            schema.entity_type(name).ok_or_else(|| {
                let near = near(name, schema.entity_types.keys().map(String::as_str));
                Error::usage(format!(
                    "the target has no entity type '{name}', or this user may not read it{near}"
                ))
            })
        };
        entities.iter().map(known).collect::<Result<_>>()?
    };
    if chosen.is_empty() {
        return Err(Error::usage(
            "this user may read none of the usual entity types: name some with --entity",
        ));
    }
    let mut out = String::from(
        "name = \"instance\"\ndescription = \"Written from the instance's metadata: change weights and fields to what your users do\"\n\
         concurrency = 8\nduration = \"60s\"\nwarmup = \"5s\"\nthink = { min = \"200ms\", max = \"1s\" }\n",
    );
    for entity in chosen {
        operations(schema, entity, &mut out);
    }
    Ok(out)
}

fn operations(schema: &Schema, entity: &EntityType, out: &mut String) {
    let name = &entity.name;
    let mut add = |kind: &str, weight: u32, more: &str| {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "\n[[operation]]\nkind = \"{kind}\"\nentity = \"{name}\"\nweight = {weight}\n{more}"
        );
    };
    let shown = |a: &&espo_schema::Attribute| {
        a.in_list
            && !a.filter_only
            && matches!(
                a.role,
                AttributeRole::Value | AttributeRole::Name | AttributeRole::PersonName
            )
            && a.name != "deleted"
    };
    let select: Vec<String> = entity
        .attributes
        .values()
        .filter(shown)
        .take(6)
        .map(|a| format!("\"{}\"", a.name))
        .collect();
    let order = match entity.fields.get("createdAt") {
        Some(field) if !field.order_disabled => "order_by = \"createdAt\"\norder = \"desc\"\n",
        _ => "",
    };
    add(
        "list",
        20,
        &format!("select = [{}]\n{order}pages = 3\n", select.join(", ")),
    );
    let status = entity
        .scope
        .status_field
        .as_ref()
        .and_then(|f| entity.attributes.get(f));
    if let Some(option) = status
        .and_then(|a| a.options.listed())
        .and_then(|o| o.iter().find(|v| !v.is_empty()))
    {
        let field = entity.scope.status_field.as_deref().unwrap_or_default();
        let filter = format!(
            "name = \"filter:{name}\"\nwhere = [{{ type = \"equals\", attribute = \"{field}\", value = {} }}]\n",
            toml::Value::from(option.as_str())
        );
        add("list", 10, &filter);
    }
    add("read", 15, "");
    if !entity.collection.text_filter_fields.is_empty() {
        add("search", 5, "");
    }
    let related = entity.links.values().find(|l| {
        l.can_link()
            && !l.implicit
            && l.entity
                .as_ref()
                .is_some_and(|e| schema.entity_type(e).is_some_and(|t| t.scope.object))
    });
    if let Some(link) = related {
        add(
            "related",
            5,
            &format!("link = \"{}\"\nselect = [\"name\"]\n", link.name),
        );
    }
    let none = serde_json::Map::new();
    let creatable = Marker::of(entity).is_some()
        && crate::data::Template::create(schema, entity, &[], &none, None).is_ok();
    if creatable {
        add("create", 3, "");
        let plain = |a: &&espo_schema::Attribute| {
            a.name == "description" && a.writable && a.value == ValueType::Text
        };
        if entity.attributes.values().any(|a| plain(&a)) {
            add("update", 5, "fields = [\"description\"]\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{Workload, resolve::resolve};

    #[test]
    fn what_is_written_is_a_workload_that_fits_the_metadata() {
        let schema = Schema::stock();
        let all: Vec<String> = schema.entity_types.keys().cloned().collect();
        for entities in [Vec::new(), all] {
            let text = write(schema, &entities).unwrap();
            let workload =
                Workload::parse("written.toml", &text, std::path::Path::new(".")).unwrap();
            resolve(&workload, schema).unwrap();
        }
        assert!(
            write(schema, &["Acount".into()])
                .unwrap_err()
                .to_string()
                .contains("'Account'")
        );
    }
}
