//! Code generated from the layers of customised instances, against a server with the same metadata.

use std::path::{Path, PathBuf};

use espo_core::prelude::*;
use espo_core::typed::differences;
use espo_odd_exports::fixtures::{FIXTURES, files, many};
use espo_odd_exports::layers;
use espo_odd_exports::layers::custom_types::{CMachine, c_machine};
use espo_schema::Schema;
use espo_sim::Sim;
use serde_json::{Value, json};

fn write(folder: &Path, layers: &[Vec<(String, String)>]) -> Vec<PathBuf> {
    let write = |(number, files): (usize, &Vec<(String, String)>)| {
        let layer = folder.join(format!("{number:02}"));
        std::fs::create_dir_all(&layer).expect("a folder");
        for (path, text) in files {
            let path = layer.join(path);
            std::fs::create_dir_all(path.parent().expect("a section")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        layer
    };
    layers.iter().enumerate().map(write).collect()
}

fn schema(layers: &[Vec<(String, String)>]) -> Schema {
    let folder = tempfile::tempdir().expect("a folder");
    Schema::stock()
        .overlay(&write(folder.path(), layers))
        .expect("the layers fit")
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
    let mut checked = 0;
    for (name, expected) in layers::EXPECTED {
        let schema = match FIXTURES.iter().find(|fixture| fixture.name == *name) {
            Some(fixture) => schema(&files(fixture)),
            None => schema(&many()),
        };
        assert_eq!(differences(&schema.raw, expected), [], "{name}");
        checked += expected.len();
    }
    assert_eq!(layers::EXPECTED.len(), FIXTURES.len() + 1);
    assert!(checked > 30, "{checked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fixture_is_served() {
    for fixture in FIXTURES {
        let schema = schema(&files(fixture));
        let own: Vec<String> = fixture
            .entity_types
            .iter()
            .map(|n| (*n).to_owned())
            .collect();
        let custom: Vec<&String> = own
            .iter()
            .filter(|n| schema.entity_types[*n].scope.is_custom)
            .collect();
        let (_sim, crm) = world(schema.clone()).await;
        for name in custom {
            if name == "CEight" {
                let error = crm.untyped(name.clone()).create(named()).await;
                assert!(
                    error.is_err_and(|e| e.to_string().contains("required")),
                    "{name}"
                );
                continue;
            }
            let created = crm.untyped(name.clone()).create(named()).await;
            let created =
                created.unwrap_or_else(|error| panic!("{}: {name}: {error}", fixture.name));
            let listed = crm.untyped(name.clone()).list().await;
            let listed = listed.unwrap_or_else(|error| panic!("{}: {name}: {error}", fixture.name));
            assert_eq!(listed.records.len(), 1, "{}: {name}", fixture.name);
            assert_eq!(listed.records[0]["id"], created["id"]);
        }
    }
}

fn named() -> serde_json::Map<String, Value> {
    let Value::Object(record) = json!({"name": "One", "lastName": "One"}) else {
        unreachable!("an object");
    };
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_custom_types_are_created_read_filtered_ordered_and_cleared() -> Result<(), Error>
{
    let (_sim, crm) = world(schema(&files(&FIXTURES[0]))).await;
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
