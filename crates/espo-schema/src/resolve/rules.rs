//! Exceptions in which the server's attributes differ from their definitions: one function per rule.

use std::collections::HashMap;

use crate::def::Def;
use crate::kind::FieldKind;
use crate::model::{EntityType, Field, Link, LinkType};

/// Attributes that the server sets itself and drops from any input, regardless of their fields.
pub(super) const SYSTEM: [&str; 9] = [
    "id",
    "deleted",
    "createdAt",
    "createdById",
    "createdByName",
    "modifiedAt",
    "modifiedById",
    "modifiedByName",
    "versionNumber",
];

/// A link-multiple field with `columns` has `{field}Columns`, whether or not `additionalAttributeList` names it:
/// `Email.replies` and `Email.tasks` do not, but have the attribute.
pub(super) fn has_columns(kind: FieldKind, def: Def<'_>) -> bool {
    kind == FieldKind::LinkMultiple && def.map("columns").is_some_and(|c| !c.is_empty())
}

/// Named in `additionalAttributeList`, but there are no columns: the server does not have `Settings.oidcTeamsColumns`.
pub(super) fn is_columns_of_nothing(part: &str, kind: FieldKind, def: Def<'_>) -> bool {
    part == "columns" && kind == FieldKind::LinkMultiple && !has_columns(kind, def)
}

/// A currency field has `{field}Converted`, computed from its column: also without a sub-field for it (the ends of a
/// currency range), but not without a column (`Campaign.revenue`).
pub(super) fn has_converted(kind: FieldKind, not_storable: bool) -> bool {
    kind == FieldKind::Currency && !not_storable
}

/// The sub-field `{field}Converted` of a currency field without a column has no attribute.
pub(super) fn is_converted_of_nothing(field: &Field, entity: &EntityType) -> bool {
    let parent = field
        .composite_of
        .as_deref()
        .and_then(|name| entity.fields.get(name));
    field.kind == FieldKind::CurrencyConverted && parent.is_some_and(|p| p.not_storable)
}

/// A link to one record, whose key belongs to this entity type, has its attributes even if no field shows it
/// (`Task.email`, `Note.superParent`).
pub(super) fn has_attributes_without_field(link: &Link, entity: &EntityType) -> bool {
    let shown = entity.fields.get(&link.name).is_some_and(|f| {
        matches!(
            f.kind,
            FieldKind::Link
                | FieldKind::LinkOne
                | FieldKind::LinkParent
                | FieldKind::File
                | FieldKind::Image
        )
    });
    !shown && matches!(link.type_, LinkType::BelongsTo | LinkType::BelongsToParent)
}

/// Whether the attribute is a key (id or entity type) of a field that shows a link.
pub(super) fn is_key_of_link(attribute: &str, field: &Field) -> bool {
    let is_link = matches!(
        field.kind,
        FieldKind::Link
            | FieldKind::LinkOne
            | FieldKind::LinkParent
            | FieldKind::File
            | FieldKind::Image
    );
    is_link && field.actual_attributes.iter().any(|a| a == attribute)
}

/// The keys of an entity type's links, each with the fields that show such a link.
pub(super) type LinkKeys<'a> = HashMap<&'a str, Vec<&'a str>>;

/// Collects the keys once, so that the lookup per field does not depend on the number of fields.
pub(super) fn link_keys(entity: &EntityType) -> LinkKeys<'_> {
    let mut keys = LinkKeys::new();
    for field in entity.fields.values() {
        let own = field.actual_attributes.iter();
        for key in own.filter(|key| is_key_of_link(key, field)) {
            keys.entry(key).or_default().push(&field.name);
        }
    }
    keys
}

/// A plain field with the name of a link's key: the key is stored (`Email.folderId` for `folder`,
/// `ActionHistoryRecord.targetType` for `target`).
pub(super) fn is_key_of_other(field: &Field, keys: &LinkKeys<'_>) -> bool {
    keys.get(field.name.as_str())
        .is_some_and(|owners| owners.iter().any(|owner| *owner != field.name))
}

/// The data layer has `name` for every entity type, although records of entity types without such a field never
/// contain it.
pub(super) fn has_bare_name(entity: &EntityType) -> bool {
    !entity.fields.contains_key("name")
}

/// A phone field can be filtered by the digits of its numbers.
pub(super) fn has_numeric(field: &Field) -> bool {
    field.kind == FieldKind::Phone
}

/// All rows of `emailAddressData` and `phoneNumberData` are read for fields of these names only.
pub(super) fn data_is_loaded(field: &Field) -> bool {
    matches!(
        (field.kind, field.name.as_str()),
        (FieldKind::Email, "emailAddress") | (FieldKind::Phone, "phoneNumber")
    )
}

/// Reminders of activities have no column and are read by separate code.
pub(super) fn is_reminders(field: &Field, entity: &EntityType) -> bool {
    field.name == "reminders"
        && field.kind == FieldKind::JsonArray
        && (entity.scope.type_.as_deref() == Some("Event")
            || matches!(entity.name.as_str(), "Call" | "Meeting" | "Task"))
}

/// The menu (`tabList`) is an array whose items may be objects: its validation does not require strings.
pub(super) fn holds_any_items(field: &Field) -> bool {
    let list = |key: &str| Def(&field.raw).get(key).map(|_| Def(&field.raw).texts(key));
    let asks = |list: Vec<String>| list.iter().any(|rule| rule == "arrayOfString");
    field.kind == FieldKind::Array
        && (list("suppressValidationList").is_some_and(asks)
            || list("mandatoryValidationList").is_some_and(|list| !asks(list)))
}

/// Counters are set by the database, although their definitions are not read-only.
pub(super) fn is_counter(kind: FieldKind) -> bool {
    matches!(kind, FieldKind::Autoincrement | FieldKind::Number)
}

#[cfg(all(test, feature = "stock"))]
mod tests {
    use super::*;
    use crate::model::Schema;

    /// Names of the items in the stock schema to which a rule applies.
    fn fields(rule: impl Fn(&Field, &EntityType) -> bool) -> Vec<String> {
        let entities = Schema::stock().entity_types.values();
        entities
            .flat_map(|e| {
                e.fields
                    .values()
                    .filter(|f| rule(f, e))
                    .map(|f| format!("{}.{}", e.name, f.name))
            })
            .collect()
    }

    // If a rule no longer applies to anything, the test of its list fails: remove the rule.

    #[test]
    fn unlisted_column_attributes_exist() {
        let asked = |f: &Field| {
            Def(&f.raw)
                .texts("additionalAttributeList")
                .contains(&"columns".to_owned())
        };
        let found = fields(|f, _| has_columns(f.kind, Def(&f.raw)) && !asked(f));
        assert_eq!(found, ["Email.replies", "Email.tasks"]);
    }

    #[test]
    fn listed_column_attributes_without_columns_do_not_exist() {
        let asked = |f: &Field| Def(&f.raw).texts("additionalAttributeList");
        let found = fields(|f, _| {
            asked(f)
                .iter()
                .any(|part| is_columns_of_nothing(part, f.kind, Def(&f.raw)))
        });
        assert_eq!(found, ["Settings.oidcTeams"]);
    }

    #[test]
    fn stored_currency_fields_have_converted_amounts() {
        let found = fields(|f, _| has_converted(f.kind, f.not_storable));
        assert_eq!(
            found,
            [
                "Campaign.budget",
                "Lead.opportunityAmount",
                "Opportunity.amount"
            ]
        );
        assert_eq!(
            fields(is_converted_of_nothing),
            ["Campaign.revenueConverted"]
        );
    }

    #[test]
    fn links_without_a_field_can_have_attributes() {
        let entities = Schema::stock().entity_types.values();
        let found: Vec<String> = entities
            .flat_map(|e| {
                e.links
                    .values()
                    .filter(|l| has_attributes_without_field(l, e))
                    .map(|l| format!("{}.{}", e.name, l.name))
            })
            .collect();
        assert_eq!(
            found,
            [
                "Note.superParent",
                "Task.email",
                "TwoFactorCode.user",
                "UserData.user"
            ]
        );
    }

    #[test]
    fn plain_fields_can_be_keys_of_links() {
        assert_eq!(
            fields(|f, e| is_key_of_other(f, &link_keys(e))),
            ["ActionHistoryRecord.targetType", "Email.folderId"]
        );
    }

    #[test]
    fn entity_types_without_a_name_field_have_the_attribute() {
        let found = Schema::stock()
            .entity_types
            .values()
            .filter(|e| has_bare_name(e))
            .count();
        assert_eq!(found, 38);
    }

    #[test]
    fn phone_fields_have_digits_and_data() {
        let phones =
            ["Account", "Contact", "Lead", "Target", "User"].map(|e| format!("{e}.phoneNumber"));
        assert_eq!(fields(|f, _| has_numeric(f)), phones);
        assert_eq!(fields(|f, _| data_is_loaded(f)).len(), 10);
    }

    #[test]
    fn menus_contain_strings_and_objects() {
        let found = fields(|f, _| holds_any_items(f));
        assert_eq!(
            found,
            ["Portal.tabList", "Preferences.tabList", "Settings.tabList"]
        );
    }

    #[test]
    fn reminders_and_counters_have_special_rules() {
        assert_eq!(
            fields(is_reminders),
            ["Call.reminders", "Meeting.reminders", "Task.reminders"]
        );
        assert_eq!(fields(|f, _| is_counter(f.kind)).len(), 8);
    }

    #[test]
    fn every_system_attribute_is_one_of_some_entity_type() {
        for name in SYSTEM {
            assert!(
                Schema::stock()
                    .entity_types
                    .values()
                    .any(|e| e.attributes.contains_key(name)),
                "{name}"
            );
        }
    }
}
