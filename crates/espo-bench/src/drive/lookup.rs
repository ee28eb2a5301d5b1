//! Reads the target's records before the load, and checks whether a run may write to the target.

use std::collections::BTreeMap;

use espo_core::{Client, Request, http::Method};
use espo_schema::Schema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::options::RunOptions;
use super::world::{Found, World};
use crate::error::{Error, Result};
use crate::host::{invalid, is_loopback};

/// Maximum number of IDs per entity type to look up before the load.
const SNAPSHOT: usize = 1_000;
const PAGE: usize = 200;

/// Rejects writes to other machines unless their host is allowed.
pub(crate) fn check_writes(options: &RunOptions, url: &str) -> Result<()> {
    let (host, loopback) = is_loopback(url).ok_or_else(|| Error::usage(invalid(url)))?;
    if (loopback && options.access.stays_here())
        || !options.workload.writes()
        || options
            .allow_writes
            .iter()
            .any(|h| h.eq_ignore_ascii_case(&host))
    {
        return Ok(());
    }
    Err(Error::usage(format!(
        "workload '{}' writes to {host}, which is not a loopback address; pass --allow-writes {host}, or use a read-only workload (sync)",
        options.workload.name
    )))
}

#[derive(Deserialize)]
struct Page {
    total: Option<i64>,
    list: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    name: Option<Value>,
}

/// Reads IDs of the entity types, oldest first, and the number of records.
pub(crate) async fn snapshot(
    client: &Client,
    schema: &Schema,
    entities: &[String],
    world: &mut World,
) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for entity in entities {
        let known = world.known.entry(entity.clone()).or_default();
        known.clear();
        let by_age = schema
            .field(entity, "createdAt")
            .is_some_and(|f| !f.order_disabled);
        while known.len() < SNAPSHOT {
            let mut params =
                json!({ "select": ["id", "name"], "maxSize": PAGE, "offset": known.len() });
            if by_age {
                params["orderBy"] = json!("createdAt");
                params["order"] = json!("asc");
            }
            let request = Request::new(Method::GET, &[entity]).query("searchParams", params);
            let response = client.send(request).await;
            let page = match response.and_then(|response| response.json::<Page>()) {
                Ok(page) => page,
                Err(error) => {
                    // Whether it matters depends on the operations.
                    world
                        .unlisted
                        .insert(entity.clone(), error.report().to_string());
                    break;
                }
            };
            if let Some(total) = page.total.and_then(|t| u64::try_from(t).ok()) {
                counts.insert(entity.clone(), total);
            }
            let rows = page.list.len();
            known.extend(page.list.into_iter().map(|row| Found {
                id: row.id,
                name: row.name.and_then(|n| n.as_str().map(str::to_owned)),
            }));
            if rows < PAGE {
                break;
            }
        }
    }
    counts
}
