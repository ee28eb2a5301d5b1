use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderValue, Method};
use sha2::Sha256;

/// Creates `X-Hmac-Authorization` headers. A client with [`Auth::hmac`](crate::Auth::hmac) does this for every
/// request; use this type for requests that are sent without a client.
// Keyed once: the key schedule costs as much as the digest of a path.
#[derive(Clone)]
pub struct Signer {
    mac: Hmac<Sha256>,
    api_key: String,
    raw: bool,
}

impl Signer {
    /// Creates a signer for an API user's keys. `raw` sends the digest as bytes, for servers before 8.4.1.
    pub fn new(api_key: &str, secret_key: &str, raw: bool) -> Self {
        let mac = Hmac::<Sha256>::new_from_slice(secret_key.as_bytes())
            // HMAC takes keys of any length.
            .expect("HMAC accepts a key of any length");
        Self {
            mac,
            api_key: api_key.to_owned(),
            raw,
        }
    }

    /// Returns `base64(apiKey:digest)` over `METHOD /path`, the path percent-encoded as sent.
    pub fn header(&self, method: &Method, path: &str) -> HeaderValue {
        let mut mac = self.mac.clone();
        mac.update(method.as_str().as_bytes());
        mac.update(b" ");
        mac.update(path.as_bytes());
        let digest = mac.finalize().into_bytes();

        let mut plain = Vec::with_capacity(self.api_key.len() + 65);
        plain.extend_from_slice(self.api_key.as_bytes());
        plain.push(b':');
        if self.raw {
            plain.extend_from_slice(&digest);
        } else {
            for byte in digest {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                plain.push(HEX[usize::from(byte >> 4)]);
                plain.push(HEX[usize::from(byte & 15)]);
            }
        }
        let mut value = HeaderValue::from_str(&STANDARD.encode(plain))
            .expect("base64 text is a legal header value");
        value.set_sensitive(true);
        value
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

pub(crate) fn basic(user: &str, secret: &str) -> String {
    STANDARD.encode(format!("{user}:{secret}"))
}
