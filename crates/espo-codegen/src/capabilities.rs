//! The server's support for an attribute: the conditions that it evaluates, whether lists can be ordered by the attribute
//! or contain it, and whether null clears it.
//!
//! The server returns 500 without a reason for a condition that the database cannot evaluate, and often ignores conditions
//! on null. The kind of an attribute's constant therefore offers only the conditions that work.

use espo_schema::{
    Attribute, AttributeRole as Role, AttributeSource, EntityType, Field, FieldKind, Options,
    ValueType,
};

use crate::types::Kind;

/// Returns the kind of an attribute whose values are of kind `base`, without the operations that the server does not
/// support.
pub(crate) fn kind(entity: &EntityType, attribute: &Attribute, base: Kind) -> Kind {
    let is_own = matches!(base, Kind::Own(_));
    let evaluated = if named(FORBIDDEN, entity, attribute) || !is_plain(&attribute.name) {
        Kind::Opaque
    } else if named(FLAGS_BY_CODE, entity, attribute) && !is_own {
        unordered(Kind::Plain("Flag"))
    } else if named(ADDRESSES_BY_CODE, entity, attribute) {
        unordered(wrapped("Exact", base))
    } else if attribute.filterable {
        limited(entity, attribute, base)
    } else {
        let is_set = matches!(
            attribute.value,
            ValueType::IdList { .. } | ValueType::EmailData | ValueType::PhoneData
        );
        if is_set && !is_own {
            Kind::Set
        } else {
            Kind::Opaque
        }
    };
    // A list is ordered by the link itself, which sorts by the name of the linked record.
    let by_link = matches!(attribute.role, Role::Id | Role::Name);
    let orders = attribute.orderable && !by_link;
    let ordered = match evaluated {
        kind @ (Kind::Opaque | Kind::Set | Kind::Items(_) | Kind::Unordered(_)) => kind,
        kind if orders => kind,
        Kind::Id(target) => Kind::Ref(target),
        Kind::Plain("Text") if attribute.role == Role::Name => Kind::Plain("RefName"),
        kind => unordered(kind),
    };
    if is_listable(entity, attribute) {
        ordered
    } else {
        wrapped("Unlisted", ordered)
    }
}

/// Whether the server treats a name in conditions and orders as an attribute. It treats other names, such as `a.b`,
/// as expressions and rejects them with 400.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn unordered(kind: Kind) -> Kind {
    Kind::Unordered(Box::new(kind))
}

fn wrapped(wrapper: &'static str, kind: Kind) -> Kind {
    Kind::Wrapped(wrapper, Box::new(kind))
}

/// The kind without the conditions that the server cannot evaluate.
fn limited(entity: &EntityType, attribute: &Attribute, base: Kind) -> Kind {
    let field = field(entity, attribute);
    let is = |kind: FieldKind| field.is_some_and(|field| field.kind == kind);
    match attribute.role {
        Role::PersonName => wrapped("Pattern", base),
        Role::IsOptedOut | Role::IsInvalid => flag(&base),
        Role::Numeric => wrapped("Unranked", base),
        Role::Value if is(FieldKind::Email) || is(FieldKind::Phone) => wrapped("Unranked", base),
        Role::Converted => wrapped("Converted", base),
        _ if is(FieldKind::CurrencyConverted) => wrapped("Converted", base),
        _ => match field.filter(|field| !attribute.stored && !field.where_operators.is_empty()) {
            Some(field) => by_operators(&field.where_operators, base),
            None => base,
        },
    }
}

fn flag(base: &Kind) -> Kind {
    match base {
        Kind::Plain("Bool") => Kind::Plain("Flag"),
        _ => Kind::Opaque,
    }
}

/// The kind of an attribute with custom search definitions (`where` in the metadata): the most capable kind that needs
/// only those operators.
fn by_operators(operators: &[String], base: Kind) -> Kind {
    let has = |names: &[&str]| {
        names
            .iter()
            .all(|name| operators.iter().any(|operator| operator == name))
    };
    let equal = has(&["="]);
    let comparable = equal && has(&["<>"]);
    let member = has(&["IN", "NOT IN"]);
    let null = has(&["IS NULL", "IS NOT NULL"]);
    let textual = has(&["LIKE", "NOT LIKE"]);
    let ordered = has(&["<", "<=", ">", ">="]);
    let boolean = has(&["= TRUE", "= FALSE"]);
    if comparable && member && null && textual && ordered {
        base
    } else if comparable && member && null && textual {
        wrapped("Unranked", base)
    } else if comparable && member && null {
        wrapped("Linked", base)
    } else if comparable && null && ordered {
        wrapped("Converted", base)
    } else if comparable && null && textual {
        wrapped("Pattern", base)
    } else if comparable && member {
        wrapped("Status", base)
    } else if boolean {
        flag(&base)
    } else if equal {
        wrapped("Exact", base)
    } else {
        Kind::Opaque
    }
}

/// Whether a list can contain the attribute, possibly only if it is selected.
///
/// Attributes without a column, an expression or a loader are computed by code of single entity types, which the
/// metadata does not describe; the ones that are known to be in lists are named here.
pub(crate) fn is_listable(entity: &EntityType, attribute: &Attribute) -> bool {
    let never = named(NEVER_LISTED, entity, attribute) || named(FORBIDDEN, entity, attribute);
    if never || attribute.write_only || attribute.filter_only {
        return false;
    }
    if attribute.in_list || named(LISTED_BY_CODE, entity, attribute) {
        return true;
    }
    match attribute.role {
        Role::Ids | Role::Names | Role::Columns | Role::Types => {
            attribute.in_read && attribute.source == AttributeSource::Field
        }
        _ => false,
    }
}

/// Attributes of entity types, by name.
type Named = &'static [(&'static str, &'static [&'static str])];

fn named(list: Named, entity: &EntityType, attribute: &Attribute) -> bool {
    list.iter()
        .any(|(type_, names)| *type_ == entity.name && names.contains(&attribute.name.as_str()))
}

/// Rejected with 400 in conditions and orders, for administrators too.
const FORBIDDEN: Named = &[(
    "User",
    &["deleteId", "passwordVersion", "userDataId", "userDataName"],
)];

/// Booleans of the current user, for which the server supports only the conditions `isTrue` and `isFalse`.
const FLAGS_BY_CODE: Named = &[(
    "Email",
    &[
        "inArchive",
        "inTrash",
        "isImportant",
        "isNotRead",
        "isNotReplied",
        "isRead",
    ],
)];

/// Addresses that the server looks up with special code, which supports only `equals`.
const ADDRESSES_BY_CODE: Named = &[("Email", &["cc", "emailAddress", "from", "to"])];

/// Computed by the code of these entity types, in lists too.
const LISTED_BY_CODE: Named = &[
    ("Call", &["acceptanceStatus"]),
    (
        "Email",
        &[
            "folderId",
            "fromAddress",
            "fromName",
            "inArchive",
            "inTrash",
            "isImportant",
            "isRead",
            "isReplied",
            "isUsers",
            "personStringData",
            "replyToAddress",
            "replyToName",
            "subject",
        ],
    ),
    ("Meeting", &["acceptanceStatus"]),
    ("Notification", &["groupedCount", "noteData"]),
    ("ScheduledJob", &["isInternal"]),
    ("TargetList", &["entryCount", "optedOutCount"]),
];

/// Defined like attributes of lists, but not in any list.
const NEVER_LISTED: Named = &[
    ("AuthToken", &["hash", "secret", "token"]),
    ("Campaign", &["hardBouncedCount", "softBouncedCount"]),
    ("User", &["position"]),
];

/// The access of an attribute's constant; `None` for the default.
pub(crate) fn access(
    entity: &EntityType,
    attribute: &Attribute,
    is_part_of_field: bool,
) -> Option<&'static str> {
    if !attribute.writable {
        Some("ReadOnly")
    } else if is_part_of_field {
        Some("PartOfField")
    } else if attribute.create_only {
        Some("CreateOnly")
    } else if rejects_null(entity, attribute) {
        Some("NonNull")
    } else {
        None
    }
}

/// Whether the server rejects or ignores null: 400 for a required field and for an enum without an empty option, 500 for
/// a boolean; the currency code of an amount is not changed.
fn rejects_null(entity: &EntityType, attribute: &Attribute) -> bool {
    let required = field(entity, attribute).is_some_and(|field| field.required);
    let without_empty_option = matches!(attribute.value, ValueType::Enum)
        && matches!(&attribute.options, Options::Listed(options) if !options.iter().any(String::is_empty));
    required
        || without_empty_option
        || attribute.value == ValueType::Bool
        || attribute.role == Role::Currency
}

fn field<'e>(entity: &'e EntityType, attribute: &Attribute) -> Option<&'e Field> {
    entity.fields.get(attribute.field.as_deref()?)
}

#[cfg(test)]
mod tests {
    use espo_schema::Schema;
    use serde_json::json;

    use super::*;

    /// The kind of the attribute of a field that holds text.
    fn kind_of(field: serde_json::Value) -> Kind {
        let metadata = json!({
            "entityDefs": {"CThing": {"fields": {"f": field}, "links": {}}},
            "scopes": {"CThing": {"entity": true, "object": true}},
            "fields": {"varchar": {}},
        });
        let schema = Schema::from_value(metadata, "test").expect("a schema");
        let entity = &schema.entity_types["CThing"];
        kind(entity, &entity.attributes["f"], Kind::Plain("Text"))
    }

    #[test]
    fn kinds_match_custom_search_definitions() {
        let all = [
            "=",
            "<>",
            "IN",
            "NOT IN",
            "IS NULL",
            "IS NOT NULL",
            "LIKE",
            "NOT LIKE",
            "<",
            "<=",
            ">",
            ">=",
        ];
        let text = || Kind::Plain("Text");
        let except = |left_out: &[&str]| {
            all.iter()
                .filter(|o| !left_out.contains(o))
                .copied()
                .collect::<Vec<_>>()
        };
        let order = ["<", "<=", ">", ">="];
        for (operators, expected) in [
            (all.to_vec(), unordered(text())),
            (except(&order), unordered(wrapped("Unranked", text()))),
            (all[..6].to_vec(), unordered(wrapped("Linked", text()))),
            (all[..4].to_vec(), unordered(wrapped("Status", text()))),
            (except(&["IN", "<"]), unordered(wrapped("Pattern", text()))),
            (
                except(&["IN", "LIKE"]),
                unordered(wrapped("Converted", text())),
            ),
            (vec!["="], unordered(wrapped("Exact", text()))),
            // Strings have no `is_true`.
            (vec!["= TRUE", "= FALSE"], Kind::Opaque),
            (vec!["LIKE"], Kind::Opaque),
        ] {
            let wheres: serde_json::Map<_, _> = operators
                .iter()
                .map(|o| ((*o).to_owned(), json!(true)))
                .collect();
            let field = json!({
                "type": "varchar", "notStorable": true, "orderDisabled": true, "select": true, "where": wheres,
            });
            assert_eq!(kind_of(field), expected, "{operators:?}");
        }
    }

    #[test]
    fn attributes_named_like_expressions_have_no_conditions() {
        for (name, expected) in [
            ("cRegion", true),
            ("old_name_2", true),
            ("名前", true),
            ("a.b", false),
            ("9lives", false),
            ("#", false),
            ("a:b", false),
        ] {
            assert_eq!(is_plain(name), expected, "{name}");
        }
    }

    #[test]
    fn stored_attributes_have_all_conditions_and_computed_ones_none() {
        let text = || Kind::Plain("Text");
        for (field, expected) in [
            (json!({"type": "varchar"}), text()),
            (
                json!({"type": "varchar", "orderDisabled": true}),
                unordered(text()),
            ),
            (
                json!({"type": "varchar", "notStorable": true}),
                wrapped("Unlisted", Kind::Opaque),
            ),
        ] {
            assert_eq!(kind_of(field), expected);
        }
    }
}
