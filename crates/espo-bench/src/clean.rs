//! Deletes the records that a run created, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use espo_core::{Client, Request, http::Method};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::error::{Error, Result};
use crate::ledger::{self, Leftover};
use crate::target::{Access, Credentials, Dialer, refused, runtime};
use crate::units::show_micros;

const CONCURRENCY: usize = 8;
const PAGE: u64 = 200;

/// Number of consecutive connection failures after which the cleanup gives up.
const UNREACHABLE: u32 = 8;
/// How often a cleanup checks whether it must stop.
const TICK: Duration = Duration::from_millis(100);

/// The result of a cleanup. `removed + missing + left` is the number of known records, `found` of them by their marker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Records whose create response was lost, found by their marker.
    pub found: u64,
    /// Records deleted.
    pub removed: u64,
    /// Records that no longer exist on the server.
    pub missing: u64,
    /// Records that were not deleted.
    pub left: u64,
    /// Creates without a response whose record could not be searched for; each may have left a record.
    pub unconfirmed: u64,
    /// Reasons why records are left, without duplicates.
    pub reasons: BTreeSet<String>,
}

impl Cleaned {
    /// Returns whether records remain, or may remain.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.left + self.unconfirmed > 0
    }
}

/// Options of [`clean`].
#[derive(Debug, Clone)]
pub struct CleanOptions {
    /// Access to the target.
    pub access: Access,
    /// How long a cleanup may continue without deleting a record.
    pub patience: Duration,
}

impl Default for CleanOptions {
    fn default() -> Self {
        Self {
            access: Access::default(),
            patience: Duration::from_secs(10),
        }
    }
}

/// Deletes the remaining records of a ledger's run.
///
/// Records are deleted by ID. If the response of a create was lost, its record is found by the unique marker of this
/// run. Records that the server does not have are removed from the ledger only if the server is the one recorded in the
/// ledger, or has at least one of the other records.
///
/// # Errors
///
/// Returns [`Error::Usage`] or [`Error::Io`] if the ledger cannot be read, and [`Error::Target`] if the target cannot
/// be reached or rejects the credentials.
pub fn clean(
    path: &Path,
    url: Option<&str>,
    credentials: Credentials,
    options: CleanOptions,
) -> Result<Cleaned> {
    ledger::read(path)?;
    let appender = ledger::Appender::open(path)?;
    // Again, because a run that ended meanwhile has changed it.
    let (head, leftovers) = ledger::read(path)?;
    let url = url.map_or(head.url.clone(), str::to_owned);
    let same = url.trim_end_matches('/') == head.url.trim_end_matches('/');
    let dialer = Dialer {
        url,
        credentials: vec![credentials],
        timeout: options.access.request_timeout(),
        access: options.access,
    };
    let redactor = dialer.redactor();
    let runtime = runtime()?;
    let cleaned = runtime.block_on(async {
        let client = dialer.patient_client(0)?;
        let who = client.send(Request::path(Method::GET, "App/user")).await;
        let who: Value = (who.and_then(|response| response.json()))
            .map_err(|e| refused(&dialer.url, &e))?;
        // A login page or a captive portal responds to everything, even to deletes, with 200.
        if who.pointer("/user/id").and_then(Value::as_str).is_none() {
            return Err(Error::target(format!(
                "{} does not respond like an EspoCRM instance: App/user contains no user; nothing was deleted",
                dialer.url
            )));
        }
        let gone = |entity: &str, id: &str| appender.gone(entity, id);
        let cleanup = Cleanup {
            client: &client,
            gone: &gone,
            stop: &|| false,
            patience: options.patience,
            same_server: same,
        };
        let mut cleaned = cleanup.remove(leftovers).await;
        if !same && cleaned.removed == 0 && cleaned.missing > 0 {
            cleaned.reasons.insert(format!(
                "{} has none of the {} records, which were created on {}; the ledger is unchanged",
                dialer.url, cleaned.missing, head.url
            ));
        }
        let reasons = std::mem::take(&mut cleaned.reasons);
        cleaned.reasons = reasons.into_iter().map(|text| redactor.redact(&text).into_owned()).collect();
        Ok(cleaned)
    });
    cleaned.map_err(|error: Error| error.redacted(&redactor))
}

/// A cleanup in progress.
pub(crate) struct Cleanup<'a> {
    pub(crate) client: &'a Client,
    /// Called for each record that is gone.
    pub(crate) gone: &'a dyn Fn(&str, &str) -> Result<()>,
    pub(crate) stop: &'a dyn Fn() -> bool,
    /// How long the cleanup may continue without deleting a record.
    pub(crate) patience: Duration,
    /// Whether the server is known to be the one on which the records were created.
    pub(crate) same_server: bool,
}

/// The result of one delete.
enum Deleted {
    Yes,
    Missing,
    /// The server rejected it.
    Rejected(String),
    /// The server failed (5xx).
    Failed(String),
    /// No connection, or no response.
    Unreachable(String),
}

impl Cleanup<'_> {
    /// Deletes leftovers, until all are tried or the server makes no progress.
    pub(crate) async fn remove(&self, leftovers: Vec<Leftover>) -> Cleaned {
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
        let mut unreachable = false;
        for ((entity, attribute), values) in &markers {
            match self.look_for(entity, attribute, values, unreachable).await {
                Ok(found) => {
                    out.found += found.len() as u64;
                    ids.extend(found.into_iter().map(|id| (entity.clone(), id)));
                }
                Err(error) => {
                    unreachable = true;
                    out.unconfirmed += values.len() as u64;
                    out.reasons
                        .insert(format!("cannot search for {entity} records: {error}"));
                }
            }
        }
        // Later records first, so that a record is deleted before the records that it refers to.
        ids.reverse();
        self.delete_all(ids, &mut out).await;
        out
    }

    /// Searches for records by marker. A failed search ends all others, because each would take as long.
    async fn look_for(
        &self,
        entity: &str,
        attribute: &str,
        values: &BTreeSet<String>,
        unreachable: bool,
    ) -> Result<Vec<String>, String> {
        if unreachable || (self.stop)() {
            return Err("the cleanup was interrupted".into());
        }
        let found = find(self.client, entity, attribute, values);
        match tokio::time::timeout(self.patience, found).await {
            Ok(found) => found,
            Err(_) => Err(no_progress(self.patience)),
        }
    }

    async fn delete_all(&self, ids: Vec<(String, String)>, out: &mut Cleaned) {
        let all = ids.len() as u64;
        let mut waiting = ids.into_iter();
        let mut running: JoinSet<(String, String, Deleted)> = JoinSet::new();
        let mut missing = Vec::new();
        let mut failures = 0;
        let mut give_up = Instant::now() + self.patience;
        let mut ticks = tokio::time::interval(TICK);
        loop {
            while running.len() < CONCURRENCY && !(self.stop)() {
                let Some((entity, id)) = waiting.next() else {
                    break;
                };
                let client = self.client.clone();
                running.spawn(async move {
                    let result = delete(&client, &entity, &id).await;
                    (entity, id, result)
                });
            }
            let done = tokio::select! {
                done = running.join_next() => done,
                _ = ticks.tick() => {
                    if (self.stop)() && running.is_empty() {
                        break;
                    }
                    if Instant::now() < give_up {
                        continue;
                    }
                    out.reasons.insert(no_progress(self.patience));
                    break;
                }
            };
            let Some(done) = done else { break };
            let (entity, id, result) = match done {
                Ok(done) => done,
                Err(error) => {
                    out.reasons.insert(error.to_string());
                    continue;
                }
            };
            failures = match result {
                Deleted::Unreachable(_) => failures + 1,
                _ => 0,
            };
            if matches!(
                result,
                Deleted::Yes | Deleted::Missing | Deleted::Rejected(_)
            ) {
                give_up = Instant::now() + self.patience;
            }
            match result {
                Deleted::Yes => {
                    out.removed += 1;
                    self.note_gone(&entity, &id, out);
                }
                Deleted::Missing => missing.push((entity, id)),
                Deleted::Rejected(reason)
                | Deleted::Failed(reason)
                | Deleted::Unreachable(reason) => {
                    out.reasons
                        .insert(format!("cannot delete {entity}: {reason}"));
                }
            }
            if failures >= UNREACHABLE {
                break;
            }
        }
        running.shutdown().await;
        out.missing = missing.len() as u64;
        out.left = all - out.removed - out.missing;
        // A server that has none of the records is probably a different one, so their absence proves nothing.
        if self.same_server || out.removed > 0 {
            for (entity, id) in missing {
                self.note_gone(&entity, &id, out);
            }
        }
    }

    /// Marks a record as deleted. An unwritable ledger does not stop the cleanup: a later one finds the record missing.
    fn note_gone(&self, entity: &str, id: &str, out: &mut Cleaned) {
        if let Err(error) = (self.gone)(entity, id) {
            out.reasons.insert(error.to_string());
        }
    }
}

fn no_progress(patience: Duration) -> String {
    format!(
        "the cleanup stopped because no record was deleted within {}",
        show_micros(patience.as_secs_f64() * 1e6)
    )
}

async fn delete(client: &Client, entity: &str, id: &str) -> Deleted {
    match client
        .send(Request::new(Method::DELETE, &[entity, id]))
        .await
    {
        Ok(response) if response.body().as_ref().trim_ascii() == b"true" => Deleted::Yes,
        Ok(_) => Deleted::Failed("the response is not from EspoCRM: expected true".into()),
        Err(error) if error.is_not_found() => Deleted::Missing,
        Err(error) => match error.status() {
            Some(status) if status.is_server_error() => Deleted::Failed(error.to_string()),
            Some(_) => Deleted::Rejected(error.to_string()),
            None => Deleted::Unreachable(error.to_string()),
        },
    }
}

/// Returns the IDs of records whose attribute is exactly one of the values.
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
            // The server ignores case and accents in comparisons; the cleanup must not.
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

/// Returns the common prefix of all values; at least the run's prefix and ID, which every marker contains.
fn common_prefix(values: &BTreeSet<String>) -> Option<String> {
    let (first, last) = (values.first()?, values.last()?);
    // The set is sorted, so its first and last values differ earliest.
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
    fn the_search_uses_the_common_prefix_of_markers() {
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
