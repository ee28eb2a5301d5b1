//! Decodes successful responses after their time has been measured.

use std::time::Instant;

use espo_core::Response;
use serde_json::Value;

use super::typed::{Codec, codec};
use crate::record::Sample;
use crate::report::Decode;
use crate::workload::Kind;
use crate::workload::resolve::Resolved;

/// Decodes or skips responses.
#[derive(Debug, Clone)]
pub(crate) struct Decoder {
    mode: Decode,
    /// Codecs by operation; looked up once instead of for every response.
    codecs: Vec<Option<Codec>>,
}

impl Decoder {
    pub(crate) fn new(mode: Decode, operations: &[Resolved]) -> Self {
        Self {
            mode,
            codecs: operations.iter().map(codec_of).collect(),
        }
    }

    /// Returns the names of operations whose responses are decoded as JSON because the typed SDK lacks their entity
    /// type.
    pub(crate) fn untyped(&self, operations: &[Resolved]) -> Vec<String> {
        if self.mode == Decode::Skip {
            return Vec::new();
        }
        let pairs = operations.iter().zip(&self.codecs);
        let untyped = pairs.filter(|(_, codec)| codec.is_some_and(|c| !c.is_typed));
        untyped.map(|(r, _)| r.operation.name.clone()).collect()
    }

    /// Checks whether the response is what the operation expects, and returns the nanoseconds that decoding took.
    ///
    /// Even if nothing is decoded, `false` where `true` was expected is a failure: the server returns it with status
    /// 200 if it did not link or delete.
    pub(crate) fn decode(
        &self,
        index: usize,
        resolved: &Resolved,
        response: &Response,
    ) -> (Result<(), String>, u32) {
        let operation = &resolved.operation;
        if matches!(operation.kind, Kind::Delete | Kind::Link | Kind::Unlink) {
            let body = response.body().as_ref();
            let result = if body.trim_ascii() == b"true" {
                Ok(())
            } else {
                Err(format!(
                    "unexpected response {}: expected true",
                    shown(body)
                ))
            };
            return (result, Sample::NOT_DECODED);
        }
        if self.mode == Decode::Skip || operation.kind == Kind::Download {
            return (Ok(()), Sample::NOT_DECODED);
        }
        let started = Instant::now();
        let text = response.text().map_err(|e| e.to_string());
        let result = text.and_then(|text| match (operation.kind, self.codecs[index]) {
            (Kind::MassUpdate, _) | (_, None) => mass_updated(text),
            (Kind::List | Kind::Search | Kind::Related | Kind::Stream, Some(codec)) => {
                (codec.page)(text)
            }
            (_, Some(codec)) => (codec.record)(text),
        });
        let nanos = u32::try_from(started.elapsed().as_nanos()).unwrap_or(Sample::NOT_DECODED - 1);
        (result.map_err(|e| e.chars().take(300).collect()), nanos)
    }
}

/// Returns how an operation's responses are decoded; `None` if they are not records.
fn codec_of(resolved: &Resolved) -> Option<Codec> {
    let operation = &resolved.operation;
    Some(codec(match operation.kind {
        Kind::Chain
        | Kind::Delete
        | Kind::Link
        | Kind::Unlink
        | Kind::MassUpdate
        | Kind::Download => return None,
        Kind::Related => resolved.foreign.as_deref().unwrap_or_default(),
        Kind::Stream => "Note",
        Kind::Upload => "Attachment",
        Kind::List | Kind::Search | Kind::Read | Kind::Create | Kind::Update => &operation.entity,
    }))
}

/// Checks the count of a mass update: the server silently skips records that are invalid or may not be changed.
fn mass_updated(text: &str) -> Result<(), String> {
    let answer: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    match answer.get("count").and_then(Value::as_u64) {
        Some(0) => Err("no record was updated".into()),
        Some(_) => Ok(()),
        None => Err(format!(
            "unexpected response {}: expected a count",
            shown(text.as_bytes())
        )),
    }
}

fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(40).collect()
}
