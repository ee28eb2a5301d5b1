//! Field validation: fields in the order of the metadata, up to the first failure.

use espo_schema::{AttributeRole, Field, FieldKind};
use serde_json::Value as Json;

use super::input;
use super::patterns::{is_decimal, is_email, matches, named};
use super::rules;
use crate::app::App;
use crate::app::events::Input;
use crate::http::json::php_text;
use crate::http::{Refusal, Result};
use crate::layout::{AttrIx, Layout, Ty};
use crate::value::Value;

/// The state of a record during validation: the values sent, and the values after the save.
pub(crate) struct Candidate<'a> {
    pub(crate) app: &'a App,
    pub(crate) layout: &'a Layout,
    /// Raw values of the body.
    pub(crate) input: &'a Input,
    /// The value that an attribute will have; null if it has none.
    pub(crate) value: &'a dyn Fn(AttrIx) -> Value,
    pub(crate) creating: bool,
}

impl Candidate<'_> {
    /// Checks every field that must be validated.
    pub(crate) fn check(&self) -> Result<()> {
        let entity = self.app.layouts.entity(self.layout);
        self.check_dates()?;
        for check in &self.layout.checks {
            let Some((_, field)) = entity.fields.get_index(check.field) else {
                continue;
            };
            let mut sent = check
                .attrs
                .iter()
                .filter_map(|ix| Some((*ix, self.input.get(ix)?)));
            let logic = check.required_if.as_deref().unwrap_or_default();
            let due = self.creating
                || field.force_validation
                || sent.clone().next().is_some()
                || (field.kind != FieldKind::PersonName && logic.iter().any(|i| self.touches(i)));
            if !due {
                continue;
            }
            if sent.any(|(ix, raw)| {
                input::unusable(self.app, self.layout, &self.layout.attrs[ix], raw)
            }) {
                return Err(Refusal::internal_page());
            }
            // A person's name is required on create only.
            let by_logic = !logic.is_empty()
                && (self.creating || field.kind != FieldKind::PersonName)
                && logic.iter().all(|i| self.applies(i));
            if by_logic && !self.has_value(field) {
                return Err(Refusal::validation(
                    &self.layout.name,
                    &field.name,
                    "required",
                ));
            }
            for rule in &check.rules {
                if !self.passes(field, rule) {
                    return Err(Refusal::validation(&self.layout.name, &field.name, rule));
                }
            }
        }
        Ok(())
    }

    fn ix(&self, attr: &str) -> Option<AttrIx> {
        self.layout.find(attr)
    }

    /// Returns the raw value that was sent, if any.
    pub(super) fn raw(&self, attr: &str) -> Option<&Json> {
        self.input.get(&self.ix(attr)?)
    }

    pub(super) fn value(&self, attr: &str) -> Value {
        self.ix(attr).map_or(Value::Null, |ix| (self.value)(ix))
    }

    fn passes(&self, field: &Field, rule: &str) -> bool {
        let name = field.name.as_str();
        match rule {
            "required" => {
                let waived = rules::is_optional(&self.layout.name, name, &self.value("status"));
                !field.required || waived || self.has_value(field)
            }
            "maxLength" => self.max_length(field),
            "pattern" => self.pattern(field),
            "valid" => self.valid(field),
            "min" | "max" => self.bound(field, rule == "min"),
            "rangeInternal" => match self.value(name) {
                Value::Int(i) => match field.db_type.as_deref() {
                    Some("bigint") => true,
                    Some("smallint") => i16::try_from(i).is_ok(),
                    _ => i32::try_from(i).is_ok(),
                },
                _ => true,
            },
            "inPermittedRange" => self.value(name).as_str().is_none_or(|s| {
                s.trim_start_matches('-')
                    .split('.')
                    .next()
                    .is_none_or(|d| d.len() <= 13)
            }),
            "validCurrency" => {
                let code = self.value(&format!("{name}Currency"));
                let sent = self.raw(&format!("{name}Currency")).and_then(Json::as_str);
                let sent = sent.filter(|code| !(self.creating && code.is_empty()));
                match sent.or(code.as_str()) {
                    Some(c) => self.app.config.read().currency_list.iter().any(|x| x == c),
                    // An amount requires a currency code.
                    None => self.value(name).is_null(),
                }
            }
            "array" => self.raw(name).is_none_or(|v| v.is_null() || v.is_array()),
            "arrayOfString" => self
                .raw(name)
                .and_then(Json::as_array)
                .is_none_or(|l| l.iter().all(Json::is_string)),
            "noEmptyString" => {
                (field.kind != FieldKind::MultiEnum
                    && field.raw.get("noEmptyString") != Some(&Json::Bool(true)))
                    || self
                        .raw(name)
                        .and_then(Json::as_array)
                        .is_none_or(|l| l.iter().all(|v| v.as_str() != Some("")))
            }
            "maxCount" => self.max_count(field),
            "maxItemLength" => {
                let max =
                    field
                        .max_item_length
                        .unwrap_or(if field.kind == FieldKind::UrlMultiple {
                            255
                        } else {
                            100
                        });
                self.strings(name).all(|s| s.chars().count() as u64 <= max)
            }
            "emailAddress" => self.email(name),
            "future" => self
                .raw(name)
                .and_then(Json::as_str)
                .is_none_or(|t| t.is_empty() || *t > *self.app.clock.datetime()),
            "columnsValid" => self.columns(field),
            _ => self.compares(name, rule),
        }
    }

    fn strings(&self, attr: &str) -> impl Iterator<Item = &str> {
        self.raw(attr)
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
    }

    fn has_value(&self, field: &Field) -> bool {
        let name = &field.name;
        let filled = |attr: &str| match self.value(attr) {
            Value::Null => false,
            Value::Text(s) => !s.is_empty(),
            Value::Json(j) => j.as_array().is_none_or(|l| !l.is_empty()),
            _ => true,
        };
        match field.kind {
            FieldKind::Enum => !self.value(name).is_null(),
            // Any value counts as present; whether it is an ID is checked separately.
            FieldKind::Link | FieldKind::LinkOne | FieldKind::File | FieldKind::Image => {
                let attr = format!("{name}Id");
                filled(&attr)
                    || self
                        .raw(&attr)
                        .is_some_and(|v| !v.is_null() && v.as_str() != Some(""))
            }
            FieldKind::LinkParent => filled(&format!("{name}Id")) && filled(&format!("{name}Type")),
            FieldKind::LinkMultiple | FieldKind::AttachmentMultiple => {
                let attr = format!("{name}Ids");
                self.value(&attr).as_list().is_some_and(|l| !l.is_empty())
                    || self
                        .raw(&attr)
                        .is_some_and(|v| !v.is_null() && !v.is_array())
            }
            // Removing the code would leave an amount without a currency.
            FieldKind::Currency => {
                let code = self.raw(&format!("{name}Currency"));
                let emptied = !self.creating && code.is_some_and(|v| v.as_str() == Some(""));
                filled(name) && !emptied && (self.creating || code.is_none_or(|v| !v.is_null()))
            }
            // Any value counts as present; whether it is a date is checked separately.
            FieldKind::Date | FieldKind::Datetime => {
                filled(name) || self.raw(name).is_some_and(|v| !v.is_null())
            }
            FieldKind::DatetimeOptional => {
                let day = format!("{name}Date");
                let sent = |attr: &str| self.raw(attr).is_some_and(|v| !v.is_null());
                filled(name) || filled(&day) || sent(name) || sent(&day)
            }
            FieldKind::PersonName => field
                .actual_attributes
                .iter()
                .any(|a| !a.starts_with("salutation") && filled(a)),
            _ => filled(name),
        }
    }

    fn max_length(&self, field: &Field) -> bool {
        let default = match field.kind {
            FieldKind::Varchar
            | FieldKind::Enum
            | FieldKind::Url
            | FieldKind::Email
            | FieldKind::Password => Some(255),
            FieldKind::Barcode => Some(255),
            FieldKind::Phone => Some(36),
            _ => None,
        };
        // A string without a database column has no maximum length.
        let unbound = field.not_storable && field.kind == FieldKind::Varchar;
        let Some(max) = field.max_length.or(default.filter(|_| !unbound)) else {
            return true;
        };
        let fits = |s: &str| s.chars().count() as u64 <= max;
        let own = self.raw(&field.name).filter(|v| !v.is_null()).map(php_text);
        let own = own.or_else(|| self.value(&field.name).as_str().map(str::to_owned));
        own.as_deref().is_none_or(fits)
            && self
                .items(field)
                .all(|i| i.get(&field.name).and_then(Json::as_str).is_none_or(fits))
    }

    /// Items of an email or phone field's data.
    pub(super) fn items(&self, field: &Field) -> impl Iterator<Item = &Json> {
        self.raw(&format!("{}Data", field.name))
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
    }

    fn pattern(&self, field: &Field) -> bool {
        let name = &field.name;
        let is_id = |v: &Json| v.is_null() || matches(named("$id"), &php_text(v));
        let is_in_list = |v: &Json| v.as_str().is_some_and(|s| matches(named("$id"), s));
        match field.kind {
            FieldKind::Link
            | FieldKind::LinkOne
            | FieldKind::File
            | FieldKind::Image
            | FieldKind::LinkParent => self.raw(&format!("{name}Id")).is_none_or(is_id),
            FieldKind::LinkMultiple | FieldKind::AttachmentMultiple => self
                .raw(&format!("{name}Ids"))
                .and_then(Json::as_array)
                .is_none_or(|l| l.iter().all(is_in_list)),
            FieldKind::UrlMultiple => self
                .strings(name)
                .all(|s| matches(named("$uriOptionalProtocol"), s)),
            _ => {
                let Some(pattern) = &field.pattern else {
                    return true;
                };
                let regex = match &pattern.regex {
                    Some(r) => r.as_str(),
                    None if pattern.source.starts_with('$') => named(&pattern.source),
                    None => return true,
                };
                if field.kind == FieldKind::MultiEnum || field.kind == FieldKind::Array {
                    return self.strings(name).all(|s| matches(regex, s));
                }
                match self.raw(name) {
                    None => true,
                    Some(v) => {
                        let text = php_text(v);
                        text.is_empty() || matches(regex, &text)
                    }
                }
            }
        }
    }

    fn valid(&self, field: &Field) -> bool {
        let name = &field.name;
        match field.kind {
            FieldKind::Enum => match self.raw(name) {
                None => true,
                Some(v) => {
                    let text = php_text(v);
                    match field.options.listed() {
                        None => true,
                        Some(_) if v.is_null() => {
                            field.options.allows("") || self.required_null(field)
                        }
                        Some(_) => field.options.allows(&text),
                    }
                }
            },
            FieldKind::MultiEnum
            | FieldKind::Array
            | FieldKind::Checklist
            | FieldKind::UrlMultiple => {
                field.allow_custom_options
                    || field
                        .options
                        .listed()
                        .is_none_or(|l| l.is_empty() && field.kind == FieldKind::Array)
                    || self.strings(name).all(|s| field.options.allows(s))
            }
            FieldKind::Int => self.raw(name).is_none_or(|v| {
                v.is_null() || v.as_str() == Some("") || input::php_number(v).is_some()
            }),
            FieldKind::Float => self.raw(name).is_none_or(|v| {
                v.is_null() || v.as_str() == Some("") || input::php_number(v).is_some()
            }),
            FieldKind::Currency if field.decimal => self
                .raw(name)
                .is_none_or(|v| v.is_null() || v.as_str() == Some("") || is_decimal(&php_text(v))),
            FieldKind::Currency => self.raw(name).is_none_or(|v| {
                v.is_null() || v.as_str() == Some("") || input::php_number(v).is_some()
            }),
            FieldKind::Decimal => self
                .raw(name)
                .is_none_or(|v| v.is_null() || is_decimal(&php_text(v))),
            FieldKind::Date => self
                .raw(name)
                .is_none_or(|v| v.is_null() || v.as_str().is_some_and(input::is_date)),
            FieldKind::Datetime => self
                .raw(name)
                .is_none_or(|v| v.is_null() || v.as_str().is_some_and(input::is_datetime)),
            FieldKind::DatetimeOptional => {
                self.raw(name)
                    .is_none_or(|v| v.is_null() || v.as_str().is_some_and(input::is_datetime))
                    && self
                        .raw(&format!("{name}Date"))
                        .is_none_or(|v| v.is_null() || v.as_str().is_some_and(input::is_date))
            }
            FieldKind::Phone => self.phone(field),
            FieldKind::Url => self.raw(name).is_none_or(|v| {
                let text = php_text(v);
                text.is_empty() || matches(named("$uriOptionalProtocol"), &text)
            }),
            FieldKind::LinkParent => match self.raw(&format!("{name}Type")) {
                // PHP finds `true` in any list of names.
                None | Some(Json::Null | Json::Bool(true)) => true,
                Some(Json::String(t)) if field.entity_list.is_empty() => {
                    self.app.layouts.find(t).is_some()
                }
                Some(v) => field.entity_list.iter().any(|e| v.as_str() == Some(e)),
            },
            FieldKind::JsonArray if name == "reminders" => self
                .raw(name)
                .and_then(Json::as_array)
                .is_none_or(|l| l.iter().all(super::dates::is_reminder)),
            FieldKind::Varchar if rules::is_address_list(&self.layout.name, name) => self
                .raw(name)
                .is_none_or(|v| rules::addresses(&php_text(v)).all(is_email)),
            FieldKind::Password => self.raw(name).is_none_or(|v| v.is_null() || v.is_string()),
            _ => true,
        }
    }

    /// Null in a required enum is handled by the rule `required`.
    fn required_null(&self, field: &Field) -> bool {
        field.required
    }

    fn bound(&self, field: &Field, lower: bool) -> bool {
        let Some(bound) = (if lower { &field.min } else { &field.max }).as_ref() else {
            return true;
        };
        let Some(bound) = input::php_number(bound) else {
            return true;
        };
        match self.value(&field.name).as_f64() {
            None => true,
            Some(n) => {
                if lower {
                    n >= bound
                } else {
                    n <= bound
                }
            }
        }
    }

    fn max_count(&self, field: &Field) -> bool {
        let (attr, max) = match field.kind {
            FieldKind::Email | FieldKind::Phone => (format!("{}Data", field.name), Some(10)),
            FieldKind::LinkMultiple | FieldKind::AttachmentMultiple => {
                (format!("{}Ids", field.name), field.max_count)
            }
            _ => (field.name.clone(), field.max_count),
        };
        let count = self.raw(&attr).and_then(Json::as_array).map_or(0, Vec::len) as u64;
        max.is_none_or(|m| count <= m)
    }
}

/// Whether the boolean attribute rejects null, which the database does with 500.
pub(crate) fn null_refused(app: &App, layout: &Layout, ix: AttrIx) -> bool {
    let attr = &layout.attrs[ix];
    let entity = app.layouts.entity(layout);
    attr.ty == Ty::Bool
        && attr.role == AttributeRole::Value
        && attr.stored
        && attr
            .field
            .as_deref()
            .and_then(|f| entity.fields.get(f))
            .is_some_and(|f| f.not_null)
}
