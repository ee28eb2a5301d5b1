//! Checks for forbidden search parameters.

use serde_json::Value as Json;

use super::{Compiler, LINK_TYPES, attribute, group, values};
use crate::acl::Action;
use crate::facts::field_access;
use crate::http::{Refusal, Result};
use crate::layout::{LinkDef, LinkKind};
use crate::version::Version;

impl Compiler<'_> {
    /// Rejects forbidden search parameters.
    pub(super) fn check(&self, item: &Json) -> Result<()> {
        let type_ = item.get("type").and_then(Json::as_str).unwrap_or_default();
        match type_ {
            "and" | "or" => return group(item).into_iter().try_for_each(|i| self.check(i)),
            "not" | "subQueryIn" | "subQueryNotIn" | "having" => {
                return Err(Refusal::forbidden_search(
                    "Sub-queries are forbidden in where.",
                ));
            }
            _ => {}
        }
        let name = attribute(item).unwrap_or_default();
        if name.contains(['.', ':', '#', '\'', '"', '('])
            || name.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            || matches!(name, "true" | "false" | "null")
        {
            return Err(Refusal::forbidden_search(
                "Complex expressions are forbidden in where.",
            ));
        }
        if LINK_TYPES.contains(&type_) {
            let Some(link) = self.layout.links.get(name) else {
                return Err(Refusal::bad_request(format!(
                    "Not existing relation '{name}' in where."
                )));
            };
            let target_closed = link
                .target
                .is_some_and(|t| !self.caller.acl.scope(&self.app.layouts.entities[t].name));
            if target_closed || !self.field_open(name) {
                let word = if self.app.version < Version::V10_0 {
                    "relation"
                } else {
                    "link"
                };
                return Err(Refusal::forbidden_search(format!(
                    "Forbidden {word} '{name}' in where."
                )));
            }
            if matches!(
                type_,
                "linkedWith" | "notLinkedWith" | "linkedWithAll" | "inCategory"
            ) {
                self.check_ids(link, &values(item))?;
            }
            return Ok(());
        }
        match self.layout.attr(name) {
            Some(a) => {
                let field = a.field.as_deref().unwrap_or(name);
                if a.write_only || self.layout.is_secret(name) || !self.field_open(field) {
                    return Err(Refusal::forbidden_search(format!(
                        "Forbidden attribute '{name}' in where."
                    )));
                }
                Ok(())
            }
            // The ORM has IDs and names of every link, with or without a field.
            None if self.is_stub(name) => Ok(()),
            None => Err(Refusal::bad_request(format!(
                "Not existing attribute '{name}' in where."
            ))),
        }
    }

    /// Whether the caller may use the field or link with this name.
    fn field_open(&self, field: &str) -> bool {
        let layouts = &self.app.layouts;
        let entity = layouts.entity(self.layout);
        let access = field_access(&layouts.schema, &self.layout.name, field);
        !entity.fields.get(field).is_some_and(|f| f.disabled)
            && !access.hidden
            && (!access.admin_only || self.caller.acl.is_admin())
            && self.caller.acl.may_read_field(&self.layout.name, field)
    }

    fn is_stub(&self, name: &str) -> bool {
        let link = ["Ids", "Names", "Columns", "Types"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix));
        link.and_then(|l| self.layout.links.get(l))
            .is_some_and(|l| {
                matches!(
                    l.kind,
                    LinkKind::HasMany { .. } | LinkKind::Children { .. } | LinkKind::Many { .. }
                )
            })
    }

    /// Checks that every ID in a link filter is that of a record that the caller may read (9.2 and later).
    fn check_ids(&self, link: &LinkDef, ids: &[Json]) -> Result<()> {
        let Some(target) = link.target.map(|t| &self.app.layouts.entities[t]) else {
            return Ok(());
        };
        for id in ids {
            let Some(id) = id.as_str() else { continue };
            let row = self.app.store.table(target.index).live(id);
            match row {
                None => {
                    return Err(Refusal::forbidden_search(format!(
                        "Record '{}' `{id}` not found.",
                        target.name
                    )));
                }
                Some(row)
                    if !self
                        .caller
                        .acl
                        .record(&self.app.store, target, &row, Action::Read) =>
                {
                    return Err(Refusal::forbidden_search(format!(
                        "No access to record '{}' `{id}`.",
                        target.name
                    )));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}
