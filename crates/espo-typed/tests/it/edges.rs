//! Extreme values, converted to a record and back, as text and through a server.

use espo_core::typed::{Decode, Page, Record};
use espo_typed::prelude::*;
use serde_json::{Value, json};

fn account(attributes: &Value) -> Account {
    let mut attributes = attributes.clone();
    attributes["id"] = "1".into();
    Account::decode_record(&attributes.to_string())
        .unwrap_or_else(|error| panic!("{attributes}: {error}"))
}

#[test]
fn extreme_times_are_preserved() {
    for time in [
        "0001-01-01 00:00:00",
        "1000-01-01 00:00:00",
        "1582-10-15 12:00:00",
        "1969-12-31 23:59:59",
        "1970-01-01 00:00:00",
        "2024-02-29 23:59:59",
        "2038-01-19 03:14:08",
        "9999-12-30 21:59:59",
        // Beyond the range of a `Timestamp`, and commonly used to mean "for ever".
        "9999-12-31 23:59:59",
    ] {
        let record = account(&json!({"createdAt": time}));
        assert_eq!(
            Value::Object(record.to_json()),
            json!({"id": "1", "createdAt": time})
        );
    }
    let late = account(&json!({"createdAt": "9999-12-31 08:00:00"}));
    assert_eq!(late.created_at, Some(Timestamp::MAX));
    for day in ["0001-01-01", "1969-12-31", "2024-02-29", "9999-12-31"] {
        let deal = Opportunity::decode_record(&json!({"id": "1", "closeDate": day}).to_string());
        assert_eq!(
            deal.expect("a deal")
                .close_date
                .expect("a date")
                .to_string(),
            day
        );
    }
    let before = "1969-12-31T23:59:58.5Z"
        .parse::<Timestamp>()
        .expect("a time");
    let filter = account::CREATED_AT.lt(before).into_item();
    let filter = serde_json::to_value(filter).expect("JSON");
    assert_eq!(filter["value"], "1969-12-31 23:59:58");
    for wrong in [
        "2023-02-29 00:00:00",
        "2023-01-01 24:00:00",
        "soon",
        "2023-01-01",
    ] {
        let error = Account::decode_record(&json!({"id": "1", "createdAt": wrong}).to_string())
            .expect_err(wrong);
        assert_eq!(error.attribute.as_deref(), Some("createdAt"));
    }
}

#[test]
fn extreme_numbers_are_preserved_or_reported() {
    for number in [i64::MIN, -1, 0, (1 << 53) + 1, i64::MAX] {
        for sent in [json!(number), json!(number.to_string())] {
            let record = account(&json!({"versionNumber": sent}));
            assert_eq!(record.version_number, Some(number));
        }
    }
    for wrong in [
        json!(u64::MAX),
        json!(1e300),
        json!(0.5),
        json!("1e3"),
        json!("٣"),
        json!({}),
    ] {
        let text = json!({"id": "1", "versionNumber": wrong}).to_string();
        let error = Account::decode_record(&text).expect_err(&text);
        assert_eq!(
            (error.id.as_deref(), error.attribute.as_deref()),
            (Some("1"), Some("versionNumber")),
            "{text}"
        );
    }
    for (amount, expected) in [
        (
            json!("79228162514264337593543950335"),
            "79228162514264337593543950335",
        ),
        (
            json!("-0.0000000000000000000000000001"),
            "-0.0000000000000000000000000001",
        ),
        (json!("1e3"), "1000"),
        (json!(1e-7), "0.0000001"),
        (json!(i64::MIN), "-9223372036854775808"),
    ] {
        let text = json!({"id": "1", "amount": amount}).to_string();
        let deal = Opportunity::decode_record(&text).expect(&text);
        assert_eq!(
            deal.amount,
            Some(expected.parse().expect("a decimal")),
            "{text}"
        );
        let back = OpportunityPatch::new().amount(deal.amount.expect("an amount"));
        let mut back = back.as_json().clone();
        back.insert("id".into(), "1".into());
        let back = Opportunity::decode_value(Value::Object(back));
        assert_eq!(back.expect("a deal").amount, deal.amount, "{text}");
    }
}

#[test]
fn non_finite_numbers_are_not_sent_as_null() {
    let rate = |rate: f64| {
        let mut attributes =
            espo_core::typed::Attributes::<Account, espo_core::typed::Update>::new();
        const RATE: espo_core::typed::Field<Account, espo_core::typed::kind::Float> =
            espo_core::typed::Field::new("cRate");
        attributes.set(RATE, rate);
        attributes.into_json()["cRate"].clone()
    };
    // Null would silently clear the field; the server rejects a string.
    assert_eq!(rate(f64::NAN), json!("NaN"));
    assert_eq!(rate(f64::NEG_INFINITY), json!("-inf"));
    for number in [f64::MAX, f64::MIN_POSITIVE, -0.0, 0.1] {
        assert_eq!(rate(number), json!(number));
    }
}

#[test]
fn invalid_json_in_one_record_loses_only_that_record() {
    let deep = format!("{}1{}", "[".repeat(300), "]".repeat(300));
    for odd in [deep.as_str(), "1e999"] {
        let page = format!(
            r#"{{"total":-1,"list":[{{"id":"1","name":"one"}},{{"id":"2","cOdd":{odd}}},{{"id":"3"}}]}}"#
        );
        fn check<R: Decode>(page: &str) -> Page<R> {
            let page = R::decode_page(page).expect("a page");
            assert_eq!((page.records.len(), page.rejected.len()), (2, 1));
            assert_eq!(page.rejected[0].id.as_deref(), Some("2"));
            assert_eq!(page.rows(), 3);
            page
        }
        assert_eq!(
            check::<Account>(&page).records[0].name.as_deref(),
            Some("one")
        );
        assert_eq!(check::<JsonObject>(&page).records[0]["name"], "one");
    }
}

#[test]
fn duplicate_keys_whitespace_and_escapes_are_read() {
    let text = " { \"id\":\"1\",\"name\" : \"one\" ,\n\"name\":null,\"\\u006eame\":\"t\\u0000w\\ud83d\\ude00o\\/\", \"website\" :\"\" } ";
    let record = Account::decode_record(text).expect("an account");
    assert_eq!(record.name.as_deref(), Some("t\0w😀o/"));
    // An empty string is not null: the server distinguishes them as well.
    assert_eq!(record.website.as_deref(), Some(""));
    let huge = "ж".repeat(1 << 20);
    let record = account(&json!({"description": huge}));
    assert!(record.description.as_deref() == Some(huge.as_str()));
}

#[test]
fn unknown_options_are_kept_alone_and_in_lists() {
    let sent = json!({"id": "1", "type": "Ally \"new\"", "industry": "", "cUnknown": ["x"]});
    let record = account(&sent);
    assert_eq!(Value::Object(record.to_json()), sent);
    let user = json!({"id": "u1", "type": "robot", "title": null, "teamsIds": ["t", ""]});
    let record = User::decode_record(&user.to_string()).expect("a user");
    assert_eq!(Value::Object(record.to_json()), user);
}

#[test]
fn attributes_of_another_type_are_reported() {
    for (attribute, wrong) in [
        ("name", json!(["a"])),
        ("name", json!({"a": 1})),
        ("teamsIds", json!("t1")),
        ("teamsIds", json!([["t1"]])),
        ("teamsNames", json!(["t1"])),
        ("deleted", json!("no")),
        ("deleted", json!(2)),
        ("createdAt", json!(1_700_000_000)),
        ("emailAddressData", json!({"emailAddress": "a"})),
        ("id", json!({})),
    ] {
        let text = json!({"total": 1, "list": [{attribute: wrong, "website": "w"}]}).to_string();
        let page = Account::decode_page(&text).expect(&text);
        let found = page
            .rejected
            .first()
            .and_then(|error| error.attribute.as_deref());
        assert_eq!(found, Some(attribute), "{text}");
    }
}

#[tokio::test]
async fn unusual_strings_round_trip() {
    let sim = espo_sim::Sim::start().await.expect("a simulator");
    let client = Client::builder(sim.url()).auth(Auth::api_key(sim.api_key()));
    let crm = client.build().expect("a client");
    for text in [
        "\u{1}\u{7f}\u{2028}\u{feff}x",
        "a\r\nb\tc\\d\"e'f/g",
        "👩‍👩‍👧 Ωμέγα العربية 日本語 e\u{301}",
        "%27 &amp; <b> {{name}} ${x} \\u0041",
        &"1 MiB".repeat(210_000),
    ] {
        let new = AccountNew::new("Edge").description(text);
        let made = crm
            .create(new)
            .skip_duplicate_check()
            .await
            .expect("a record");
        let id = made.id();
        let read = crm.read(id).await.expect("a record");
        // Not `assert_eq!`: it would print both.
        assert!(read.description.as_deref() == Some(text));
        if text.len() < 1_000 {
            let found = crm
                .list::<Account>()
                .filter(account::DESCRIPTION.eq(text) & account::ID.eq(id));
            assert_eq!(found.count().await.expect("a count"), 1, "{text:?}");
        }
        let patch = AccountPatch::new().description("").website("");
        let empty = crm.update(id, patch).await.expect("a record");
        assert_eq!(
            (empty.description.as_deref(), empty.website.as_deref()),
            (None, None)
        );
        let patch = AccountPatch::new().clear(account::DESCRIPTION);
        crm.update(id, patch).await.expect("a record");
    }
}
