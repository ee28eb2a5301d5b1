//! Entity types that the typed SDK knows.

use espo_core::{Error, Response};

use crate::workload::Operation;

/// Decodes an answer into the typed record of the operation's entity type; none when the SDK does not know it.
pub(super) fn decode(_operation: &Operation, _response: &Response) -> Option<Result<(), Error>> {
    None
}
