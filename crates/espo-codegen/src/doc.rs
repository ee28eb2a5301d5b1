//! Documentation of generated items, derived from the metadata.

use espo_schema::{
    Attribute, AttributeRole, Cardinality, EntityType, Link, OptionsSource, ValueType,
};
use serde_json::Value;

use crate::model::Attr;
use crate::names::is_invisible;

/// Returns a string of the metadata as inline code, regardless of the characters in it.
pub(crate) fn code(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => shown.push(' '),
            c if c.is_control() || is_invisible(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    // Inline code that begins or ends with a backtick needs spaces around it.
    if shown.contains('`') {
        format!("`` {shown} ``")
    } else {
        format!("`{shown}`")
    }
}

/// A type of the generated code with its article, as a link.
pub(crate) fn a(rust: &str) -> String {
    format!("{} [`{rust}`]", if takes_an(rust) { "An" } else { "A" })
}

/// Whether the pronunciation of a name starts with a vowel. A name that begins with an abbreviation, such as
/// `HTMLPage` or `SMSLog`, is spelt.
fn takes_an(name: &str) -> bool {
    let mut letters = name.chars();
    let (first, second) = (letters.next(), letters.next());
    let Some(first) = first.map(|c| c.to_ascii_uppercase()) else {
        return false;
    };
    let is_spelt = name.len() == 1
        || second.is_some_and(|c| c.is_ascii_uppercase())
            && letters.next().is_none_or(|c| c.is_ascii_uppercase());
    if is_spelt {
        return "AEFHILMNORSX".contains(first);
    }
    let lower = name.to_ascii_lowercase();
    let like_you = ["uni", "use", "usa", "uti", "ura", "eu", "one", "once"];
    "AEIOU".contains(first) && !like_you.iter().any(|start| lower.starts_with(start))
        || lower.starts_with("hour")
        || lower.starts_with("honest")
}

/// The docs of a record struct.
pub(crate) fn entity(entity: &EntityType) -> String {
    let scope = &entity.scope;
    let mut notes = Vec::new();
    if let Some(module) = &scope.module {
        notes.push(format!("module {}", code(module)));
    }
    if scope.stream {
        notes.push("has a stream".to_owned());
    }
    if entity.optimistic_concurrency_control {
        notes.push("has optimistic locking".to_owned());
    }
    if scope.disabled {
        notes.push("disabled: the server rejects lists and creates with 403".to_owned());
    }
    if let Some(version) = entity.since {
        notes.push(format!("since EspoCRM {version}"));
    }
    let notes = if notes.is_empty() {
        String::new()
    } else {
        format!(" ({})", notes.join(", "))
    };
    format!("A record of entity type {}{notes}.", code(&entity.name))
}

/// The docs of an attribute.
pub(crate) fn attribute(attribute: &Attr<'_>) -> String {
    let Attribute {
        name,
        field: of_field,
        link,
        role,
        value,
        ..
    } = attribute.schema;
    let mut parts = vec![code(name)];
    match attribute.field {
        Some(field) if field.name == *name => parts.push(field.type_.clone()),
        Some(field) => parts.push(format!("of field {} ({})", code(&field.name), field.type_)),
        None => {
            if let Some(link) = link.as_ref().or(of_field.as_ref()) {
                parts.push(format!("of link {}", code(link)));
            }
        }
    }
    if let Some(label) = attribute.label.filter(|label| !label.is_empty()) {
        parts.push(format!("labelled {}", code(label)));
    }
    if matches!(role, AttributeRole::Id)
        && let ValueType::Id {
            target: Some(target),
        } = value
    {
        parts.push(format!("refers to {}", code(target)));
    }
    if let Some(field) = attribute.field.filter(|_| {
        matches!(
            role,
            AttributeRole::Value | AttributeRole::AddressPart | AttributeRole::PersonNamePart
        )
    }) {
        if field.required {
            parts.push("required".to_owned());
        }
        if let Some(length) = field.max_length {
            parts.push(format!("at most {length} characters"));
        }
        for (bound, word) in [(&field.min, "at least"), (&field.max, "at most")] {
            if let Some(bound @ (Value::Number(_) | Value::String(_))) = bound {
                parts.push(format!("{word} {}", bound.to_string().trim_matches('"')));
            }
        }
        if let Some(pattern) = &field.pattern {
            parts.push(format!("matches {}", code(&pattern.source)));
        }
        match &field.options_source {
            OptionsSource::Reference { entity, field } => {
                parts.push(format!("options of {}", code(&format!("{entity}.{field}"))));
            }
            OptionsSource::Path(path) => parts.push(format!("options from {}", code(path))),
            OptionsSource::None | OptionsSource::Own => {}
        }
        match &field.default {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::String(text)) if text.is_empty() || text.starts_with("javascript:") => {}
            Some(Value::Array(items)) if items.is_empty() => {}
            Some(default) => parts.push(format!(
                "default {}",
                code(default.to_string().trim_matches('"'))
            )),
        }
    }
    if let Some(version) = attribute.field.and_then(|field| field.since) {
        parts.push(format!("since EspoCRM {version}"));
    }
    let is_disabled = attribute.field.is_some_and(|field| field.disabled);
    parts.push(
        match (attribute.schema.writable, attribute.schema.create_only) {
            (false, _) if is_disabled => "disabled, so never returned".to_owned(),
            (false, _) => "read-only".to_owned(),
            (true, true) => "can be set on create only".to_owned(),
            (true, false) => String::new(),
        },
    );
    if !attribute.schema.in_list && attribute.schema.in_read {
        parts.push("in lists only if selected".to_owned());
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// The docs of a link.
pub(crate) fn link(link: &Link, target: Option<&str>) -> String {
    let target = match (target, &link.entity) {
        (Some(target), _) => format!("[`{target}`]"),
        (None, Some(missing)) => format!("{}, which is not in the metadata", code(missing)),
        (None, None) => "a record of any of several entity types".to_owned(),
    };
    let what = match link.cardinality {
        Cardinality::OneToMany => "one-to-many link to",
        Cardinality::ManyToMany => "many-to-many link to",
        Cardinality::Children => "parent-to-children link to",
        Cardinality::ManyToOne => "many-to-one link to",
        Cardinality::OneToOne { .. } => "one-to-one link to",
        Cardinality::Parent => "child-to-parent link to",
        Cardinality::Unknown => "link of an unknown kind to",
    };
    let mut text = format!("{}: {what} {target}", code(&link.name));
    if let Some(foreign) = &link.foreign {
        text += &format!(", reverse link {}", code(foreign));
    }
    if let Some(version) = link.since {
        text += &format!(", since EspoCRM {version}");
    }
    text
}
