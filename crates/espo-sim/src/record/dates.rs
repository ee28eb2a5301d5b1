//! Validation of dates: their kind, their order, reminders of them.

use serde_json::Value as Json;

use super::rules;
use super::validate::Candidate;
use crate::http::{Refusal, Result};
use crate::layout::Ty;

impl Candidate<'_> {
    /// Dates are read before any rule is checked. What compares two dates fails on any other kind of value.
    pub(super) fn check_dates(&self) -> Result<()> {
        let entity = self.app.layouts.entity(self.layout);
        for (ix, raw) in self.input {
            let attr = &self.layout.attrs[*ix];
            if !matches!(attr.ty, Ty::Date | Ty::DateTime) {
                continue;
            }
            let field = attr.field.as_deref().and_then(|f| entity.fields.get(f));
            let compared = field.is_some_and(|f| {
                let rules = rules::validators(&self.layout.name, f);
                rules
                    .iter()
                    .any(|r| r.starts_with("before") || r.starts_with("after"))
            });
            let is_scalar = raw.is_number() || raw.is_boolean();
            if raw.is_array() || raw.is_object() {
                return Err(Refusal::internal_page());
            }
            if compared && is_scalar {
                return Err(Refusal::internal());
            }
        }
        Ok(())
    }

    /// Rules that a dedicated class checks: `before…` and `after…` another date of the record. Equal dates pass.
    pub(super) fn compares(&self, name: &str, rule: &str) -> bool {
        let (other, before) = match (rule.strip_prefix("before"), rule.strip_prefix("after")) {
            (Some(other), _) => (other, true),
            (_, Some(other)) => (other, false),
            _ => return true,
        };
        let mut other = other.to_owned();
        if let Some(first) = other.get_mut(0..1) {
            first.make_ascii_lowercase();
        }
        match (self.value(name).as_str(), self.value(&other).as_str()) {
            (Some(a), Some(b)) if !a.is_empty() && !b.is_empty() => {
                if before {
                    a <= b
                } else {
                    a >= b
                }
            }
            _ => true,
        }
    }
}

/// Whether an item of a list of reminders is one.
pub(super) fn is_reminder(item: &Json) -> bool {
    matches!(item["type"].as_str(), Some("Popup" | "Email")) && item["seconds"].is_i64()
}
