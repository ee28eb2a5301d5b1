//! SHA-256 as text.

use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of a string in lower-case hexadecimal.
pub(crate) fn sha256_hex(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
