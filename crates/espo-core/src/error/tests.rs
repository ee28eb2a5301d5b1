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
            secrets: None,
        },
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: map,
            body: Bytes::from_static(body.as_bytes()),
        },
    )
}

#[test]
fn errors_have_the_size_of_a_pointer() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

#[test]
fn unknown_statuses_are_shown_as_numbers() {
    for (status, expected) in [
        (999, "returned 999"),
        (299, "returned 299"),
        (404, "returned 404 Not Found"),
    ] {
        let text = answered(status, &[], "").to_string();
        assert!(text.contains(expected) && !text.contains('<'), "{text}");
    }
}

#[test]
fn words_of_libraries_are_replaced() {
    for (text, expected) in [
        (
            "not a list: EOF while parsing an object at line 1 column 11",
            "not a list: the response ends within an object at line 1 column 11",
        ),
        (
            "connection closed before message completed",
            "the other side closed the connection before the response was complete",
        ),
        (
            "Connection refused (os error 111)",
            "Connection refused (os error 111)",
        ),
    ] {
        assert_eq!(plain(text), expected);
    }
}

#[test]
fn validation_failures_name_field_and_rule() {
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
            .starts_with("POST /Account: the server returned 400 Bad Request: Field")
    );
}

#[test]
fn duplicates_and_version_conflicts_are_distinguished() {
    let duplicate = answered(409, &[("x-status-reason", b"duplicate")], r#"[{"id":"1"}]"#);
    assert!(duplicate.is_duplicate() && !duplicate.is_version_conflict());
    assert_eq!(
        duplicate.duplicates::<crate::JsonObject>().unwrap()[0]["id"],
        "1"
    );

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
fn reasons_may_be_raw_bytes_empty_or_absent() {
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
fn writes_are_retryable_only_if_the_server_requested_a_later_retry() {
    assert!(answered(503, &[], "").is_retryable());
    assert!(answered(429, &[], "").is_rate_limited());
    assert!(!answered(500, &[], "").is_retryable());
    assert_eq!(answered(504, &[], "").outcome(), Outcome::Unknown);
    assert!(!answered(504, &[], "").is_retryable());
}

const HTML: (&str, &[u8]) = ("content-type", b"text/html; charset=utf-8");
const PAGE: &str = "<html><head><title>x</title></head></html>";

#[test]
fn conflicts_of_scripts_are_not_duplicates_and_show_their_body() {
    for body in [r#"[{"code": 7}]"#, "[]", r#"["a"]"#, r#"[{"id": 7}]"#, "{}"] {
        let script = answered(409, &[("x-status-reason", b"Quota exceeded")], body);
        assert!(script.is_conflict() && !script.is_duplicate() && !script.is_version_conflict());
        assert_eq!(script.duplicates::<crate::JsonObject>(), None);
        let text = script.to_string();
        assert!(
            text.contains("Quota exceeded") && text.contains(body),
            "{text}"
        );
    }
    let rows = answered(
        409,
        &[],
        r#"[{"id": "1", "name": "a", "_entityType": "Account"}]"#,
    );
    assert!(rows.is_duplicate());
    let unnamed = answered(409, &[("x-status-reason", b"duplicate")], "");
    assert!(unnamed.is_duplicate());
    assert_eq!(unnamed.duplicates::<crate::JsonObject>(), Some(Vec::new()));
}

#[test]
fn locked_records_are_recognised_by_reason_or_label() {
    for label in ["cannotModifyLockedRecord", "cannotRemoveLockedRecord"] {
        let body: &'static str =
            format!(r#"{{"messageTranslation":{{"label":"{label}"}}}}"#).leak();
        for error in [
            answered(409, &[("x-status-reason", label.as_bytes())], ""),
            answered(409, &[], body),
        ] {
            assert!(error.is_locked() && error.is_conflict() && !error.is_duplicate());
            assert!(error.to_string().contains("unlock"), "{error}");
        }
    }
    assert!(!answered(409, &[("x-status-reason", b"modified")], "").is_locked());
}

#[test]
fn redirects_name_their_target_without_its_secrets() {
    let at = |location: &'static str| {
        answered(302, &[("location", location.as_bytes())], "").to_string()
    };
    let text = at("https://bob:hush@login.example.com/hush?token=hush#hush");
    assert!(
        text.contains("it redirects to https://login.example.com;"),
        "{text}"
    );
    assert!(!text.contains("hush"), "{text}");
    assert!(at("/login?x=1").contains("it redirects to /login;"));
    assert!(at("//other.example.com/x").contains("it redirects to //other.example.com;"));
    assert!(!answered(304, &[], "").to_string().contains("redirects"));
}

#[test]
fn gateway_responses_are_distinguished_from_espocrms() {
    let challenge = |value: &'static str| [("www-authenticate", value.as_bytes())];
    for value in [
        r#"Basic realm="Staff only""#,
        "Basic charset=UTF-8, realm=staff",
        "Negotiate",
        r#"Bearer realm="x""#,
    ] {
        let error = answered(401, &challenge(value), "");
        assert!(error.is_gateway() && !error.is_unauthorized(), "{value}");
        assert!(
            error
                .to_string()
                .contains("separate credentials for the gateway"),
            "{error}"
        );
    }
    let named = answered(401, &challenge(r#"Basic realm="Staff only""#), "");
    assert!(named.to_string().contains("Staff only"), "{named}");
    for value in [
        r#"Basic realm="""#,
        "Basic",
        "basic realm=\"\", charset=\"UTF-8\"",
    ] {
        let error = answered(401, &challenge(value), "");
        assert!(error.is_unauthorized() && !error.is_gateway(), "{value}");
    }
    for (status, advice) in [
        (400, "URL"),
        (403, "firewall"),
        (404, "URL"),
        (413, "chunks"),
        (502, "PHP"),
        (503, "PHP"),
    ] {
        let error = answered(status, &[HTML], PAGE);
        assert!(error.is_gateway(), "{status}");
        assert!(error.to_string().contains(advice), "{error}");
        assert!(!answered(status, &[], "{}").is_gateway(), "{status}");
    }
    let plain = answered(
        400,
        &[HTML],
        "<html><center>The plain HTTP request was sent to HTTPS port</center></html>",
    );
    assert!(plain.to_string().contains("use https://"), "{plain}");
    assert!(
        answered(407, &[], "")
            .to_string()
            .contains("proxy requires credentials")
    );
}
