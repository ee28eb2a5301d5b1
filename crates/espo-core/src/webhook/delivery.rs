use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use crate::typed::{Decode, DecodeError};

/// Why a delivery cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// Neither `Signature` nor `X-Signature` is present.
    #[error("the request has neither a Signature nor an X-Signature header")]
    Missing,
    /// A header is present but is not base64 of `id:digest`.
    #[error("the signature header is malformed")]
    Malformed,
    /// The signature belongs to a webhook whose key is unknown.
    #[error("the signature belongs to an unknown webhook")]
    UnknownWebhook,
    /// The digest does not match the body: the key is wrong, or the bytes differ.
    #[error("the signature does not match the body; verify the exact bytes received")]
    Mismatch,
}

/// A delivery whose signature has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery<'b> {
    /// The webhook that sent it.
    pub webhook_id: String,
    body: &'b [u8],
}

/// Verifies a delivery over the exact bytes of its body, in constant time.
///
/// `secret_of` returns the secret key of the webhook with this ID, or `None` if it is unknown. Both headers are
/// supported: `Signature` (hex, since 9.0) and, if it is absent, `X-Signature` (raw digest, all versions before 11.0).
///
/// Respond with 2xx to keep the webhook; 410 makes the server delete it; after 401, 403, 404, 408, 500 and 503 it makes
/// up to four attempts in total, ten minutes apart.
///
/// ```
/// # use espo_core::webhook::{verify, SignatureError};
/// # fn handle(headers: &http::HeaderMap, body: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// let delivery = verify(headers, body, |id| (id == "6b05…").then(|| "secret".to_owned()))?;
/// for item in delivery.items::<serde_json::Value>()? {
///     println!("{}", item["id"]);
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// Fails if the signature is missing or invalid. Do not report the reason to the sender.
pub fn verify<'b, K: AsRef<str>>(
    headers: &HeaderMap,
    body: &'b [u8],
    secret_of: impl FnOnce(&str) -> Option<K>,
) -> Result<Delivery<'b>, SignatureError> {
    let (value, hex) = match (headers.get("signature"), headers.get("x-signature")) {
        (Some(value), _) => (value, true),
        (None, Some(value)) => (value, false),
        (None, None) => return Err(SignatureError::Missing),
    };
    let plain = STANDARD
        .decode(value.as_bytes())
        .map_err(|_| SignatureError::Malformed)?;
    let colon = plain
        .iter()
        .position(|&byte| byte == b':')
        .ok_or(SignatureError::Malformed)?;
    let id = std::str::from_utf8(&plain[..colon]).map_err(|_| SignatureError::Malformed)?;
    let digest = match hex {
        true => from_hex(&plain[colon + 1..]).ok_or(SignatureError::Malformed)?,
        false => plain[colon + 1..].to_vec(),
    };
    let secret = secret_of(id).ok_or(SignatureError::UnknownWebhook)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_ref().as_bytes())
        .map_err(|_| SignatureError::Malformed)?;
    mac.update(body);
    mac.verify_slice(&digest)
        .map_err(|_| SignatureError::Mismatch)?;
    Ok(Delivery {
        webhook_id: id.to_owned(),
        body,
    })
}

impl Delivery<'_> {
    /// Returns the items, up to 50, in the order of the events, as records of an entity type: a created record's
    /// attributes; an update's `id` and changed attributes; a deletion's `id`; a field's `id` and attributes.
    /// Attributes that are not in an item are `None`, and not present
    /// ([`Record::is_present`](crate::typed::Record::is_present)).
    ///
    /// An item that cannot be decoded is an error in its place and does not affect the others.
    ///
    /// # Errors
    /// Fails if the body is not an array of JSON objects.
    pub fn records<R: Decode>(&self) -> Result<Vec<Result<R, DecodeError>>, serde_json::Error> {
        let items: Vec<crate::JsonObject> = self.items()?;
        let decode = |item: crate::JsonObject| R::decode_value(item.into());
        Ok(items.into_iter().map(decode).collect())
    }

    /// Returns the items as values of type `T`; see [`Delivery::records`] for the record types.
    /// # Errors
    /// Fails if the body is not an array of values of type `T`.
    pub fn items<T: DeserializeOwned>(&self) -> Result<Vec<T>, serde_json::Error> {
        serde_json::from_slice(self.body)
    }
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    text.chunks_exact(2)
        .map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // printf '[{"id":"1","name":"\\u00e9"}]' | openssl dgst -sha256 -hmac 0123456789abcdef
    const BODY: &[u8] = br#"[{"id":"1","name":"\u00e9"}]"#;
    const SECRET: &str = "0123456789abcdef";

    fn headers(name: &'static str, plain: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, STANDARD.encode(plain).parse().unwrap());
        headers
    }

    fn both() -> [HeaderMap; 2] {
        let hex = [b"hook:".as_slice(), DIGEST.as_bytes()].concat();
        let raw = [b"hook:".as_slice(), &from_hex(DIGEST.as_bytes()).unwrap()].concat();
        [headers("signature", &hex), headers("x-signature", &raw)]
    }

    #[test]
    fn both_headers_are_verified_and_the_items_decoded() {
        for headers in both() {
            let delivery = verify(&headers, BODY, |id| (id == "hook").then_some(SECRET)).unwrap();
            assert_eq!(delivery.webhook_id, "hook");
            let items: Vec<serde_json::Value> = delivery.items().unwrap();
            assert_eq!(items[0]["name"], "é");
        }
    }

    #[test]
    fn changed_bytes_and_wrong_or_missing_keys_are_rejected() {
        for headers in both() {
            // The same JSON, formatted differently.
            let other = "[{\"id\":\"1\",\"name\":\"é\"}]".as_bytes();
            let check = |body, key: Option<&str>| verify(&headers, body, |_| key).unwrap_err();
            assert_eq!(check(other, Some(SECRET)), SignatureError::Mismatch);
            assert_eq!(check(BODY, Some("guess")), SignatureError::Mismatch);
            assert_eq!(check(BODY, None), SignatureError::UnknownWebhook);
        }
    }

    #[test]
    fn malformed_signature_headers_are_rejected() {
        let check = |headers: &HeaderMap| verify(headers, BODY, |_| Some(SECRET)).unwrap_err();
        assert_eq!(check(&HeaderMap::new()), SignatureError::Missing);
        for plain in [b"hook".as_slice(), b"hook:zz", b"hook:abc", b"\xff:00"] {
            assert_eq!(
                check(&headers("signature", plain)),
                SignatureError::Malformed
            );
        }
        // An empty digest is rejected.
        assert_eq!(
            check(&headers("x-signature", b"hook:")),
            SignatureError::Mismatch
        );
    }

    const DIGEST: &str = "83a943bfc694ba17caff68bc1c2eb91ad845c8909e1503904544df3b68993033";
}
