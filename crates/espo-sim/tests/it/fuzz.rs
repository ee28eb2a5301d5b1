//! Ten thousand random requests, none of which may crash the server or cause an invalid HTTP response.

use crate::common::{Talk, raw};
use espo_sim::Sim;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec![
            "Account", "Contact", "Opportunity", "Lead", "Task", "Meeting", "Case", "User", "Team", "Note", "TargetList",
            "Email", "Document", "KnowledgeBaseCategory", "account", "App", "user", "Metadata", "Settings", "Stream",
            "action", "layout", "contacts", "opportunities", "teams", "stream", "subscription", "MassAction", "Export",
            "Attachment", "chunk", "file", "CurrencyRate", "GlobalSearch", "Kanban", "convert", "merge", "I18n",
        ]).prop_map(str::to_owned),
        2 => "[0-9a-f]{17}",
        1 => "[ -~]{0,12}".prop_map(|s| s.bytes().map(|b| format!("%{b:02X}")).collect()),
        1 => Just(String::new()),
        1 => Just("%ff%00".to_owned()),
    ]
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(
            |f| serde_json::Number::from_f64(f).map_or(serde_json::Value::Null, Into::into)
        ),
        prop::sample::select(vec![
            "equals",
            "in",
            "and",
            "or",
            "between",
            "linkedWith",
            "today",
            "lastXDays",
            "contains",
            "name",
            "createdAt",
            "contacts",
            "2030-02-31",
            "2030-01-01",
            "9999-12-31 23:59:59",
            "%",
            "",
            "Europe/Kyiv",
            "USD",
            "desc",
        ])
        .prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(vec![
            "type", "attribute", "value", "where", "select", "orderBy", "order", "offset", "maxSize", "textFilter", "name",
            "lastName", "amount", "closeDate", "emailAddress", "emailAddressData", "phoneNumber", "teamsIds", "accountId",
            "contactsIds", "contactsColumns", "dateStart", "dateEndDate", "dateTime", "timeZone", "id", "ids", "massRelate",
            "searchParams", "entityType", "action", "params", "data", "parentType", "parentId", "post", "file", "field",
            "primaryFilter", "boolFilterList", "isBeingUploaded", "size", "records", "q",
        ]).prop_map(str::to_owned),
        1 => ".{0,10}",
    ]
}

fn query() -> impl Strategy<Value = String> {
    let encode = |s: String| {
        s.bytes()
            .map(|b| {
                if b.is_ascii_alphanumeric() {
                    (b as char).to_string()
                } else {
                    format!("%{b:02X}")
                }
            })
            .collect::<String>()
    };
    prop_oneof![
        2 => Just(String::new()),
        3 => json().prop_map(move |j| format!("searchParams={}", encode(j.to_string()))),
        2 => prop::collection::vec((key(), "[a-z0-9%\\[\\]]{0,8}"), 0..5)
            .prop_map(move |pairs| pairs.into_iter().map(|(k, v)| format!("{}={v}", encode(k))).collect::<Vec<_>>().join("&")),
        2 => "where\\[[0-9]\\]\\[(type|attribute|value)\\]=[a-zA-Z]{0,10}(&where\\[0\\]\\[(type|attribute)\\]=(equals|in|name|isNull|createdAt))?",
        1 => "[!-~&&[^ #\\\\^`{|}<>\"]]{0,40}",
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_requests_get_valid_http_responses() {
    let sim = Sim::builder()
        .seed(1)
        .records("Account", 20)
        .records("Contact", 20)
        .request_log(0)
        .start()
        .await
        .unwrap();
    let key = sim
        .users()
        .api_key_user()
        .and_then(|u| u.api_key.clone())
        .unwrap();
    let admin = crate::common::base64("admin:admin-password");
    let address = sim.address();
    tokio::task::spawn_blocking(move || {
        let mut runner = TestRunner::new(Config { cases: 10_000, failure_persistence: None, ..Config::default() });
        let method = prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]);
        let path = prop::collection::vec(segment(), 0..5).prop_map(|s| s.join("/"));
        let body = prop_oneof![
            Just(Vec::new()),
            json().prop_map(|j| j.to_string().into_bytes()),
            prop::collection::vec(any::<u8>(), 0..60),
        ];
        runner
            .run(&(method, path, query(), body, any::<bool>()), |(method, path, query, body, as_admin)| {
                let credentials = if as_admin { format!("Espo-Authorization: {admin}") } else { format!("X-Api-Key: {key}") };
                let mut request = format!(
                    "{method} /api/v1/{path}?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{credentials}\r\n\
                     Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                )
                .into_bytes();
                request.extend_from_slice(&body);
                let bytes = raw(address, &request).map_err(|e| TestCaseError::fail(e.to_string()))?;
                let answer = crate::common::parse(&bytes, method == "HEAD")
                    .ok_or_else(|| TestCaseError::fail(format!("not HTTP: {}", String::from_utf8_lossy(&bytes))))?;
                prop_assert!((200..600).contains(&answer.status));
                Ok(())
            })
            .unwrap();
    })
    .await
    .unwrap();
    // The server still works.
    let talk = Talk::api(&sim);
    talk.create("Account", serde_json::json!({"name": "Still here"}));
    assert!(
        talk.get("Account?maxSize=5").ok()["total"]
            .as_i64()
            .unwrap()
            >= 1
    );
}
