//! The stock schemas compared with data from EspoCRM 10.0 and 9.3.

use std::collections::BTreeSet;

use espo_schema::{AttributeSource, Cardinality, FieldKind, Member, Schema};

use crate::arbitrary::reversed;

/// All attributes of entity types that together cover every rule.
const ATTRIBUTES: [(&str, &str); 7] = [
    (
        "Account",
        "assignedUserId assignedUserName billingAddressCity billingAddressCountry billingAddressMap billingAddressPostalCode billingAddressState billingAddressStreet campaignId campaignName contactIsInactive contactRole createdAt createdById createdByName deleted description emailAddress emailAddressData emailAddressIsInvalid emailAddressIsOptedOut followersIds followersNames id industry isFollowed isLocked isStarred modifiedAt modifiedById modifiedByName name originalLeadId originalLeadName phoneNumber phoneNumberData phoneNumberIsInvalid phoneNumberIsOptedOut phoneNumberNumeric shippingAddressCity shippingAddressCountry shippingAddressMap shippingAddressPostalCode shippingAddressState shippingAddressStreet sicCode streamUpdatedAt targetListId targetListIsOptedOut targetListName targetListsIds targetListsNames teamsIds teamsNames type versionNumber website",
    ),
    (
        "Contact",
        "acceptanceStatus acceptanceStatusCalls acceptanceStatusMeetings accountAnyId accountId accountIsInactive accountName accountRole accountType accountsColumns accountsIds accountsNames addressCity addressCountry addressMap addressPostalCode addressState addressStreet assignedUserId assignedUserName campaignId campaignName createdAt createdById createdByName deleted description doNotCall emailAddress emailAddressData emailAddressIsInvalid emailAddressIsOptedOut firstName followersIds followersNames hasPortalUser id isFollowed isStarred lastName middleName modifiedAt modifiedById modifiedByName name opportunityRole originalEmailId originalEmailName originalLeadId originalLeadName phoneNumber phoneNumberData phoneNumberIsInvalid phoneNumberIsOptedOut phoneNumberNumeric portalUserId portalUserName salutationName streamUpdatedAt targetListId targetListIsOptedOut targetListName targetListsIds targetListsNames teamsIds teamsNames title",
    ),
    (
        "CurrencyRecordRate",
        "baseCode createdAt createdById createdByName date deleteId deleted id modifiedAt modifiedById modifiedByName name rate recordId recordName",
    ),
    (
        "Note",
        "attachmentsIds attachmentsNames attachmentsTypes createdAt createdByGender createdById createdByName data deleted id isGlobal isInternal isPinned modifiedAt modifiedById modifiedByName myReactions name notifiedUserIdList number parentId parentName parentType portalsIds portalsNames post reactionCounts relatedId relatedName relatedType superParentId superParentName superParentType targetType teamsIds teamsNames type usersIds usersNames",
    ),
    (
        "Opportunity",
        "accountId accountName amount amountConverted amountCurrency amountWeightedConverted assignedUserId assignedUserName campaignId campaignName closeDate contactId contactName contactRole contactsColumns contactsIds contactsNames createdAt createdById createdByName deleted description followersIds followersNames id isFollowed lastStage leadSource modifiedAt modifiedById modifiedByName name originalLeadId originalLeadName probability stage streamUpdatedAt teamsIds teamsNames versionNumber",
    ),
    (
        "Task",
        "accountId accountName assignedUserId assignedUserName attachmentsIds attachmentsNames attachmentsTypes collaboratorsIds collaboratorsNames contactId contactName createdAt createdById createdByName dateCompleted dateEnd dateEndDate dateStart dateStartDate deleted description emailId followersIds followersNames id isFollowed isOverdue modifiedAt modifiedById modifiedByName name originalEmailId originalEmailName parentId parentName parentType priority reminders status streamUpdatedAt teamsIds teamsNames versionNumber",
    ),
    (
        "UserData",
        "auth2FA auth2FAEmailAddress auth2FAMethod auth2FATotpSecret deleted id name userId userName",
    ),
];

#[test]
fn attribute_sets_match_the_server() {
    for (name, expected) in ATTRIBUTES {
        let entity = Schema::stock()
            .entity_type(name)
            .expect("a stock entity type");
        let found: BTreeSet<&str> = entity.attributes.keys().map(String::as_str).collect();
        assert_eq!(found, expected.split(' ').collect(), "{name}");
    }
}

fn names(entity: &str, keep: fn(&espo_schema::Attribute) -> bool) -> BTreeSet<&'static str> {
    let entity = Schema::stock()
        .entity_type(entity)
        .expect("a stock entity type");
    entity
        .attributes
        .values()
        .filter(|a| keep(a))
        .map(|a| a.name.as_str())
        .collect()
}

#[test]
fn reads_lack_exactly_the_attributes_that_the_server_omits() {
    // As observed on a running server.
    let absent = |entity| names(entity, |a| !a.in_read);
    assert_eq!(
        absent("Account"),
        BTreeSet::from([
            "billingAddressMap",
            "contactIsInactive",
            "contactRole",
            "phoneNumberNumeric",
            "shippingAddressMap",
            "targetListId",
            "targetListIsOptedOut",
            "targetListName",
            "targetListsIds",
            "targetListsNames",
        ])
    );
    assert_eq!(absent("Opportunity"), BTreeSet::from(["contactRole"]));
}

#[test]
fn list_rows_lack_link_multiples_data_rows_and_follow_flags() {
    let only_read = names("Account", |a| a.in_read && !a.in_list);
    let expected = [
        "emailAddressData",
        "followersIds",
        "followersNames",
        "isFollowed",
        "phoneNumberData",
        "teamsIds",
        "teamsNames",
    ];
    assert_eq!(only_read, BTreeSet::from(expected));
    assert!(names("Account", |a| a.in_list).contains("isStarred"));
    assert!(
        names("Task", |a| a.in_list).contains("parentName"),
        "a list loader adds names of parents"
    );
    let email = &Schema::stock().entity_types["Email"].attributes["tasksColumns"];
    assert!(email.in_read && !email.in_list);
}

#[test]
fn attributes_set_by_the_server_cannot_be_written() {
    let account = names("Account", |a| a.writable);
    for name in [
        "id",
        "deleted",
        "createdAt",
        "createdById",
        "modifiedById",
        "versionNumber",
        "assignedUserName",
        "teamsNames",
        "originalLeadId",
    ] {
        assert!(!account.contains(name), "{name}");
    }
    for name in [
        "name",
        "assignedUserId",
        "teamsIds",
        "emailAddress",
        "emailAddressData",
        "emailAddressIsOptedOut",
        "billingAddressCity",
    ] {
        assert!(account.contains(name), "{name}");
    }
    assert!(names("Opportunity", |a| a.writable).contains("amountCurrency"));
    assert!(!names("Opportunity", |a| a.writable).contains("amountConverted"));
    assert!(!names("Case", |a| a.writable).contains("number"));
    assert!(
        !names("Contact", |a| a.writable).contains("name"),
        "the joined name of a person is derived"
    );
    assert!(names("Note", |a| a.create_only).contains("teamsIds"));
}

#[test]
fn passwords_can_be_written_but_not_read() {
    let password = &Schema::stock().entity_types["User"].attributes["password"];
    assert!(password.write_only && password.writable);
    assert!(!password.in_list && !password.in_read && !password.filterable && !password.orderable);
}

#[test]
fn attributes_of_links_and_switches_name_their_origin() {
    let schema = Schema::stock();
    let source = |entity: &str, name: &str| schema.entity_types[entity].attributes[name].source;
    assert_eq!(source("Task", "emailId"), AttributeSource::Link);
    assert!(
        !schema.entity_types["Task"]
            .attributes
            .contains_key("emailName"),
        "noForeignName"
    );
    assert_eq!(source("Note", "superParentType"), AttributeSource::Link);
    assert_eq!(source("Account", "isStarred"), AttributeSource::Scope);
    assert_eq!(source("Task", "versionNumber"), AttributeSource::Scope);
    assert_eq!(source("Account", "deleted"), AttributeSource::Orm);
    assert_eq!(source("ArrayValue", "name"), AttributeSource::Orm);
    assert!(
        !schema.entity_types["UserReaction"]
            .attributes
            .contains_key("deleted"),
        "noDeletedAttribute"
    );
}

#[test]
fn cardinalities_follow_from_both_sides() {
    use Cardinality as C;
    for (entity, link, expected) in [
        ("Account", "contacts", C::ManyToMany),
        ("Account", "opportunities", C::OneToMany),
        ("Account", "teams", C::ManyToMany),
        ("Account", "calls", C::Children),
        ("Account", "originalLead", C::OneToOne { key_here: false }),
        ("Lead", "createdAccount", C::OneToOne { key_here: true }),
        ("Opportunity", "account", C::ManyToOne),
        ("Call", "parent", C::Parent),
        ("Email", "toEmailAddresses", C::ManyToMany),
        ("Case", "attachments", C::Children),
    ] {
        assert_eq!(
            Schema::stock().entity_types[entity].links[link].cardinality,
            expected,
            "{entity}.{link}"
        );
    }
}

#[test]
fn middle_table_columns_are_available_on_both_sides() {
    let schema = Schema::stock();
    let from_opportunity = &schema.entity_types["Opportunity"].links["contacts"].columns["role"];
    assert_eq!(
        from_opportunity.target_attribute.as_deref(),
        Some("opportunityRole")
    );
    assert_eq!(
        from_opportunity.owner_attribute.as_deref(),
        Some("contactRole")
    );
    assert_eq!(from_opportunity.max_length, Some(50));
    assert!(
        from_opportunity.options.allows("Decision Maker")
            && !from_opportunity.options.allows("Nobody")
    );
    let from_contact = &schema.entity_types["Contact"].links["opportunities"].columns["role"];
    assert_eq!(
        from_contact.target_attribute.as_deref(),
        Some("contactRole")
    );
    assert_eq!(
        from_contact.owner_attribute.as_deref(),
        Some("opportunityRole")
    );
}

#[test]
fn options_are_resolved_from_paths_and_references() {
    let field =
        |entity: &str, name: &str| Schema::stock().field(entity, name).expect("a stock field");
    assert_eq!(
        field("Opportunity", "leadSource").options,
        field("Lead", "source").options
    );
    assert_eq!(
        field("LeadCapture", "leadSource").options,
        field("Lead", "source").options
    );
    assert!(field("Lead", "source").options.allows("Web Site"));
    assert_eq!(
        field("Opportunity", "amountCurrency").options.listed(),
        None
    );
}

#[test]
fn all_kinds_are_known_and_parts_name_their_field() {
    let schema = Schema::stock();
    for entity in schema.entity_types.values() {
        for field in entity.fields.values() {
            assert_ne!(
                field.kind,
                FieldKind::Other,
                "{}.{}",
                entity.name,
                field.name
            );
            assert!(field.attributes.iter().all(|a| !a.is_empty()));
        }
    }
    let city = schema
        .field("Account", "billingAddressCity")
        .expect("a part of the address");
    assert_eq!(city.composite_of.as_deref(), Some("billingAddress"));
    assert_eq!(city.composite_part.as_deref(), Some("city"));
    let first = schema
        .field("Contact", "firstName")
        .expect("a part of the name");
    assert_eq!(first.composite_of.as_deref(), Some("name"));
}

#[test]
fn the_stock_metadata_has_no_oddities() {
    let found: Vec<String> = Schema::stock()
        .diagnostics
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn the_built_in_schema_equals_the_directory() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../metadata");
    let loaded = Schema::load(&[folder]).expect("the folder loads");
    assert_eq!(loaded.content_hash, Schema::stock().content_hash);
    assert_eq!(&loaded, Schema::stock());
}

/// The value with sorted keys.
fn sorted(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            serde_json::Value::Object(entries.into_iter().collect())
        }
        serde_json::Value::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[test]
fn metadata_files_are_formatted_uniformly() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../metadata");
    let sections = std::fs::read_dir(folder).expect("the directory exists");
    let files = sections
        .filter_map(|s| std::fs::read_dir(s.ok()?.path()).ok())
        .flatten();
    let mut checked = 0;
    for path in files.map(|file| file.expect("an entry").path()) {
        let text = std::fs::read_to_string(&path).expect("a text file");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let expected = serde_json::to_string_pretty(&sorted(&value)).expect("plain data") + "\n";
        assert_eq!(text, expected, "{}", path.display());
        checked += 1;
    }
    assert_eq!(checked, 304 + 12 + 1);
}

#[test]
fn additions_of_the_newer_version_are_marked() {
    for (entity, member, since) in [
        ("Pipeline", Member::EntityType, Some("10.0")),
        ("Pipeline", Member::Field("name"), None),
        ("Account", Member::EntityType, None),
        ("Account", Member::Field("isLocked"), Some("10.0")),
        ("Account", Member::Field("teams"), None),
        ("Contact", Member::Link("callsChildren"), Some("10.0")),
        ("Case", Member::Link("collaborators"), Some("10.0")),
        ("Job", Member::Field("methodName"), None),
        ("CProject", Member::EntityType, None),
    ] {
        assert_eq!(
            Schema::stock_since(entity, member),
            since,
            "{entity} {member:?}"
        );
    }
    let account = &Schema::stock().entity_types["Account"];
    assert_eq!(
        (account.since, account.fields["isLocked"].since),
        (None, Some("10.0"))
    );
    assert_eq!(Schema::stock().entity_types["Pipeline"].since, Some("10.0"));
    assert_eq!(
        Schema::stock().entity_types["Lead"].links["callsChildren"].since,
        Some("10.0")
    );
    let (old, new) = (Schema::stock_9_3(), Schema::stock());
    for (name, entity) in &new.entity_types {
        let before = old.entity_type(name);
        assert_eq!(
            Schema::stock_since(name, Member::EntityType).is_some(),
            before.is_none()
        );
        let Some(before) = before else { continue };
        for field in entity.fields.keys() {
            assert_eq!(
                Schema::stock_since(name, Member::Field(field)).is_some(),
                !before.fields.contains_key(field),
                "{name}.{field}"
            );
        }
    }
}

#[test]
fn the_newer_version_breaks_only_removed_items() {
    let changes = Schema::diff(Schema::stock_9_3(), Schema::stock());
    let breaking: Vec<String> = changes
        .iter()
        .filter(|change| change.breaking)
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        breaking,
        [
            "Job.methodName: field of type varchar removed",
            "Job.serviceName: field of type varchar removed",
            "Settings.notificationSoundsDisabled: field of type bool removed",
        ]
    );
}

#[test]
fn record_settings_match_the_server() {
    let entity = |name: &str| &Schema::stock().entity_types[name];
    assert!(entity("Job").record.force_select_all_attributes);
    assert!(entity("AddressCountry").record.update_duplicate_check);
    assert_eq!(
        entity("Opportunity").record.mandatory_attributes,
        ["accountId", "accountName"]
    );
    let accounts = &entity("Account").record.relationships;
    assert!(accounts["opportunities"].link_only_not_linked);
    assert_eq!(
        accounts["contacts"].mandatory_attributes,
        ["accountIsInactive"]
    );
    assert!(entity("ScheduledJob").record.relationships["log"].count_disabled);
    let task = entity("Task");
    assert_eq!(task.unlisted_primary_filters, ["actualStartingNotInFuture"]);
    assert_eq!(task.unlisted_bool_filters, ["actual", "completed"]);
    assert!(task.primary_filters.contains(&"actual".to_owned()));
}

#[test]
fn equal_schemas_have_no_difference() {
    assert_eq!(Schema::diff(Schema::stock(), Schema::stock()), []);
    let again =
        Schema::from_value(reversed(&Schema::stock().raw), "reversed").expect("the tree loads");
    assert_eq!(Schema::diff(Schema::stock(), &again), []);
}
