//! Metadata outside of `entityDefs`: access to fields, rules of records, switched-off scopes.
//!
//! An export may omit these sections. The values of a stock instance are then used.

use espo_schema::Schema;
use serde_json::{Value as Json, json};

/// Restrictions on reading or setting a field, independent of roles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FieldAccess {
    /// No user can read it.
    pub(crate) hidden: bool,
    /// Only administrators can read it.
    pub(crate) admin_only: bool,
    /// No user can set it.
    pub(crate) read_only: bool,
    /// Only administrators can set it.
    pub(crate) read_only_for_most: bool,
}

/// A section of the instance's metadata, if the metadata contains it.
fn section<'a>(schema: &'a Schema, name: &str) -> Option<&'a Json> {
    schema.raw.get(name).filter(|v| v.is_object())
}

/// Fields that no user can set, not even administrators (`entityAcl.…readOnly` of a stock instance).
const READ_ONLY: &[(&str, &[&str])] = &[
    ("Attachment", &["source", "sourceId"]),
    ("Case", &["inboundEmail"]),
    ("Contact", &["inboundEmail", "portalUser"]),
    ("Email", &["users", "messageId", "tasks"]),
    ("KnowledgeBaseArticle", &["order"]),
    ("Task", &["email"]),
    ("Webhook", &["secretKey"]),
];

/// Fields that no user can read (`entityAcl.…forbidden` of a stock instance).
const HIDDEN: &[(&str, &[&str])] = &[
    ("AppSecret", &["value"]),
    (
        "User",
        &["deleteId", "passwordVersion", "userData", "authLogRecordId"],
    ),
];

/// Fields that only administrators can set (`entityAcl.…nonAdminReadOnly` of a stock instance).
const READ_ONLY_FOR_MOST: &[(&str, &[&str])] = &[(
    "User",
    &[
        "userName",
        "password",
        "isActive",
        "emailAddress",
        "teams",
        "defaultTeam",
        "roles",
        "portals",
        "portalRoles",
        "contact",
        "workingTimeCalendar",
        "accounts",
        "type",
    ],
)];

/// Fields that only administrators can read (`app.acl` of a stock instance).
const ADMIN_ONLY: &[(&str, &[&str])] = &[
    ("ActionHistoryRecord", &["authToken", "authLogRecord"]),
    ("Call", &["uid"]),
    ("Email", &["inboundEmails", "emailAccounts"]),
    ("Meeting", &["uid"]),
    (
        "User",
        &[
            "apiKey",
            "secretKey",
            "auth2FA",
            "authMethod",
            "dashboardTemplate",
            "gender",
            "layoutSet",
        ],
    ),
];

fn listed(table: &[(&str, &[&str])], entity: &str, field: &str) -> bool {
    table
        .iter()
        .any(|(e, fields)| *e == entity && fields.contains(&field))
}

/// Restrictions on a field.
pub(crate) fn field_access(schema: &Schema, entity: &str, field: &str) -> FieldAccess {
    let mut access = FieldAccess {
        hidden: false,
        admin_only: listed(ADMIN_ONLY, entity, field),
        read_only: false,
        read_only_for_most: false,
    };
    if let Some(acl) = section(schema, "entityAcl") {
        let says = |key: &str| acl[entity]["fields"][field][key] == Json::Bool(true);
        access.hidden = says("forbidden") || says("internal");
        access.admin_only |= says("onlyAdmin");
        access.read_only = says("readOnly");
        access.read_only_for_most = says("nonAdminReadOnly");
    } else {
        access.hidden = listed(HIDDEN, entity, field);
        access.read_only = listed(READ_ONLY, entity, field);
        access.read_only_for_most = listed(READ_ONLY_FOR_MOST, entity, field);
    }
    access
}

/// Restrictions on relating records through a link, independent of roles.
pub(crate) fn link_access(schema: &Schema, entity: &str, link: &str) -> FieldAccess {
    const READ_ONLY: &[(&str, &[&str])] = &[
        ("Case", &["inboundEmail", "collaborators"]),
        ("Email", &["tasks"]),
        ("Note", &["teams", "users"]),
        ("Task", &["collaborators"]),
    ];
    const FOR_MOST: &[(&str, &[&str])] = &[("User", &["teams", "workingTimeRanges"])];
    const ADMIN_ONLY: &[(&str, &[&str])] = &[(
        "User",
        &[
            "roles",
            "portalRoles",
            "accounts",
            "defaultTeam",
            "dashboardTemplate",
        ],
    )];
    match section(schema, "entityAcl") {
        Some(acl) => {
            let says = |key: &str| acl[entity]["links"][link][key] == Json::Bool(true);
            FieldAccess {
                hidden: says("forbidden"),
                admin_only: says("onlyAdmin"),
                read_only: says("readOnly"),
                read_only_for_most: says("nonAdminReadOnly"),
            }
        }
        None => FieldAccess {
            hidden: (entity, link) == ("User", "userData"),
            admin_only: listed(ADMIN_ONLY, entity, link),
            read_only: listed(READ_ONLY, entity, link),
            read_only_for_most: listed(FOR_MOST, entity, link),
        },
    }
}

/// Entity types to which roles do not apply, because their scope has no access control.
pub(crate) fn without_acl(schema: &Schema) -> Vec<String> {
    let controlled = |acl: &Option<Json>| {
        acl.as_ref()
            .is_some_and(|v| !matches!(v, Json::Bool(false) | Json::Null))
    };
    schema
        .entity_types
        .values()
        .filter(|e| !e.scope.raw.is_empty() && !controlled(&e.scope.acl))
        .map(|e| e.name.clone())
        .collect()
}

/// A rule of an entity type's records (`recordDefs`).
fn record_rule<'a>(schema: &'a Schema, entity: &str, key: &str) -> Option<&'a Json> {
    section(schema, "recordDefs")?.get(entity)?.get(key)
}

/// A rule of a link (`recordDefs.{entity}.relationships.{link}`); `stock` if the metadata has no such section.
fn link_rule(
    schema: &Schema,
    entity: &str,
    link: &str,
    key: &str,
    stock: &[(&str, &[&str])],
) -> bool {
    match section(schema, "recordDefs") {
        Some(defs) => defs[entity]["relationships"][link][key] == Json::Bool(true),
        None => listed(stock, entity, link),
    }
}

/// Whether updates are checked for duplicates like creates.
pub(crate) fn update_duplicate_check(schema: &Schema, entity: &str) -> bool {
    match record_rule(schema, entity, "updateDuplicateCheck") {
        Some(rule) => *rule == Json::Bool(true),
        None => entity == "AddressCountry" && section(schema, "recordDefs").is_none(),
    }
}

/// Whether a mass action is allowed for an entity type without business records.
pub(crate) fn allows_mass_action(schema: &Schema, entity: &str, action: &str) -> bool {
    match section(schema, "recordDefs") {
        Some(defs) => defs[entity]["massActions"][action]["allowed"] == Json::Bool(true),
        None => matches!(action, "update" | "delete"),
    }
}

/// Whether all records found by a search can be related through a link with one request.
pub(crate) fn mass_link(schema: &Schema, entity: &str, link: &str) -> bool {
    const STOCK: &[(&str, &[&str])] =
        &[("TargetList", &["users", "leads", "contacts", "accounts"])];
    link_rule(schema, entity, link, "massLink", STOCK)
}

/// Whether a has-many link rejects records that have another owner.
pub(crate) fn only_not_linked(schema: &Schema, entity: &str, link: &str) -> bool {
    link_rule(
        schema,
        entity,
        link,
        "linkOnlyNotLinked",
        &[("Account", &["opportunities"])],
    )
}

/// The access that a link requires to a record of the other side, if it is specified: `read` or `edit`.
pub(crate) fn required_foreign_access(schema: &Schema, entity: &str, link: &str) -> Option<String> {
    const READ: &[(&str, &[&str])] = &[
        ("Case", &["articles"]),
        ("TargetList", &["users", "leads", "contacts", "accounts"]),
    ];
    match section(schema, "recordDefs") {
        Some(defs) => defs[entity]["relationships"][link]["linkRequiredForeignAccess"]
            .as_str()
            .map(str::to_owned),
        None => listed(READ, entity, link).then(|| "read".to_owned()),
    }
}

/// Whether an entity type is an event: a meeting, a call or a custom entity type of this kind.
pub(crate) fn is_event(schema: &Schema, entity: &str) -> bool {
    let of_kind = |e: &espo_schema::EntityType| e.scope.raw.get("type") == Some(&json!("Event"));
    matches!(entity, "Meeting" | "Call") || schema.entity_types.get(entity).is_some_and(of_kind)
}

/// The many-to-many link whose users follow a record (`streamDefs.…followingUsersField`).
pub(crate) fn following_users(schema: &Schema, entity: &str) -> Option<String> {
    match section(schema, "streamDefs") {
        Some(defs) => defs[entity]["followingUsersField"]
            .as_str()
            .map(str::to_owned),
        None => matches!(entity, "Meeting" | "Call").then(|| "users".to_owned()),
    }
}

/// The link to users who may read a record as if they owned it (`aclDefs.…readOwnerUserField`).
pub(crate) fn readers(schema: &Schema, entity: &str) -> Option<String> {
    match section(schema, "aclDefs") {
        Some(defs) => defs[entity]["readOwnerUserField"]
            .as_str()
            .map(str::to_owned),
        None => matches!(entity, "Meeting" | "Call" | "Email").then(|| "users".to_owned()),
    }
}

/// Whether notes of a record can be internal (`streamDefs.…allowInternalNotes`, since 10.0).
pub(crate) fn internal_notes(schema: &Schema, entity: &str) -> bool {
    match section(schema, "streamDefs") {
        Some(defs) => defs[entity]["allowInternalNotes"] == Json::Bool(true),
        None => entity == "Case",
    }
}

/// Names of scopes that an administrator disabled; no user may access them.
pub(crate) fn disabled_scopes(schema: &Schema) -> Vec<String> {
    schema
        .entity_types
        .values()
        .filter(|e| e.scope.disabled)
        .map(|e| e.name.clone())
        .collect()
}

/// Attributes that the rows of a link always have; they also make up the selection if a request names none.
pub(crate) fn relationship_attributes(
    schema: &Schema,
    entity: &str,
    link: &str,
) -> Option<Vec<String>> {
    const STOCK: &[(&str, &str, &str)] = &[
        ("Account", "contacts", "accountIsInactive"),
        ("Account", "targetLists", "isOptedOut"),
        ("Contact", "targetLists", "isOptedOut"),
        ("Lead", "targetLists", "isOptedOut"),
        ("TargetList", "accounts", "targetListIsOptedOut"),
        ("TargetList", "contacts", "targetListIsOptedOut"),
        ("TargetList", "leads", "targetListIsOptedOut"),
        ("TargetList", "users", "targetListIsOptedOut"),
    ];
    match schema.raw.get("recordDefs").and_then(|d| d.get(entity)) {
        Some(defs) => {
            let list = &defs["relationships"][link]["mandatoryAttributeList"];
            let names = list.as_array()?.iter().filter_map(Json::as_str);
            Some(names.map(str::to_owned).collect())
        }
        None => STOCK
            .iter()
            .find(|(e, l, _)| *e == entity && *l == link)
            .map(|(.., name)| vec![(*name).to_owned()]),
    }
}
