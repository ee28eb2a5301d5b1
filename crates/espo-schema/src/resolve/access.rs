//! Restrictions of an entity type's fields and links that apply to all users (`entityAcl`).

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::def::Def;
use crate::model::{Field, Link};

/// The section with the restrictions.
pub(crate) const SECTION: &str = "entityAcl";

/// Applies the restrictions. Those that do not apply to administrators (`onlyAdmin`, `nonAdminReadOnly`) depend on the
/// user, like roles, and are not part of the schema.
pub(super) fn restrict(
    entity: &str,
    fields: &mut IndexMap<String, Field>,
    links: &mut IndexMap<String, Link>,
    root: &Map<String, Value>,
) {
    let acl = root.get(SECTION).and_then(|acl| acl.get(entity));
    let Some(acl) = acl.and_then(Value::as_object).map(Def) else {
        return;
    };
    for (name, restriction) in restrictions(acl, "fields") {
        if let Some(field) = fields.get_mut(name) {
            let is_forbidden = restriction.flag("forbidden");
            field.disabled |= is_forbidden;
            field.internal |= restriction.flag("internal");
            field.read_only |= restriction.flag("readOnly") || is_forbidden;
        }
    }
    for (name, restriction) in restrictions(acl, "links") {
        if let Some(link) = links.get_mut(name) {
            // A field that shows the link still has IDs of the link's target.
            let is_shown = fields.get(name).is_some_and(|field| !field.disabled);
            link.disabled |= restriction.flag("forbidden") && !is_shown;
            link.read_only |= restriction.flag("readOnly");
        }
    }
}

fn restrictions<'a>(
    acl: Def<'a>,
    group: &str,
) -> impl Iterator<Item = (&'a String, Def<'a>)> + use<'a> {
    let members = acl.map(group).into_iter().flatten();
    members.filter_map(|(name, flags)| Some((name, Def(flags.as_object()?))))
}
