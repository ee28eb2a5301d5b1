//! Paging through all records while other clients write.

use std::collections::HashMap;

use espo_core::typed::Paging;
use espo_core::typed::{BoxStream, Id, Page};
use espo_core::{Client, JsonObject, Order};
use espo_sim::Sim;
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use crate::client;

fn object(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

/// Records that stay unchanged, mixed with records that are changed: every fifth one is.
struct World {
    sim: Sim,
    crm: Client,
    untouched: Vec<String>,
    touched: Vec<String>,
}

impl World {
    async fn new(records: usize) -> Self {
        let sim = Sim::builder().seed(7).start().await.unwrap();
        let (mut untouched, mut touched) = (Vec::new(), Vec::new());
        for number in 0..records {
            let record = object(
                json!({"name": format!("Company {number}"), "sicCode": (number % 7).to_string()}),
            );
            let id = sim.insert("Account", &record).unwrap();
            if number % 5 == 0 {
                &mut touched
            } else {
                &mut untouched
            }
            .push(id);
        }
        let crm = client(&sim).build().unwrap();
        Self {
            sim,
            crm,
            untouched,
            touched,
        }
    }

    /// Writes of other clients between two pages: one record is deleted, one changed, one created.
    async fn write(&mut self) {
        let accounts = self.crm.untyped("Account");
        let gone = self.touched.remove(0);
        accounts.delete(Id::new(gone)).await.unwrap();
        let changed = Id::new(&self.touched[self.touched.len() / 2]);
        let patch = object(json!({"sicCode": "9"}));
        accounts.update(changed, patch).send().await.unwrap();
        self.sim
            .insert("Account", &object(json!({"name": "New", "sicCode": "3"})))
            .unwrap();
    }

    /// Counts how often each unchanged record was returned.
    async fn walk(&mut self, mut pages: BoxStream<Page<JsonObject>>) -> Vec<(String, usize)> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        while let Some(page) = pages.try_next().await.unwrap() {
            assert!(page.rejected.is_empty());
            for record in &page.records {
                *seen
                    .entry(record["id"].as_str().unwrap().to_owned())
                    .or_default() += 1;
            }
            self.write().await;
        }
        self.untouched
            .iter()
            .map(|id| (id.clone(), seen.get(id).copied().unwrap_or_default()))
            .collect()
    }
}

fn wrong(counts: &[(String, usize)]) -> usize {
    counts.iter().filter(|(_, times)| *times != 1).count()
}

#[tokio::test]
async fn paging_by_key_returns_unchanged_records_exactly_once() {
    // By ID, and by an attribute that many records share.
    for (attribute, records) in [("id", 3_000), ("sicCode", 2_000)] {
        let mut world = World::new(records).await;
        for order in [Order::Asc, Order::Desc] {
            let mut list = world.crm.untyped("Account").list().max_size(200);
            list.params_mut().order_by = Some(attribute.into());
            list.params_mut().order = Some(order);
            let counts = world.walk(list.paging(Paging::Key).pages()).await;
            assert_eq!(wrong(&counts), 0, "by {attribute}");
            assert_eq!(counts.len(), records * 4 / 5);
        }
    }
}

#[tokio::test]
async fn paging_by_offset_skips_records_during_writes() {
    let mut world = World::new(10_000).await;
    let mut list = world.crm.untyped("Account").list().max_size(200);
    list.params_mut().order_by = Some("id".into());
    list.params_mut().order = Some(Order::Asc);
    let counts = world.walk(list.paging(Paging::Offset).pages()).await;
    assert!(wrong(&counts) > 0, "the test above could not fail");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paging_by_key_is_complete_during_writes() {
    let mut world = World::new(3_000).await;
    let pages = world.crm.untyped("Account").list().max_size(100).stream();
    let crm = world.crm.clone();
    let mut touched = std::mem::take(&mut world.touched);
    let writer = tokio::spawn(async move {
        let accounts = crm.untyped("Account");
        while let Some(id) = touched.pop() {
            accounts.delete(Id::new(id)).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    let records: Vec<JsonObject> = pages.try_collect().await.unwrap();
    writer.await.unwrap();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for record in &records {
        *seen.entry(record["id"].as_str().unwrap()).or_default() += 1;
    }
    for id in &world.untouched {
        assert_eq!(seen.get(id.as_str()), Some(&1), "{id}");
    }
}
