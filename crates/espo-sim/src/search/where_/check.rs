//! Checks for forbidden search parameters.

use serde_json::Value as Json;

use super::{Compiler, LINK_TYPES, SUB_QUERIES, attribute, group, values};
use crate::acl::Action;
use crate::facts::{field_access, link_access};
use crate::http::{Refusal, Result};
use crate::layout::{Layout, LinkKind};
use crate::version::Version;

impl Compiler<'_> {
    /// Rejects forbidden search parameters.
    pub(super) fn check(&self, item: &Json) -> Result<()> {
        let type_ = item.get("type").and_then(Json::as_str).unwrap_or_default();
        if SUB_QUERIES.contains(&type_) {
            return Err(Refusal::forbidden_search(
                "Sub-queries are forbidden in where.",
            ));
        }
        let name = attribute(item).unwrap_or_default();
        let is_number = |key| item.get(key).is_some_and(Json::is_number);
        if name.contains(['.', ':', '#', '\'', '"', '('])
            || name.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            || matches!(name, "true" | "false" | "null")
            || is_number("attribute")
            || is_number("field")
        {
            return Err(Refusal::forbidden_search(
                "Complex expressions are forbidden in where.",
            ));
        }
        if matches!(type_, "and" | "or") {
            if !name.is_empty() {
                self.check_attribute(name)?;
            }
            return group(item).into_iter().try_for_each(|i| {
                super::parse(i)?;
                self.check(i)
            });
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
            let access = link_access(&self.app.layouts.schema, &self.layout.name, name);
            let closed = access.hidden || (access.admin_only && !self.caller.acl.is_admin());
            if target_closed || closed || !self.field_open(name) {
                let word = if self.app.version < Version::V10_0 {
                    "relation"
                } else {
                    "link"
                };
                return Err(Refusal::forbidden_search(format!(
                    "Forbidden {word} '{name}' in where."
                )));
            }
            // A parent can be of any entity type, so that it cannot be joined.
            if matches!(link.kind, LinkKind::Parent { .. }) {
                let more = match self.app.version < Version::V10_0 {
                    true => "",
                    false => ", no foreign entity type",
                };
                return Err(Refusal::forbidden_search(format!(
                    "Bad relation '{name}' in where{more}."
                )));
            }
            let target = match type_ {
                "isLinked" | "isNotLinked" => return Ok(()),
                "isUserFromTeams" => self.app.layouts.find("Team"),
                _ => link.target.map(|t| &self.app.layouts.entities[t]),
            };
            return self.check_ids(target, &values(item));
        }
        self.check_attribute(name)
    }

    fn check_attribute(&self, name: &str) -> Result<()> {
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
    fn check_ids(&self, target: Option<&Layout>, ids: &[Json]) -> Result<()> {
        let Some(target) = target else {
            return Ok(());
        };
        for id in ids {
            let Some(id) = id.as_str() else {
                return Err(Refusal::bad_request("Bad where item. Non-string ID."));
            };
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
                        "No access to '{}' `{id}`.",
                        target.name
                    )));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}
