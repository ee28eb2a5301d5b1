//! One row per field type: a record is created, read and listed, found by a filter, ordered by, updated and set to null,
//! where the type allows it.

use std::collections::BTreeSet;

mod rows;

use espo_build_rs_example::crm::c_everything as f;
use espo_build_rs_example::crm::{CEverything, CEverythingNew, CEverythingPatch};
use espo_core::prelude::*;
use espo_core::typed::OrderBy;
use serde_json::Value;

use crate::common::{World, schema, world};
use rows::{choices_and_json, custom, numbers, texts, times};

type MakeFilter = Box<dyn Fn(&Id<CEverything>) -> Filter<CEverything>>;

/// The test of one field type. Attributes are given as in the record's JSON; null stands for absent as well.
struct Row {
    type_: &'static str,
    create: CEverythingNew,
    created: Value,
    /// List rows contain it only if it is selected.
    unlisted: bool,
    update: Option<(CEverythingPatch, Value)>,
    clear: Option<(CEverythingPatch, Value)>,
    /// Each finds the record and not an empty one.
    filters: Vec<MakeFilter>,
    orders: Vec<OrderBy<CEverything>>,
}

fn row(
    type_: &'static str,
    create: impl FnOnce(CEverythingNew) -> CEverythingNew,
    created: Value,
) -> Row {
    Row {
        type_,
        create: create(CEverythingNew::new("Row")),
        created,
        unlisted: false,
        update: None,
        clear: None,
        filters: Vec::new(),
        orders: Vec::new(),
    }
}

impl Row {
    fn update(
        mut self,
        patch: impl FnOnce(CEverythingPatch) -> CEverythingPatch,
        updated: Value,
    ) -> Self {
        self.update = Some((patch(CEverythingPatch::new()), updated));
        self
    }

    fn clear(
        mut self,
        patch: impl FnOnce(CEverythingPatch) -> CEverythingPatch,
        cleared: Value,
    ) -> Self {
        self.clear = Some((patch(CEverythingPatch::new()), cleared));
        self
    }

    fn filter(self, filter: Filter<CEverything>) -> Self {
        self.filter_with(move |_| filter.clone())
    }

    fn filter_with(
        mut self,
        filter: impl Fn(&Id<CEverything>) -> Filter<CEverything> + 'static,
    ) -> Self {
        self.filters.push(Box::new(filter));
        self
    }

    fn order(mut self, order: OrderBy<CEverything>) -> Self {
        self.orders.push(order);
        self
    }

    fn unlisted(mut self) -> Self {
        self.unlisted = true;
        self
    }
}

/// Numbers are equal by value: PHP prints 100.0 as 100.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => found == expected,
    }
}

/// Describes the differences of a record from the expected values.
fn differences(record: &CEverything, expected: &Value, of: &str, told: &mut Vec<String>) {
    let record = record.to_json();
    for (name, expected) in expected.as_object().expect("an object") {
        let found = record.get(name).unwrap_or(&Value::Null);
        if !same(found, expected) {
            told.push(format!("{of}: {name} is {found}, expected {expected}"));
        }
    }
}

async fn run(
    world: &World,
    row: Row,
    blank: &Id<CEverything>,
    told: &mut Vec<String>,
) -> Result<(), Error> {
    let crm = &world.crm;
    let of = |what: &str| format!("{} {what}", row.type_);
    let id = crm.create(row.create).await?.id.clone();
    differences(
        &crm.read::<CEverything>(&id).await?,
        &row.created,
        &of("read"),
        told,
    );
    let mut list = crm.list::<CEverything>().filter(f::ID.eq(&id)).strict();
    if row.unlisted {
        list = list.select((
            f::CONTACTS_IDS,
            f::CONTACTS_NAMES,
            f::FILES_IDS,
            f::FILES_NAMES,
            f::FILES_TYPES,
        ));
    }
    differences(&list.await?.records[0], &row.created, &of("listed"), told);
    for filter in &row.filters {
        let filter = filter(&id);
        let shown = format!("{filter:?}");
        let found = world.ids(filter).await;
        if !found.contains(id.as_str()) || found.contains(blank.as_str()) {
            told.push(format!("{}: {shown} finds {found:?}", of("filter")));
        }
    }
    for order in row.orders {
        let two = f::ID.is_in([&id, blank]);
        let ordered = crm
            .list::<CEverything>()
            .filter(two)
            .order_by(order)
            .strict()
            .await?;
        if ordered.records.len() != 2 {
            told.push(format!(
                "{}: {} records",
                of("ordered"),
                ordered.records.len()
            ));
        }
    }
    for (patch, expected) in [row.update, row.clear].into_iter().flatten() {
        crm.update(&id, patch).await?;
        differences(
            &crm.read::<CEverything>(&id).await?,
            &expected,
            &of("updated"),
            told,
        );
    }
    crm.delete(&id).await
}

async fn all(php_json: bool) {
    let world = world(php_json).await;
    let create = async |name: &str| {
        let record = world
            .crm
            .create(CEverythingNew::new(name))
            .await
            .expect("created");
        record.id.clone()
    };
    let (blank, twin) = (create("Blank").await, create("Twin").await);
    let rows = [
        texts(&world),
        numbers(),
        times(),
        choices_and_json(&world, &twin),
        custom(),
    ];
    let (mut told, mut types) = (Vec::new(), BTreeSet::new());
    for row in rows.into_iter().flatten() {
        let type_ = row.type_;
        types.insert(type_);
        if let Err(error) = run(&world, row, &blank, &mut told).await {
            told.push(format!("{type_}: {error}"));
        }
    }
    assert_eq!(told, [""; 0]);
    let schema = schema();
    let known: BTreeSet<&str> = schema.field_types.keys().map(String::as_str).collect();
    assert_eq!(known.len(), 46 + 6, "those of EspoCRM, and six custom ones");
    // `id` is the type of a record's key, which the metadata has no definition of.
    types.remove("id");
    assert_eq!(types, known, "every field type has a row");
    drop(world.sim);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_round_trips_as_php_json() {
    all(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_round_trips_as_plain_json() {
    all(false).await;
}
