//! Shared test setup: a server with the custom entity type.

use std::collections::BTreeSet;

use espo_build_rs_example::crm::{Account, Attachment, CEverything, Contact};
use espo_core::prelude::*;
use espo_schema::Schema;
use espo_sim::Sim;
use serde_json::{Map, Value, json};

/// The server with the custom entity type, and records to link to.
pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) crm: Client,
    pub(crate) account: Id<Account>,
    pub(crate) contact: Id<Contact>,
    pub(crate) file: Id<Attachment>,
    pub(crate) image: Id<Attachment>,
}

/// The stock metadata and the example's.
pub(crate) fn schema() -> Schema {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    Schema::load(&[root.join("../../metadata"), root.join("metadata")]).expect("metadata")
}

pub(crate) async fn world(php_json: bool) -> World {
    let sim = Sim::builder()
        .schema(schema())
        .php_json(php_json)
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
    let insert = |entity_type: &str, attributes: Value| {
        let attributes: Map<String, Value> = attributes.as_object().cloned().unwrap_or_default();
        sim.insert(entity_type, &attributes).expect("a record")
    };
    let account = Id::new(insert(
        "Account",
        json!({"name": "Acme", "website": "https://acme.example"}),
    ));
    let contact = Id::new(insert(
        "Contact",
        json!({"firstName": "Ann", "lastName": "Lee"}),
    ));
    // A field that no longer refers to its file deletes it, so each field has a separate file.
    let attachment = |name: &str, media_type: &str| {
        let attributes = json!({"name": name, "type": media_type, "role": "Attachment", "size": 1});
        Id::new(insert("Attachment", attributes))
    };
    let (file, image) = (
        attachment("a.txt", "text/plain"),
        attachment("a.png", "image/png"),
    );
    World {
        sim,
        crm,
        account,
        contact,
        file,
        image,
    }
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().expect("a number")
}

impl World {
    /// The IDs of the records that a filter finds.
    pub(crate) async fn ids(&self, filter: Filter<CEverything>) -> BTreeSet<String> {
        let shown = format!("{filter:?}");
        let page = self.crm.list::<CEverything>().filter(filter).strict().await;
        let page = page.unwrap_or_else(|error| panic!("{shown}: {error}"));
        page.records
            .iter()
            .map(|record| record.id().to_string())
            .collect()
    }
}
