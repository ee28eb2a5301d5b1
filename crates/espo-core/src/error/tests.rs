use http::HeaderValue;

use super::*;

fn answered(status: u16, headers: &[(&'static str, &[u8])], body: &'static str) -> Error {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, HeaderValue::from_bytes(value).unwrap());
    }
    Error::status_error(
        Context {
            method: Method::POST,
            path: "/Account".into(),
        },
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: map,
            body: Bytes::from_static(body.as_bytes()),
        },
    )
}

#[test]
fn a_result_with_this_error_stays_one_pointer_wide() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

#[test]
fn a_validation_failure_names_field_and_rule() {
    let error = answered(
        400,
        &[(
            "x-status-reason",
            b"Field validation failure; entityType: Account, field: name, type: required.",
        )],
        r#"{"messageTranslation":{"label":"validationFailure","scope":null,"data":{"field":"name","type":"required"}}}"#,
    );
    let failure = error.validation().unwrap();
    assert_eq!(
        (failure.field.as_str(), failure.rule.as_str()),
        ("name", "required")
    );
    assert!(error.is_validation() && !error.is_retryable());
    assert_eq!(error.outcome(), Outcome::Refused);
    assert!(
        error
            .to_string()
            .starts_with("POST /Account: the server answered 400 Bad Request: Field")
    );
}

#[test]
fn the_two_conflicts_are_told_apart() {
    let duplicate = answered(409, &[("x-status-reason", b"duplicate")], r#"[{"id":"1"}]"#);
    assert!(duplicate.is_duplicate() && !duplicate.is_version_conflict());
    assert_eq!(duplicate.duplicates().unwrap()[0]["id"], "1");

    let version = answered(
        409,
        &[("x-status-reason", b"modified")],
        r#"{"values":{"name":"B"},"versionNumber":4}"#,
    );
    assert!(version.is_version_conflict() && !version.is_duplicate());
    let conflict = version.version_conflict().unwrap();
    assert_eq!(conflict.version_number, Some(4));
    assert_eq!(conflict.values["name"], "B");
}

#[test]
fn a_reason_of_raw_bytes_an_empty_one_and_none() {
    let raw = answered(404, &[("x-status-reason", b"No 'Caf\xc3\xa9\xff'.")], "");
    assert_eq!(raw.reason().unwrap(), "No 'Café\u{fffd}'.");
    let empty = answered(403, &[("x-status-reason", b"")], "");
    assert_eq!(empty.reason(), None);
    assert_eq!(empty.reason_bytes(), Some(&b""[..]));
    assert!(!empty.is_locked_out());
    let locked = answered(403, &[("content-type", b"text/html; charset=UTF-8")], "");
    assert!(locked.is_locked_out());
    assert!(locked.to_string().contains("wait a minute"), "{locked}");
}

#[test]
fn only_a_server_that_said_later_is_worth_repeating_a_write_for() {
    assert!(answered(503, &[], "").is_retryable());
    assert!(answered(429, &[], "").is_rate_limited());
    assert!(!answered(500, &[], "").is_retryable());
    assert_eq!(answered(504, &[], "").outcome(), Outcome::Unknown);
    assert!(!answered(504, &[], "").is_retryable());
}
