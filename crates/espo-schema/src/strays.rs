//! Files among the definitions of entity types that do not define one, such as `Account copy.json`.

use serde_json::{Map, Value};

use crate::model::Diagnostic;

/// Removes definitions that have neither a scope nor the name of an entity type, and notes other names that EspoCRM
/// does not give to entity types. An export without scopes does not distinguish them.
pub(crate) fn drop_strays(root: &mut Map<String, Value>, diagnostics: &mut Vec<Diagnostic>) {
    let Some(Value::Object(scopes)) = root.get("scopes").filter(|scopes| !is_empty(scopes)) else {
        return;
    };
    let has_scope = |name: &str| scopes.get(name).is_some_and(|scope| !scope.is_null());
    let odd = names(root.get("entityDefs")).filter(|name| !is_entity_name(name));
    let (known, strays): (Vec<String>, Vec<String>) = odd.partition(|name| has_scope(name));
    for name in known {
        diagnostics.push(Diagnostic::note(
            format!("entityDefs.{name}"),
            "unusual name of an entity type (expected a capital letter, then letters and digits); delete the \
             file if it is a copy"
                .to_owned(),
        ));
    }
    for name in strays {
        diagnostics.push(Diagnostic::warning(
            format!("entityDefs.{name}"),
            "not the name of an entity type, and no scope has this name, so the definition is ignored; delete \
             the file if it is a copy"
                .to_owned(),
        ));
        if let Some(Value::Object(definitions)) = root.get_mut("entityDefs") {
            definitions.remove(&name);
        }
    }
}

fn is_empty(section: &Value) -> bool {
    section.as_object().is_none_or(Map::is_empty)
}

fn names(section: Option<&Value>) -> impl Iterator<Item = String> + use<> {
    let names = section
        .and_then(Value::as_object)
        .map(|bodies| bodies.keys().cloned().collect());
    let names: Vec<String> = names.unwrap_or_default();
    names.into_iter()
}

/// Whether the name has the form that EspoCRM requires. Letters of other scripts are allowed, as PHP allows them in
/// names of classes.
fn is_entity_name(name: &str) -> bool {
    let is_capital = |c: char| c.is_alphabetic() && !c.is_lowercase();
    name.starts_with(is_capital) && name.chars().all(char::is_alphanumeric)
}
