//! Code generated from the layers of customised instances, against a server with the same metadata.

use std::path::Path;
use std::sync::Arc;

use espo_bench::{Limit, Load, RunOptions, Target, Workload};
use espo_core::prelude::*;
use espo_core::typed::differences;
use espo_core::untyped::field;
use espo_odd_exports::fixtures::{self, Fixture};
use espo_odd_exports::layers;
use espo_odd_exports::layers::custom_types::{CMachine, c_machine};
use espo_schema::{Attribute, AttributeRole, EntityType, Schema, ValueType};
use espo_sim::Sim;
use serde_json::{Map, Value, json};

/// All fixtures. The generated ones stay in the target directory, since schemas read them again.
fn all() -> Vec<Fixture> {
    static FIXTURES: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = FIXTURES.lock();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("odd-exports-layers");
    fixtures::all(&scratch).expect("the layers are written")
}

fn fixture(name: &str) -> Fixture {
    let found = all().into_iter().find(|fixture| fixture.name == name);
    found.unwrap_or_else(|| panic!("no fixture `{name}`"))
}

async fn world(schema: Schema) -> (Sim, Client) {
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

#[test]
fn generated_code_expects_what_the_instance_has() {
    let fixtures = all();
    assert_eq!(layers::EXPECTED.len(), fixtures.len());
    let mut checked = 0;
    for (name, expected) in layers::EXPECTED {
        let fixture = fixtures.iter().find(|fixture| fixture.name == *name);
        let schema = fixture.expect("a fixture").schema().expect("metadata");
        assert_eq!(differences(&schema.raw, expected), [], "{name}");
        checked += expected.len();
    }
    assert!(fixtures.len() > 25 && checked > 100, "{checked}");
}

#[test]
fn labels_are_available_in_the_pulled_languages() {
    use espo_odd_exports::layers::labels::{CBook, c_book, labels};
    let (own, german) = (&labels::DEFAULT, &labels::DE_DE);
    assert_eq!(labels::ALL.len(), 2);
    assert_eq!((own.language(), german.language()), ("default", "de_DE"));
    assert_eq!(own.entity_type::<CBook>(), Some("Book"));
    assert_eq!(german.plural::<CBook>(), Some("Bücher"));
    assert_eq!(own.field(c_book::GENRE), Some("Genre"));
    assert_eq!(german.field(c_book::GENRE), Some("Gattung"));
    // An attribute has the label of its field or a separate one.
    assert_eq!(own.field(c_book::AUTHOR_ID), Some("Written by \"whom\""));
    assert_eq!(own.field(c_book::PLACE_CITY), Some("City"));
    assert_eq!(own.field(c_book::PLACE_COUNTRY), None);
    assert_eq!(own.field(c_book::SILENT), None);
    assert_eq!(german.field(c_book::NAME), None);
    let verse = c_book::Genre::from("Poetry \"old\" */");
    assert_eq!(own.option(c_book::GENRE, verse.as_str()), Some("Verse\n{}"));
    assert_eq!(own.option(c_book::MOOD, "Fiction"), Some("Novels"));
    assert_eq!(own.option(c_book::MEDIUM, "Paper"), Some("Printed"));
    assert_eq!(own.option(c_book::MEDIUM, "Screen"), None);
}

fn named() -> Map<String, Value> {
    let Value::Object(record) = json!({"name": "One", "lastName": "One"}) else {
        unreachable!("an object");
    };
    record
}

/// A value that the server accepts.
fn value(sim: &Sim, attribute: &Attribute) -> Value {
    let record = |target: &str| sim.insert(target, &named()).expect("a record");
    match &attribute.value {
        ValueType::Enum => {
            let options = attribute.options.listed().unwrap_or_default();
            json!(options.iter().find(|option| !option.is_empty()))
        }
        ValueType::EnumList => json!([attribute.options.listed().and_then(<[_]>::first)]),
        ValueType::Text => json!("a"),
        ValueType::TextList | ValueType::JsonArray => json!(["a"]),
        ValueType::IntList => json!([1]),
        ValueType::Bool => json!(true),
        ValueType::Date => json!("2030-01-31"),
        ValueType::DateTime => json!("2030-01-31 10:00:00"),
        ValueType::Id {
            target: Some(target),
        } => json!(record(target)),
        ValueType::IdList {
            target: Some(target),
        } => json!([record(target)]),
        ValueType::ParentId { .. } => json!(record("Account")),
        ValueType::ParentType { .. } => json!("Account"),
        ValueType::JsonObject => json!({"a": 1}),
        _ => json!(1),
    }
}

/// The values that a create of an entity type needs.
fn required(sim: &Sim, entity: &EntityType) -> Map<String, Value> {
    let mut record = named();
    let fields = entity.fields.values();
    for field in fields.filter(|field| field.required && !field.read_only) {
        let attributes = field
            .actual_attributes
            .iter()
            .filter_map(|name| entity.attributes.get(name));
        for attribute in attributes.filter(|attribute| attribute.writable) {
            let value = match field.type_.as_str() {
                "email" => json!("ann@example.com"),
                "phone" => json!("+493012345678"),
                "url" => json!("https://example.com"),
                "urlMultiple" => json!(["https://example.com"]),
                _ if attribute.role == AttributeRole::Currency => json!("USD"),
                _ => value(sim, attribute),
            };
            record.insert(attribute.name.clone(), value);
        }
    }
    record
}

/// Whether a name can be used in conditions. The server treats other names as expressions.
fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fixture_is_served() {
    let (mut told, mut conditions) = (Vec::new(), 0);
    for fixture in all() {
        let schema = fixture.schema().expect("metadata");
        let custom = fixture.custom(&schema);
        let (sim, crm) = world(schema.clone()).await;
        for name in custom {
            let entity = &schema.entity_types[&name];
            if !entity.scope.object {
                continue;
            }
            let of = format!("{}: {name}", fixture.name);
            let records = crm.untyped(name.clone());
            let id = match records.create(required(&sim, entity)).await {
                Ok(created) => created["id"].as_str().expect("an id").to_owned(),
                Err(error) => {
                    told.push(format!("{of}: create: {error}"));
                    continue;
                }
            };
            if let Err(error) = records.read(&id).await {
                told.push(format!("{of}: read: {error}"));
            }
            for attribute in entity.attributes.values() {
                let name = attribute.name.clone();
                // The typed constants offer conditions on other attributes only where the metadata defines them.
                if !attribute.stored || !is_plain(&name) {
                    continue;
                }
                if attribute.filterable && !attribute.filter_only {
                    conditions += 1;
                    let list = records.list().filter(field(name.clone()).is_not_null());
                    if let Err(error) = list.select([name.as_str()]).await {
                        told.push(format!("{of}: where {name}: {error}"));
                    }
                }
                if attribute.orderable {
                    let list = records.list().order_by(field(name.clone()).desc());
                    if let Err(error) = list.await {
                        told.push(format!("{of}: orderBy {name}: {error}"));
                    }
                }
            }
        }
    }
    assert_eq!(told, [""; 0], "{}", told.join("\n"));
    assert!(conditions > 500, "{conditions}");
}

#[test]
fn every_fixture_is_loaded() {
    let stock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../metadata");
    let (mut runs, mut told) = (0, Vec::new());
    for fixture in all() {
        let schema = fixture.schema().expect("metadata");
        let mut entity_types = fixture.custom(&schema);
        entity_types.retain(|name| schema.entity_types[name].scope.object);
        // More entity types with the same structure would only take longer.
        entity_types.truncate(6);
        if entity_types.is_empty() {
            continue;
        }
        // Some require a link to one of these.
        entity_types.splice(0..0, ["Account", "Contact"].map(str::to_owned));
        let of = &fixture.name;
        let metadata = [std::slice::from_ref(&stock), &fixture.layers].concat();
        let text = espo_bench::init_from_metadata(&metadata, &entity_types);
        let text = text.unwrap_or_else(|error| panic!("{of}: {error}"));
        let text = text.replace(" = 100", " = 2");
        let workload = Workload::parse(of, &text, Path::new("."));
        let workload = workload.unwrap_or_else(|error| panic!("{of}: {error}\n{text}"));
        let mut options = RunOptions::new(workload, Target::EmbeddedWith(Arc::new(schema)));
        options.load = Some(Load::Closed { concurrency: 4 });
        options.limit = Some(Limit::Requests(60));
        options.warmup = Some(std::time::Duration::ZERO);
        options.think = Some((std::time::Duration::ZERO, std::time::Duration::ZERO));
        let ledger = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{of}.ledger"));
        // Left by an earlier run.
        let _ = std::fs::remove_file(&ledger);
        options.ledger = Some(ledger);
        runs += 1;
        match espo_bench::run(options) {
            Ok(report) => {
                for error in &report.errors {
                    // The embedded server cannot list through a link whose reverse link is missing.
                    if !error.operation.contains("related:") {
                        told.push(format!("{of}: {error:?}"));
                    }
                }
                if report.totals.requests < 60 {
                    told.push(format!("{of}: {:?}", report.totals));
                }
            }
            Err(error) => told.push(format!("{of}: {error}")),
        }
    }
    assert_eq!(told, [""; 0], "{}", told.join("\n"));
    assert!(runs > 15, "{runs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_custom_types_are_created_read_filtered_ordered_and_cleared() -> Result<(), Error>
{
    let schema = fixture("custom_types").schema().expect("the layers fit");
    let (_sim, crm) = world(schema).await;
    let account = crm.untyped("Account").create(named()).await?;
    for (serial, status) in [("B-2", "Valid"), ("A-1", "Invalid")] {
        let Value::Object(record) = json!({
            "name": serial, "serial": serial, "vat": "DE1", "vatIsValid": true, "vatStatus": status,
            "vatCheckedOn": "2026-03-04", "sign": "x", "mass": 1.5, "massUnit": "kg", "runs": 3, "plain": "p",
            "seenAt": "2026-03-04 10:00:00", "tags": ["a", 1], "load": 5, "accountId": account["id"]
        }) else {
            unreachable!("an object");
        };
        let created = crm.untyped("CMachine").create(record).await?;
        assert!(
            created.get("load").is_none(),
            "the type has no stored attribute"
        );
    }
    let found = crm
        .list::<CMachine>()
        .filter(
            c_machine::SERIAL.starts_with("A")
                & c_machine::VAT_STATUS.eq(c_machine::VatStatus::Invalid)
                & c_machine::VAT_IS_VALID.is_true()
                & c_machine::RUNS.ge(3)
                & c_machine::MASS.lt(2.0)
                & c_machine::PLAIN.eq("p"),
        )
        .order_by(c_machine::SERIAL.asc())
        .await?;
    assert_eq!(found.records.len(), 1);
    assert_eq!(found.records[0].serial.as_deref(), Some("A-1"));
    assert_eq!(
        found.records[0].vat_checked_on,
        Some(jiff::civil::date(2026, 3, 4))
    );
    let all = crm
        .list::<CMachine>()
        .order_by(c_machine::SERIAL.asc())
        .await?;
    assert_eq!(
        all.records[0]
            .account_id
            .as_ref()
            .map(ToString::to_string)
            .as_deref(),
        account["id"].as_str()
    );
    let serials: Vec<_> = all.records.iter().map(|m| m.serial.as_deref()).collect();
    assert_eq!(serials, [Some("A-1"), Some("B-2")]);
    Ok(())
}

#[test]
fn creates_may_omit_pipelines_that_the_server_fills_in() {
    use layers::pipelines::{OpportunityNew, OpportunityRequired, PipelineStage};
    let required = || OpportunityRequired {
        name: "Deal".into(),
        amount: 10.into(),
        close_date: date(2030, 1, 31),
    };
    let _without = OpportunityNew::new(required());
    let stage: Id<PipelineStage> = Id::new("1");
    let with = OpportunityNew::new(required()).pipeline_stage_id(&stage);
    assert_eq!(with.as_json()["pipelineStageId"], "1");
}
