use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;

use super::sign::Signer;
use super::{Auth, Authenticator};

#[test]
fn signatures_cover_method_and_path() {
    // Computed with `printf 'GET /Account' | openssl dgst -sha256 -hmac secret`.
    let header = Signer::new("key", "secret", false).header(&Method::GET, "/Account");
    let plain = STANDARD.decode(header.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(plain).unwrap(), format!("key:{OPENSSL}"));
    assert!(header.is_sensitive());
}

#[test]
fn raw_and_hexadecimal_digests_are_the_same_bytes() {
    let header = Signer::new("key", "secret", true).header(&Method::GET, "/Account");
    let plain = STANDARD.decode(header.as_bytes()).unwrap();
    let hex: String = plain[4..]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hex, OPENSSL);
}

#[test]
fn credentials_that_are_invalid_in_headers_are_rejected_without_showing_them() {
    for auth in [
        Auth::api_key("line\nbreak"),
        Auth::basic("us:er", "line\nbreak").into(),
        Auth::password("", "line\nbreak").into(),
    ] {
        let error = Authenticator::new(&auth).err().unwrap();
        assert!(!format!("{error:?} {error} {auth:?}").contains("break"));
    }
}

const OPENSSL: &str = "3142fcfcbf71e276ac936cd6f23e1a4e7a3c10b2cedf13e72f6addbbb5a864c6";

#[test]
fn credentials_are_read_from_the_variables_of_the_tools() {
    let from = |set: &[(&str, &str)]| {
        let value = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Auth::from_variables(value).map(|auth| format!("{auth:?}"))
    };
    let key = ("ESPO_API_KEY", "k");
    let user = [("ESPO_USERNAME", "jane"), ("ESPO_PASSWORD", "p")];
    for (set, kind) in [
        (vec![key], "api key"),
        (vec![key, ("ESPO_SECRET_KEY", "")], "api key"),
        (vec![key, ("ESPO_SECRET_KEY", "s"), user[0]], "hmac"),
        (vec![("ESPO_API_KEY", ""), user[0], user[1]], "password"),
    ] {
        let auth = from(&set).expect("credentials");
        assert!(auth.contains(&format!("\"{kind}\"")), "{auth}");
    }
    for set in [vec![], vec![user[0]], vec![("ESPO_SECRET_KEY", "s")]] {
        let error = from(&set).expect_err("incomplete").to_string();
        assert!(
            error.contains("ESPO_API_KEY") && error.contains("ESPO_PASSWORD"),
            "{error}"
        );
    }
}
