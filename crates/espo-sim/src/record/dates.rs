//! Validation of dates: type, order and reminders.

use serde_json::Value as Json;

use super::validate::Candidate;
use crate::http::{Refusal, Result};
use crate::layout::{AttrIx, Ty};

impl Candidate<'_> {
    /// Dates are parsed before any rule is checked. A rule that compares two dates fails if one of them has another
    /// type.
    pub(super) fn check_dates(&self) -> Result<()> {
        for (ix, raw) in self.input {
            let attr = &self.layout.attrs[*ix];
            if !matches!(attr.ty, Ty::Date | Ty::DateTime) {
                continue;
            }
            if raw.is_array() || raw.is_object() {
                return Err(Refusal::internal_page());
            }
            let is_scalar = raw.is_number() || raw.is_boolean();
            if is_scalar && self.is_compared(*ix) {
                return Err(Refusal::internal());
            }
        }
        Ok(())
    }

    /// Whether the rule of an earlier field compares that field with this date.
    fn is_compared(&self, ix: AttrIx) -> bool {
        let name = &self.layout.attrs[ix].name;
        let earlier = self
            .layout
            .checks
            .iter()
            .take_while(|c| !c.attrs.contains(&ix));
        let mut rules = earlier.flat_map(|c| &c.rules);
        rules.any(|r| {
            let other = r.strip_prefix("before").or(r.strip_prefix("after"));
            other.is_some_and(|other| lower_first(other) == *name)
        })
    }

    /// Whether a date satisfies a rule of a dedicated class: `before…` or `after…` another date of the record. Equal
    /// dates pass.
    pub(super) fn compares(&self, name: &str, rule: &str) -> bool {
        let (other, before) = match (rule.strip_prefix("before"), rule.strip_prefix("after")) {
            (Some(other), _) => (lower_first(other), true),
            (_, Some(other)) => (lower_first(other), false),
            _ => return self.excludes(name, rule),
        };
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

impl Candidate<'_> {
    /// Whether a set passes a rule about another set: `onlyIfNo…` (not both have members) or `requiredIfNo…` (at least
    /// one has members).
    fn excludes(&self, name: &str, rule: &str) -> bool {
        let is_filled = |link: &str| {
            let members = self.value(&format!("{link}Ids"));
            members.as_list().is_some_and(|l| !l.is_empty())
        };
        match (
            rule.strip_prefix("onlyIfNo"),
            rule.strip_prefix("requiredIfNo"),
        ) {
            (Some(other), _) => !(is_filled(name) && is_filled(&lower_first(other))),
            (_, Some(other)) => is_filled(name) || is_filled(&lower_first(other)),
            _ => true,
        }
    }
}

fn lower_first(name: &str) -> String {
    let mut name = name.to_owned();
    if let Some(first) = name.get_mut(0..1) {
        first.make_ascii_lowercase();
    }
    name
}

/// Whether an item of a list is a valid reminder.
pub(super) fn is_reminder(item: &Json) -> bool {
    matches!(item["type"].as_str(), Some("Popup" | "Email")) && item["seconds"].is_i64()
}
