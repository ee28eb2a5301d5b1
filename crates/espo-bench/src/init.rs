//! Generates a workload from an instance's metadata.

use std::fmt::Write as _;
use std::path::Path;

use espo_schema::{AttributeRole, EntityType, Schema, ValueType};

use crate::data::Marker;
use crate::error::{Error, Result};
use crate::target::{Access, Credentials, Dialer, probe, runtime};
use crate::workload::near;

/// Entity types that are used by default.
const USUAL: [&str; 6] = ["Account", "Contact", "Lead", "Opportunity", "Case", "Task"];

/// Same as [`init`], but from metadata: files or directories; later ones are merged over earlier ones.
///
/// # Errors
///
/// Returns [`Error::Usage`] if they cannot be read or are not metadata, and for an unknown entity type.
pub fn init_from_metadata<P: AsRef<Path>>(metadata: &[P], entities: &[String]) -> Result<String> {
    let schema = Schema::load(metadata).map_err(|e| Error::usage(e.to_string()))?;
    write(&schema, entities)
}

/// Returns a workload file for an instance: lists, reads, searches and related lists of the entity types, and creates
/// and updates where possible. If `entities` is empty, common stock types and all custom types are used.
///
/// # Errors
///
/// Returns [`Error::Target`] if the instance cannot be reached, and [`Error::Usage`] for an unknown entity type.
pub fn init(
    url: &str,
    credentials: Credentials,
    access: Access,
    entities: &[String],
) -> Result<String> {
    let dialer = Dialer {
        url: url.to_owned(),
        credentials: vec![credentials],
        timeout: access.request_timeout(),
        access,
    };
    let runtime = runtime()?;
    let redactor = dialer.redactor();
    let probe = runtime.block_on(probe(&dialer));
    let schema = probe.map_err(|error| error.redacted(&redactor))?.schema;
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
            "this user may not read any of the default entity types; pass --entity",
        ));
    }
    let mut out = String::from(HEAD);
    let setup: Vec<String> = chosen
        .iter()
        .filter(|e| is_creatable(schema, e))
        .map(|e| format!("{} = 100", quoted(&e.name)))
        .collect();
    if !setup.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "\n# Records that must exist before the load: missing ones are created and deleted at the end.\n[setup]\n\
             records = {{ {} }}\n",
            setup.join(", ")
        );
    }
    for entity in &chosen {
        let _ = write!(out, "\n# {}\n", espo_stdio::one_line(&entity.name));
        operations(schema, entity, &mut out);
    }
    if let Some(entity) = chosen.iter().find(|e| related(schema, e).is_some()) {
        chain(schema, entity, &mut out);
    }
    Ok(out)
}

/// The part of the file that does not depend on the instance.
const HEAD: &str = r#"# Generated from the metadata of an instance. Adapt weights, fields and filters to your users.
# Show the requests without sending them: espo-bench run FILE --url URL --dry-run
name = "instance"
description = "Lists, reads, searches and changes of the instance's entity types"

# Default load: workers that wait for each response, with a think time in between. Command line options override it.
concurrency = 8
duration = "60s"
warmup = "5s"
think = { min = "200ms", max = "1s" }

# Most reads go to a small part of the records, as with real users.
[data]
skew = { hot = 0.1, share = 0.7 }
"#;

/// Returns whether records can be created, and found again after a crash.
fn is_creatable(schema: &Schema, entity: &EntityType) -> bool {
    let none = serde_json::Map::new();
    Marker::of(entity).is_some()
        && crate::data::Template::create(schema, entity, &[], &none, None).is_ok()
}

/// Returns a link to show in a panel.
fn related<'a>(schema: &Schema, entity: &'a EntityType) -> Option<&'a espo_schema::Link> {
    entity.links.values().find(|l| {
        l.can_link()
            && !l.implicit
            && l.entity
                .as_ref()
                .is_some_and(|e| schema.entity_type(e).is_some_and(|t| t.scope.object))
    })
}

/// Writes a chain that opens a record as users do: the record, its stream and a panel.
fn chain(schema: &Schema, entity: &EntityType, out: &mut String) {
    let chain = quoted(&format!("open-{}", label(&entity.name)));
    let name = quoted(&entity.name);
    let _ = write!(
        out,
        "\n# The steps of a chain run in sequence on the same record: opening a record takes several requests.\n\
         [[chain]]\nname = {chain}\nweight = 10\n\n[[chain.step]]\nkind = \"read\"\nentity = {name}\n"
    );
    if entity.scope.stream {
        let _ = write!(
            out,
            "\n[[chain.step]]\nkind = \"stream\"\nentity = {name}\n"
        );
    }
    if let Some(link) = related(schema, entity) {
        let _ = write!(
            out,
            "\n[[chain.step]]\nkind = \"related\"\nentity = {name}\nlink = {}\nselect = [\"name\"]\nmax_size = 5\n",
            quoted(&link.name)
        );
    }
}

/// Returns a name of the instance as a TOML string on one line, which is also a quoted key. JSON's escapes are a part of
/// TOML's, except that TOML requires one for U+007F.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

/// Returns a name of the instance with the characters that names in a workload may have.
fn label(name: &str) -> String {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.chars()
        .map(|c| if is_allowed(c) { c } else { '_' })
        .collect()
}

fn operations(schema: &Schema, entity: &EntityType, out: &mut String) {
    let name = quoted(&entity.name);
    let mut add = |kind: &str, weight: u32, more: &str| {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "\n[[operation]]\nkind = \"{kind}\"\nentity = {name}\nweight = {weight}\n{more}"
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
        .map(|a| quoted(&a.name))
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
            "name = {}\nwhere = [{{ type = \"equals\", attribute = {}, value = {} }}]\n",
            quoted(&format!("filter:{}", label(&entity.name))),
            quoted(field),
            quoted(option)
        );
        add("list", 10, &filter);
    }
    add("read", 15, "");
    if !entity.collection.text_filter_fields.is_empty() {
        add("search", 5, "");
    }
    if let Some(link) = related(schema, entity) {
        add(
            "related",
            5,
            &format!("link = {}\nselect = [\"name\"]\n", quoted(&link.name)),
        );
    }
    if is_creatable(schema, entity) {
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

    /// Names that contain quotes, line breaks and TOML.
    #[test]
    fn names_of_an_instance_cannot_inject_toml() {
        let names = [
            "A\"]\nduration = \"9h",
            "B\n[setup]\nrecords = { Account = 1000000 }",
            "C'''\\",
            "D\u{7f}\u{1b}[31m",
            "E.F = 1 #",
            "Ö \u{2028}",
        ];
        let entity = |name: &str| {
            serde_json::json!({
                "fields": {
                    "name": {"type": "varchar", "required": true},
                    format!("status {name}"): {"type": "enum", "options": [name, "x"]},
                },
                "links": {name: {"type": "hasMany", "entity": name, "foreign": name, "relationName": "r"}},
                "collection": {"textFilterFields": ["name"]},
            })
        };
        let scope = |name: &str| {
            serde_json::json!({"entity": true, "object": true, "isCustom": true, "stream": true,
                "statusField": format!("status {name}")})
        };
        let each = |of: &dyn Fn(&str) -> serde_json::Value| {
            let entries = names.iter().map(|name| ((*name).to_owned(), of(name)));
            serde_json::Value::Object(entries.collect())
        };
        let tree = serde_json::json!({"entityDefs": each(&entity), "scopes": each(&scope),
            "fields": Schema::stock().raw["fields"].clone()});
        let schema = Schema::from_value(tree, "export").unwrap();
        let text = write(&schema, &[]).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(table["duration"].as_str(), Some("60s"));
        let operations = table["operation"].as_array().unwrap();
        for name in names {
            let own = |o: &&toml::Value| o["entity"].as_str() == Some(name);
            assert!(operations.iter().filter(own).count() >= 3, "{name:?}");
            assert!(
                operations
                    .iter()
                    .any(|o| o.get("link").and_then(toml::Value::as_str) == Some(name)),
                "{name:?}"
            );
        }
        assert!(
            operations
                .iter()
                .all(|o| names.contains(&o["entity"].as_str().unwrap()))
        );
        let workload = Workload::parse("written.toml", &text, std::path::Path::new(".")).unwrap();
        resolve(&workload, &schema).unwrap();
    }

    #[test]
    fn generated_workloads_match_the_metadata() {
        let schema = Schema::stock();
        let all: Vec<String> = schema.entity_types.keys().cloned().collect();
        for entities in [Vec::new(), all] {
            let text = write(schema, &entities).unwrap();
            let workload =
                Workload::parse("written.toml", &text, std::path::Path::new(".")).unwrap();
            resolve(&workload, schema).unwrap();
            assert!(workload.setup.contains_key("Account"));
            assert!(workload.mix.iter().any(|item| item.chain.is_some()));
            assert!(text.lines().filter(|l| l.starts_with('#')).count() > 10);
        }
        assert!(
            write(schema, &["Acount".into()])
                .unwrap_err()
                .to_string()
                .contains("'Account'")
        );
    }
}
