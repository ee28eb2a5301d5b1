//! Round trips of records with hostile names.

use std::collections::BTreeSet;

use espo_core::prelude::*;
use espo_core::typed::ExpectedEntity;
use espo_odd_exports::hostile::{self, keywords, options};
use espo_odd_exports::hostile::{Colliding, Keywords, KeywordsNew, Options, OptionsNew};
use espo_odd_exports::{api_user, v8_4, v9_2};
use espo_schema::Schema;
use espo_sim::Sim;
use serde_json::{Map, Value, json};

/// The server with the hostile entity types in addition to the stock ones.
async fn world() -> (Sim, Client) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let hostile = root.join("../../crates/espo-codegen/tests/it/fixtures/hostile.json");
    let schema = Schema::stock().overlay(&[hostile]).expect("a layer");
    let sim = Sim::builder()
        .schema(schema)
        .start()
        .await
        .expect("the server starts");
    let admin = sim.users().admin().expect("an administrator");
    let auth = Auth::password(
        admin.user_name.clone(),
        admin.password.clone().unwrap_or_default(),
    );
    let crm = Client::builder(sim.url())
        .auth(auth)
        .build()
        .expect("a client");
    (sim, crm)
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_named_like_keywords_are_set_filtered_and_cleared() -> Result<(), Error> {
    let (_sim, crm) = world().await;
    let created = crm
        .create(
            KeywordsNew::new()
                .r#type("a")
                .self_("b")
                .crate_("c")
                .r#async("d")
                .meta("e")
                .clear_("f"),
        )
        .await?;
    let id = created.id();
    let read = crm.read::<Keywords>(id).await?;
    assert_eq!(read.r#type.as_deref(), Some("a"));
    assert_eq!(read.self_.as_deref(), Some("b"));
    assert_eq!(read.crate_.as_deref(), Some("c"));
    assert_eq!(read.r#async.as_deref(), Some("d"));
    assert_eq!(read.meta_.as_deref(), Some("e"));

    crm.create(KeywordsNew::new().r#type("z")).await?;
    let found = crm
        .list::<Keywords>()
        .filter(keywords::TYPE.eq("a") & keywords::SELF_.is_not_null())
        .order_by(keywords::ASYNC.desc())
        .select((keywords::TYPE, keywords::SELF_))
        .await?;
    assert_eq!(found.records.len(), 1);
    assert_eq!(found.records[0].self_.as_deref(), Some("b"));

    let patch = hostile::KeywordsPatch::new()
        .clear(keywords::SELF_)
        .r#type("y");
    let updated = crm.update(id, patch).await?;
    assert_eq!(
        (updated.self_.as_deref(), updated.r#type.as_deref()),
        (None, Some("y"))
    );
    assert!(updated.is_present("self"), "null, not absent");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn colliding_names_have_separate_values() -> Result<(), Error> {
    let (_sim, crm) = world().await;
    // The server stores attributes of any name; each one gets its own value.
    let wire: Vec<&str> = <Colliding as Record>::ATTRIBUTES
        .iter()
        .filter(|attribute| attribute.field_type == "varchar")
        .map(|attribute| attribute.name)
        .collect();
    assert!(wire.len() > 30, "{wire:?}");
    let sent: Map<String, Value> = wire
        .iter()
        .enumerate()
        .map(|(index, name)| ((*name).to_owned(), json!(format!("value {index}"))))
        .collect();
    let created = crm.untyped("Colliding").create(sent.clone()).await?;
    let id: Id<Colliding> = Id::new(created["id"].as_str().expect("an id"));
    let read = crm.read::<Colliding>(&id).await?.to_json();
    for (name, value) in &sent {
        assert_eq!(read.get(name), Some(value), "{name:?}");
    }
    let listed = crm.list::<Colliding>().await?;
    assert_eq!(
        listed.records[0].foo_bar.as_deref(),
        sent["fooBar"].as_str()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn options_with_any_characters_round_trip() -> Result<(), Error> {
    let (_sim, crm) = world().await;
    let known = <options::Many as espo_core::typed::Enumeration>::OPTIONS;
    assert!(known.len() > 5);
    let mut created = BTreeSet::new();
    // The server rejects more characters than fit in a column.
    for text in known.iter().filter(|text| text.chars().count() <= 255) {
        let record = crm
            .create(OptionsNew::new().many(options::Many::from(*text)))
            .await;
        let record = record.unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let id = record.id.clone();
        let read = crm.read::<Options>(&id).await?;
        let many = read
            .many
            .as_ref()
            .map(options::Many::as_str)
            .unwrap_or_default();
        // The server trims what it stores.
        assert_eq!(many.trim(), text.trim(), "{text:?}");
        created.insert(id);
    }
    let all: BTreeSet<_> = crm
        .list::<Options>()
        .collect()
        .await?
        .into_iter()
        .map(|record| record.id)
        .collect();
    assert_eq!(all, created);
    Ok(())
}

/// The attributes of an entity type in the code generated from an export.
fn attributes(expected: &[ExpectedEntity], entity_type: &str) -> BTreeSet<&'static str> {
    let entity = expected.iter().find(|e| e.entity_type == entity_type);
    let entity = entity.unwrap_or_else(|| panic!("{entity_type} is generated"));
    entity
        .attributes
        .iter()
        .map(|attribute| attribute.name)
        .collect()
}

#[test]
fn exports_of_8_4_follow_the_rules_of_8_4() {
    let account = attributes(v8_4::EXPECTED_SCHEMA, "Account");
    assert!(
        account.is_superset(&["billingAddressCity", "emailAddressData", "versionNumber"].into())
    );
    let email = v8_4::Email::ATTRIBUTES.iter().find(|a| a.name == "idHash");
    assert_eq!(
        email.map(|a| a.field_type),
        Some("text"),
        "an object only since 9.2"
    );
    let amount: Option<Decimal> = v8_4::Opportunity::with_id(Id::new("1")).amount;
    assert_eq!(amount, None);
    let _ = v8_4::opportunity::primary_filters::WON;
    let _ = v8_4::account::links::OPPORTUNITIES;
}

#[test]
fn an_export_of_9_2_has_stream_stars_and_decimal_money() {
    let contact = attributes(v9_2::EXPECTED_SCHEMA, "Contact");
    assert!(contact.is_superset(&["streamUpdatedAt", "accountsColumns", "portalUserId"].into()));
    let invoice = v9_2::CInvoice::with_id(Id::new("1"));
    let (total, extension): (Option<Decimal>, Option<String>) =
        (invoice.total, invoice.from_extension);
    assert_eq!((total, extension), (None, None));
    // The lines' entity type is not in the export: the link exists and leads to any object.
    let _ = v9_2::c_invoice::links::LINES;
}

#[test]
fn exports_of_api_users_keep_links_to_hidden_entity_types() {
    let account = attributes(api_user::EXPECTED_SCHEMA, "Account");
    assert!(account.is_superset(&["campaignId", "createdById", "targetListsIds"].into()));
    let campaign: Option<espo_core::typed::AnyId> =
        api_user::Account::with_id(Id::new("1")).campaign_id;
    assert_eq!(campaign, None);
    assert_eq!(api_user::EXPECTED_SCHEMA.len(), 3);
    let parent = api_user::task::Parent::from_parts("Lead", "1");
    assert_eq!(parent.entity_type(), "Lead");
}
