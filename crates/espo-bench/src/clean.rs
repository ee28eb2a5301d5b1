//! Removing what a run created, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use espo_core::{Client, Request, http::Method};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::drive::{Credentials, Dialer};
use crate::error::{Error, Result};
use crate::ledger::{self, Leftover};

const CONCURRENCY: usize = 8;
const PAGE: u64 = 200;

/// What a clean-up did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Records that the server had made without telling, found by their marker.
    pub found: u64,
    /// Records removed, or gone already.
    pub removed: u64,
    /// Records that are still there, or that could not be looked for.
    pub left: u64,
    /// What went wrong, by its text.
    pub reasons: BTreeSet<String>,
}

/// Removes what is left of a ledger's run.
///
/// Records are deleted by the ids that the server gave for them; those whose create was never answered are
/// looked for by the exact text that the run gave them and nobody else has.
///
/// # Errors
///
/// [`Error::Usage`] or [`Error::Io`] when the ledger cannot be read or belongs to another URL;
/// [`Error::Target`] when the target cannot be reached.
pub fn clean(path: &Path, url: Option<&str>, credentials: Credentials) -> Result<Cleaned> {
    let (head, leftovers) = ledger::read(path)?;
    let url = url.map_or(head.url.clone(), str::to_owned);
    let dialer = Dialer {
        url,
        credentials: vec![credentials],
        timeout: std::time::Duration::from_secs(60),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| Error::usage(format!("no runtime: {e}")))?;
    runtime.block_on(async {
        let client = dialer.patient_client(0)?;
        let who = client.send(Request::path(Method::GET, "App/user")).await;
        who.map_err(|e| Error::target(format!("{}: {e}", dialer.url)))?;
        let gone = |entity: &str, id: &str| ledger::append_gone(path, entity, id);
        remove(&client, leftovers, &gone, &|| false).await
    })
}

/// Deletes leftovers; `gone` is told of each.
pub(crate) async fn remove(
    client: &Client,
    leftovers: Vec<Leftover>,
    gone: &dyn Fn(&str, &str) -> Result<()>,
    stop: &dyn Fn() -> bool,
) -> Result<Cleaned> {
    let mut out = Cleaned::default();
    let mut ids: Vec<(String, String)> = Vec::new();
    let mut markers: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for leftover in leftovers {
        match (leftover.id, leftover.marker) {
            (Some(id), _) => ids.push((leftover.entity, id)),
            (None, Some((attribute, value))) => {
                markers
                    .entry((leftover.entity, attribute))
                    .or_default()
                    .insert(value);
            }
            (None, None) => {}
        }
    }
    for ((entity, attribute), values) in &markers {
        match find(client, entity, attribute, values).await {
            Ok(found) => {
                out.found += found.len() as u64;
                ids.extend(found.into_iter().map(|id| (entity.clone(), id)));
            }
            Err(error) => {
                out.left += values.len() as u64;
                out.reasons
                    .insert(format!("looking for records of {entity}: {error}"));
            }
        }
    }
    // Later records first: what refers to another goes before it.
    ids.reverse();
    let mut waiting = ids.into_iter();
    let mut running: JoinSet<(String, String, Result<(), String>)> = JoinSet::new();
    loop {
        while running.len() < CONCURRENCY && !stop() {
            let Some((entity, id)) = waiting.next() else {
                break;
            };
            let client = client.clone();
            running.spawn(async move {
                let result = delete(&client, &entity, &id).await;
                (entity, id, result)
            });
        }
        match running.join_next().await {
            None => break,
            Some(Ok((entity, id, Ok(())))) => {
                gone(&entity, &id)?;
                out.removed += 1;
            }
            Some(Ok((entity, _, Err(reason)))) => {
                out.left += 1;
                out.reasons.insert(format!("deleting {entity}: {reason}"));
            }
            Some(Err(error)) => {
                out.left += 1;
                out.reasons.insert(error.to_string());
            }
        }
    }
    out.left += waiting.count() as u64;
    Ok(out)
}

async fn delete(client: &Client, entity: &str, id: &str) -> Result<(), String> {
    match client
        .send(Request::new(Method::DELETE, &[entity, id]))
        .await
    {
        Ok(_) => Ok(()),
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Ids of records whose attribute is exactly one of the texts.
async fn find(
    client: &Client,
    entity: &str,
    attribute: &str,
    values: &BTreeSet<String>,
) -> Result<Vec<String>, String> {
    let Some(prefix) = common_prefix(values) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    let mut offset = 0;
    loop {
        let params = json!({
            "select": ["id", attribute],
            "where": [{ "type": "startsWith", "attribute": attribute, "value": prefix }],
            "maxSize": PAGE,
            "offset": offset,
        });
        let request = Request::new(Method::GET, &[entity]).query("searchParams", params);
        let answer = client.send(request).await.map_err(|e| e.to_string())?;
        let page: Value = answer.json().map_err(|e| e.to_string())?;
        let rows = page
            .get("list")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        for row in rows {
            let text = row
                .get(attribute)
                .and_then(Value::as_str)
                .unwrap_or_default();
            // The server compares without regard to case or accents; we do not.
            if values.contains(text) {
                found.extend(row.get("id").and_then(Value::as_str).map(str::to_owned));
            }
        }
        if (rows.len() as u64) < PAGE {
            return Ok(found);
        }
        offset += PAGE;
    }
}

/// What all texts begin with; at least the run's prefix and id, which every marker has.
fn common_prefix(values: &BTreeSet<String>) -> Option<String> {
    let (first, last) = (values.first()?, values.last()?);
    // Sorted, so the first and the last differ earliest.
    let shared = first
        .bytes()
        .zip(last.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    Some(first.get(..shared)?.trim_end().to_owned()).filter(|p| !p.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_goes_by_what_all_markers_share() {
        let set = |texts: &[&str]| {
            texts
                .iter()
                .map(|t| (*t).to_owned())
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(
            common_prefix(&set(&["p 0a 0-1 A", "p 0a 0-2 B", "p 0a 1-1 C"])).as_deref(),
            Some("p 0a")
        );
        assert_eq!(
            common_prefix(&set(&["p 0a 0-1 A"])).as_deref(),
            Some("p 0a 0-1 A")
        );
        assert_eq!(common_prefix(&set(&[])), None);
    }
}
