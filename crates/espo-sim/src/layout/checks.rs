//! The validation rules of each field, in the order in which the server checks them.

use espo_schema::{EntityType, Field, FieldKind, Schema};
use serde_json::{Value as Json, json};

use super::{AttrIx, Layout, Source};

/// The validation of one field.
#[derive(Debug)]
pub(crate) struct Check {
    /// Place of the field in its entity type.
    pub(crate) field: usize,
    /// Attributes of the field.
    pub(crate) attrs: Vec<AttrIx>,
    /// Names of the rules, in order.
    pub(crate) rules: Vec<String>,
    /// Conditions that all must apply for the field to be required.
    pub(crate) required_if: Option<Vec<Json>>,
}

/// Conditions under which fields are required (`logicDefs` of a stock instance), for metadata without this section: entity
/// type, field, and the attribute that is true or has this value.
const REQUIRED_IF: &[(&str, &str, &str, &str)] = &[
    ("CampaignTrackingUrl", "message", "action", "Show Message"),
    ("CampaignTrackingUrl", "url", "action", "Redirect"),
    ("EmailAccount", "fetchSince", "useImap", ""),
    ("EmailAccount", "sentFolder", "storeSentEmails", ""),
    ("EmailFilter", "emailFolder", "action", "Move to Folder"),
    (
        "EmailFilter",
        "groupEmailFolder",
        "action",
        "Move to Group Folder",
    ),
    ("InboundEmail", "fetchSince", "useImap", ""),
    ("InboundEmail", "replyEmailTemplate", "reply", ""),
    ("InboundEmail", "sentFolder", "storeSentEmails", ""),
    (
        "LeadCapture",
        "optInConfirmationEmailTemplate",
        "optInConfirmation",
        "",
    ),
    (
        "LeadCapture",
        "optInConfirmationLifetime",
        "optInConfirmation",
        "",
    ),
    ("LeadCapture", "targetList", "subscribeToTargetList", ""),
    ("OAuthProvider", "authorizationEndpoint", "isActive", ""),
    ("OAuthProvider", "clientId", "isActive", ""),
    ("OAuthProvider", "clientSecret", "isActive", ""),
    ("OAuthProvider", "tokenEndpoint", "isActive", ""),
    ("Template", "pageHeight", "pageFormat", "Custom"),
    ("Template", "pageWidth", "pageFormat", "Custom"),
];

/// The conditions under which a field is required.
fn required_if(schema: &Schema, entity: &str, field: &str) -> Option<Vec<Json>> {
    if let Some(defs) = schema.raw.get("logicDefs") {
        let group = &defs[entity]["fields"][field]["required"]["conditionGroup"];
        return group.as_array().filter(|g| !g.is_empty()).cloned();
    }
    let empty = |attribute: &str| json!({"type": "isEmpty", "attribute": attribute});
    match (entity, field) {
        ("Lead", "name") => {
            return Some(
                ["accountName", "emailAddress", "phoneNumber"]
                    .map(empty)
                    .to_vec(),
            );
        }
        ("EmailFilter", "parent") => {
            return Some(vec![json!({"type": "isFalse", "attribute": "isGlobal"})]);
        }
        _ => {}
    }
    let (.., attribute, value) = REQUIRED_IF
        .iter()
        .find(|(e, f, ..)| *e == entity && *f == field)?;
    Some(vec![match *value {
        "" => json!({"type": "isTrue", "attribute": attribute}),
        value => json!({"type": "equals", "attribute": attribute, "value": value}),
    }])
}

/// `validatorClassNameList` of a stock instance, for metadata that leaves it out.
const VALIDATORS: &[(&str, &str, &str)] = &[
    ("Campaign", "startDate", "beforeEndDate"),
    ("Campaign", "endDate", "afterStartDate"),
    ("Email", "to", "valid"),
    ("Email", "cc", "valid"),
    ("Email", "bcc", "valid"),
    ("Email", "sendAt", "future"),
    ("Webhook", "url", "notInternal"),
    ("WorkingTimeRange", "calendars", "onlyIfNoUsers"),
    ("WorkingTimeRange", "calendars", "requiredIfNoUsers"),
    ("WorkingTimeRange", "users", "onlyIfNoCalendars"),
    ("Call", "reminders", "valid"),
    ("Meeting", "reminders", "valid"),
    ("Task", "reminders", "valid"),
];

impl Layout {
    /// The checks of all fields that a body can set.
    pub(super) fn set_checks(&mut self, schema: &Schema, entity: &EntityType) {
        let order = validation_order(entity);
        self.checks = order
            .into_iter()
            .filter_map(|at| {
                let (_, field) = entity.fields.get_index(at)?;
                let attrs = field.actual_attributes.iter();
                (!field.read_only && !field.disabled).then(|| Check {
                    field: at,
                    attrs: attrs.filter_map(|a| self.find(a)).collect(),
                    rules: rules(schema, &entity.name, field),
                    required_if: required_if(schema, &entity.name, &field.name),
                })
            })
            .collect();
    }

    /// Attributes that creates look at for all fields of a kind.
    pub(super) fn set_parts(&mut self, entity: &EntityType) {
        for field in entity.fields.values() {
            let is_list = matches!(
                field.kind,
                FieldKind::Array
                    | FieldKind::MultiEnum
                    | FieldKind::Checklist
                    | FieldKind::UrlMultiple
            );
            if matches!(field.kind, FieldKind::File | FieldKind::Image) {
                self.files.extend(self.slot(&format!("{}Id", field.name)));
            }
            let Some(ix) = self.find(&field.name) else {
                continue;
            };
            let attr = &self.attrs[ix];
            if let (true, true, Source::Slot(slot)) = (is_list, attr.stored, &attr.source)
                && field.raw.get("storeArrayValues") != Some(&Json::Bool(false))
            {
                self.empty_lists.push(*slot);
            }
            if field.kind == FieldKind::Currency
                && let Some(code) = self.find(&format!("{}Currency", field.name))
            {
                self.amounts.push((ix, code));
            }
        }
    }
}

/// Fields are validated in the order of the server's metadata files. Metadata whose keys were sorted has lost it: then the
/// name comes first, and the fields that all entity types have come last, as in those files.
fn validation_order(entity: &EntityType) -> Vec<usize> {
    let mut order: Vec<usize> = (0..entity.fields.len()).collect();
    let own = |f: &&Field| f.composite_of.is_none();
    let names = entity.fields.values().filter(own).map(|f| &f.name);
    if names.is_sorted() {
        const LAST: &[&str] = &[
            "createdAt",
            "modifiedAt",
            "createdBy",
            "modifiedBy",
            "assignedUser",
            "teams",
        ];
        order.sort_by_key(|at| {
            let (name, _) = entity.fields.get_index(*at)?;
            let last = LAST.iter().position(|l| *l == name.as_str());
            Some((*name != "name", last.map_or(0, |l| l + 1)))
        });
    }
    order
}

/// Names of the rules of a field, in order: those of its type, those of the field, and those with dedicated classes.
fn rules(schema: &Schema, entity: &str, field: &Field) -> Vec<String> {
    let type_ = schema.field_types.get(&field.type_);
    let of_type = type_.into_iter().flat_map(|t| {
        let lists = t.validation_list.iter();
        lists.chain(&t.mandatory_validation_list).cloned()
    });
    let list = |key: &str| {
        let names = field.raw.get(key).and_then(Json::as_array);
        let names = names.into_iter().flatten().filter_map(Json::as_str);
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut rules: Vec<String> = Vec::new();
    let all = of_type
        .chain(list("validationList"))
        .chain(list("mandatoryValidationList"))
        .chain(validators(entity, field));
    for rule in all {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    let suppressed = list("suppressValidationList");
    rules.retain(|r| !suppressed.contains(r) && !stock_suppressed(entity, &field.name, r));
    rules
}

/// Returns the rules of a field that the server implements in dedicated classes, named after these classes.
fn validators(entity: &str, field: &Field) -> Vec<String> {
    let classes = field.raw.get("validatorClassNameList");
    if let Some(classes) = classes.and_then(Json::as_array) {
        let names = classes.iter().filter_map(Json::as_str);
        return names
            .filter_map(|class| {
                let mut name = class.rsplit('\\').next()?.to_owned();
                name.get_mut(0..1)?.make_ascii_lowercase();
                Some(name)
            })
            .collect();
    }
    let stock = VALIDATORS.iter();
    stock
        .filter(|(e, f, _)| *e == entity && *f == field.name)
        .map(|(.., rule)| (*rule).to_owned())
        .collect()
}

/// `suppressValidationList` of a stock instance, for metadata that leaves it out.
fn stock_suppressed(entity: &str, field: &str, rule: &str) -> bool {
    rule == "required"
        && matches!(
            (entity, field),
            ("Meeting", "dateEnd") | ("User", "firstName" | "lastName")
        )
}
