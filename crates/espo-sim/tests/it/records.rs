//! Creating, reading, updating and deleting records of stock and custom entity types.

use crate::common::{Talk, custom};
use espo_sim::{Sim, Version};
use serde_json::{Value as Json, json};

fn keys(v: &Json) -> Vec<String> {
    v.as_object().unwrap().keys().cloned().collect()
}

macro_rules! test {
    ($name:ident, $builder:expr, |$sim:ident| $body:block) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let sim = $builder.start().await.unwrap();
            tokio::task::spawn_blocking(move || {
                let $sim = &sim;
                $body
            })
            .await
            .unwrap();
        }
    };
}

test!(
    a_create_leaves_out_what_was_not_set_and_a_read_has_everything,
    Sim::builder(),
    |sim| {
        let api = Talk::api(sim);
        let created = api
            .post("Account", json!({"name": "Acme", "industry": "Finance"}))
            .ok();
        assert!(!keys(&created).contains(&"website".to_owned()), "{created}");
        assert_eq!(created["campaignName"], Json::Null);
        assert_eq!(
            (&created["versionNumber"], &created["deleted"]),
            (&json!(1), &json!(false))
        );
        let id = created["id"].as_str().unwrap();
        assert!(id.len() == 17 && id.bytes().all(|b| b.is_ascii_hexdigit()));
        let read = api.get(&format!("Account/{id}")).ok();
        for key in ["website", "campaignId", "originalLeadId", "modifiedById"] {
            assert_eq!(read.get(key), Some(&Json::Null), "{key}");
        }
        let row = &api.get("Account").ok()["list"][0];
        for key in ["teamsIds", "emailAddressData", "isFollowed"] {
            assert!(read.get(key).is_some() && row.get(key).is_none(), "{key}");
        }
    }
);

test!(
    validation_names_the_first_failing_field,
    custom::builder(),
    |sim| {
        let api = Talk::api(sim);
        let whole = json!({"name": "I", "total": 1});
        for (change, field, type_) in [
            (json!({"name": ""}), "name", "required"),
            (json!({"name": "a<b"}), "name", "pattern"),
            (json!({"name": "x".repeat(256)}), "name", "maxLength"),
            (json!({"status": null}), "status", "required"),
            (json!({"status": "Nope"}), "status", "valid"),
            (json!({"kind": null}), "kind", "valid"),
            (json!({"kind": "C"}), "kind", "valid"),
            (json!({"total": null}), "total", "required"),
            (json!({"total": "abc"}), "total", "valid"),
            (json!({"total": -1}), "total", "min"),
            (json!({"totalCurrency": "ZZZ"}), "total", "validCurrency"),
            (json!({"dueDate": "2030-02-31"}), "dueDate", "valid"),
            (json!({"dueDate": ""}), "dueDate", "valid"),
            (json!({"sentAt": "tomorrow"}), "sentAt", "valid"),
            (json!({"quantity": 1001}), "quantity", "max"),
            (json!({"quantity": true}), "quantity", "valid"),
            (json!({"quantity": "12abc"}), "quantity", "valid"),
            (json!({"price": "1,5"}), "price", "valid"),
            (json!({"tags": "x"}), "tags", "array"),
            (json!({"tags": [1]}), "tags", "arrayOfString"),
            (json!({"tags": ["q"]}), "tags", "valid"),
            (
                json!({"subjectType": "Lead", "subjectId": "1"}),
                "subject",
                "valid",
            ),
            (json!({"accountId": "a/b"}), "account", "pattern"),
        ] {
            let mut body = whole.clone();
            body.as_object_mut()
                .unwrap()
                .extend(change.as_object().unwrap().clone());
            let answer = api.post("CInvoice", body);
            let reason = format!(
                "Field validation failure; entityType: CInvoice, field: {field}, type: {type_}."
            );
            assert_eq!(
                (answer.status, answer.reason()),
                (400, reason.as_str()),
                "{change}"
            );
            assert_eq!(
                answer.json()["messageTranslation"]["data"],
                json!({"field": field, "type": type_})
            );
        }
    }
);

test!(values_are_coerced_as_php_does, custom::builder(), |sim| {
    let api = Talk::api(sim);
    let id = api.create("CInvoice", json!({"name": "I", "total": "99.5"}));
    let path = format!("CInvoice/{id}");
    for (sent, attr, kept) in [
        (json!({"name": 12345}), "name", json!("12345")),
        (json!({"name": true}), "name", json!("1")),
        (json!({"name": ["a"]}), "name", json!("Array")),
        (json!({"name": {"a": 1}}), "name", json!("Object")),
        (json!({"name": "  trimmed "}), "name", json!("trimmed")),
        (json!({"quantity": "20"}), "quantity", json!(20)),
        (json!({"quantity": 4.5}), "quantity", json!(4)),
        (json!({"ratio": "2.5"}), "ratio", json!(2.5)),
        (json!({"price": 1.5}), "price", json!("1.5000")),
        (json!({"paid": "true"}), "paid", json!(true)),
        (json!({"paid": 0}), "paid", json!(false)),
        (json!({"status": ""}), "status", json!("")),
        (json!({"site": ""}), "site", Json::Null),
        (json!({"tags": null}), "tags", json!([])),
        (json!({"labels": ["a", "a"]}), "labels", json!(["a", "a"])),
        (json!({"payload": [1]}), "payload", Json::Null),
        (
            json!({"sentAt": "2030-01-01T10:00:00+02:00"}),
            "sentAt",
            json!("2030-01-01 08:00:00"),
        ),
        (
            json!({"createdAt": "2001-01-01 00:00:00", "quantity": 7}),
            "quantity",
            json!(7),
        ),
    ] {
        let answer = api.put(&path, sent.clone()).ok();
        assert_eq!(answer[attr], kept, "{sent}");
        assert_eq!(api.get(&path).ok()[attr], kept, "{sent}");
    }
    assert_eq!(api.put(&path, json!({"paid": null})).status, 500);
    assert_eq!(
        api.put(&path, json!({"unknown": 1, "id": "other"})).ok()["id"],
        json!(id)
    );
});

test!(
    numbers_and_currencies_are_filled_in,
    custom::builder(),
    |sim| {
        let api = Talk::api(sim);
        let first = api
            .post("CInvoice", json!({"name": "1", "total": 100}))
            .ok();
        assert_eq!(
            (
                &first["number"],
                &first["totalCurrency"],
                &first["totalConverted"]
            ),
            (&json!("INV-0001"), &json!("USD"), &json!(100))
        );
        assert!(
            first.get("counter").is_none(),
            "the database gives it later"
        );
        let second = api.create("CInvoice", json!({"name": "2", "total": 1}));
        assert_eq!(
            api.get(&format!("CInvoice/{second}")).ok()["counter"],
            json!(2)
        );
        let answer = api.put(
            &format!("CInvoice/{second}"),
            json!({"totalCurrency": null}),
        );
        assert_eq!(
            answer.reason(),
            "Field validation failure; entityType: CInvoice, field: total, type: required."
        );
    }
);

test!(
    a_stale_version_conflicts_only_with_a_real_change,
    custom::builder(),
    |sim| {
        let api = Talk::api(sim);
        let id = api.create("CInvoice", json!({"name": "I", "total": 1}));
        let path = format!("CInvoice/{id}");
        assert_eq!(
            api.put(&path, json!({"quantity": 1})).ok()["versionNumber"],
            json!(2)
        );
        let stale = Talk::api(sim).with("X-Version-Number", "1");
        let conflict = stale.put(&path, json!({"quantity": 2}));
        assert_eq!((conflict.status, conflict.reason()), (409, "modified"));
        assert_eq!(
            conflict.json(),
            json!({"values": {"quantity": 1}, "versionNumber": 2})
        );
        assert_eq!(
            stale.put(&path, json!({"quantity": 1})).ok()["versionNumber"],
            json!(3)
        );
        assert_eq!(
            api.put(&path, json!({"versionNumber": 1})).ok()["versionNumber"],
            json!(4)
        );
    }
);

test!(
    duplicates_are_refused_on_create_and_can_be_forced,
    Sim::builder(),
    |sim| {
        let api = Talk::api(sim);
        let id = api.create(
            "Account",
            json!({"name": "Acme", "emailAddress": "Info@acme.example"}),
        );
        for body in [
            json!({"name": "ACME "}),
            json!({"name": "Other", "emailAddress": "info@ACME.example"}),
        ] {
            let answer = api.post("Account", body);
            assert_eq!((answer.status, answer.reason()), (409, "duplicate"));
            assert_eq!(answer.json()[0]["id"], json!(id));
        }
        assert_eq!(
            Talk::api(sim)
                .with("X-Skip-Duplicate-Check", "true")
                .post("Account", json!({"name": "Acme"}))
                .status,
            200
        );
        assert_eq!(
            api.post(
                "Account",
                json!({"name": "Acme", "_skipDuplicateCheck": true})
            )
            .status,
            200
        );
        let other = api.create("Account", json!({"name": "Beta"}));
        assert_eq!(
            api.put(&format!("Account/{other}"), json!({"name": "Acme"}))
                .status,
            200
        );
    }
);

test!(
    a_deleted_record_is_gone_but_for_administrators,
    Sim::builder(),
    |sim| {
        let (api, admin) = (Talk::api(sim), Talk::admin(sim));
        let id = api.create("Account", json!({"name": "Gone"}));
        let path = format!("Account/{id}");
        assert_eq!(api.delete(&path).text(), "true");
        assert_eq!(
            api.get(&path).reason(),
            format!("Record {id} does not exist.")
        );
        assert_eq!(
            api.delete(&path).reason(),
            format!("Record {id} not found.")
        );
        assert_eq!(admin.get(&path).ok()["deleted"], json!(true));
        assert_eq!(admin.put(&path, json!({"name": "x"})).status, 404);
        assert_eq!(
            api.post("Account/action/restoreDeleted", json!({"id": id}))
                .status,
            403
        );
        assert_eq!(
            admin
                .post("Account/action/restoreDeleted", json!({"id": id}))
                .text(),
            "true"
        );
        assert_eq!(api.get(&path).status, 200);
    }
);

test!(
    addresses_follow_their_primary_one,
    Sim::builder().version(Version::V9_3),
    |sim| {
        let api = Talk::api(sim);
        let id = api.create(
        "Contact",
        json!({"lastName": "Doe", "emailAddress": "A@x.example", "phoneNumber": "+1 202 555 0101"}),
    );
        let path = format!("Contact/{id}");
        let read = api.get(&path).ok();
        assert_eq!(
            (&read["emailAddress"], &read["emailAddressData"][0]["lower"]),
            (&json!("A@x.example"), &json!("a@x.example"))
        );
        assert_eq!(read["phoneNumber"], json!("+12025550101"));
        let changed = api.put(&path, json!({"emailAddressData": [{"emailAddress": "b@x.example"}, {"emailAddress": "c@x.example", "primary": true, "optOut": true}]})).ok();
        assert_eq!(
            changed["emailAddressData"][0],
            json!({"emailAddress": "b@x.example"}),
            "echoed as sent"
        );
        let read = api.get(&path).ok();
        assert_eq!(
            (&read["emailAddress"], &read["emailAddressIsOptedOut"]),
            (&json!("c@x.example"), &json!(true))
        );
        api.put(&path, json!({"emailAddress": null})).ok();
        let read = api.get(&path).ok();
        assert_eq!(
            (
                &read["emailAddress"],
                &read["emailAddressData"][0]["emailAddress"]
            ),
            (&Json::Null, &json!("b@x.example")),
            "up to 9.3, no other address takes its place"
        );
        for bad in [
            json!({"emailAddress": "nope"}),
            json!({"emailAddressData": [{"emailAddress": "nope"}]}),
        ] {
            assert!(
                api.put(&path, bad)
                    .reason()
                    .ends_with("field: emailAddress, type: emailAddress.")
            );
        }
        assert!(
            api.put(&path, json!({"phoneNumber": "555 0101"}))
                .reason()
                .ends_with("field: phoneNumber, type: valid.")
        );
    }
);

test!(
    bodies_are_read_by_their_content_type,
    Sim::builder(),
    |sim| {
        let key = sim
            .users()
            .api_key_user()
            .and_then(|u| u.api_key.clone())
            .unwrap();
        let send = |type_: &str, body: &[u8]| {
            crate::common::send(
                sim,
                "POST",
                "Account",
                &[("X-Api-Key", &key), ("Content-Type", type_)],
                Some(body),
            )
            .unwrap()
        };
        for (type_, body, status) in [
            ("application/json", &b"{\"name\":\"a\"}"[..], 200),
            ("Application/JSON; charset=utf-8", b"{\"name\":\"b\"}", 200),
            (
                "application/x-www-form-urlencoded",
                b"name=c&industry=Finance",
                200,
            ),
            ("text/plain", b"{\"name\":\"d\"}", 400),
            ("application/json", b"[{\"name\":\"e\"}]", 400),
            ("application/json", b"null", 400),
            ("application/json", b"{\"name\":", 500),
            ("application/json", b"\xef\xbb\xbf{\"name\":\"bom\"}", 500),
            ("application/json", b"{\"name\":\"\xff\"}", 500),
            ("application/json", b"   ", 500),
        ] {
            assert_eq!(
                send(type_, body).status,
                status,
                "{type_} {}",
                String::from_utf8_lossy(body)
            );
        }
        assert_eq!(
            send("application/json", b"5").reason(),
            "Body is not a JSON object."
        );
        let deep = format!("{{\"name\":{}1{}}}", "[".repeat(600), "]".repeat(600));
        assert_eq!(send("application/json", deep.as_bytes()).status, 500);
    }
);

test!(activities_fill_in_what_follows, Sim::builder(), |sim| {
    let api = Talk::api(sim);
    let user = sim
        .users()
        .find(|u| u.type_ == "regular")
        .unwrap()
        .id
        .clone();
    let account = api.create("Account", json!({"name": "Acme"}));
    assert!(
        api.post("Task", json!({"name": "t"}))
            .reason()
            .ends_with("field: assignedUser, type: required.")
    );
    let task = api.post("Task", json!({"name": "t", "assignedUserId": user, "dateEndDate": "2030-01-02", "parentType": "Account", "parentId": account})).ok();
    assert_eq!(
        (&task["dateEnd"], &task["accountId"]),
        (&json!("2030-01-03 00:00:00"), &json!(account))
    );
    assert_eq!(task["followersIds"], json!([user]));
    let meeting = api.post("Meeting", json!({"name": "m", "assignedUserId": user, "dateStart": "2030-01-01 10:00:00", "dateEnd": "2030-01-01 11:00:00"})).ok();
    assert_eq!(
        (&meeting["duration"], &meeting["usersIds"]),
        (&json!(3600), &json!([user]))
    );
    let deal = api
        .post(
            "Opportunity",
            json!({"name": "d", "amount": 200, "closeDate": "2030-01-01", "stage": "Proposal"}),
        )
        .ok();
    assert_eq!(
        (
            &deal["probability"],
            &deal["lastStage"],
            &deal["amountWeightedConverted"]
        ),
        (&json!(50), &json!("Proposal"), &json!(100))
    );
    let lead = api
        .post(
            "Lead",
            json!({"lastName": "L", "emailAddress": "l@x.example"}),
        )
        .ok();
    assert_eq!(lead["name"], json!("l@x.example"));
    assert_eq!(
        api.get(&format!("Lead/{}", lead["id"].as_str().unwrap()))
            .ok()["name"],
        json!("L")
    );
    assert!(
        api.post("Lead", json!({}))
            .reason()
            .ends_with("entityType: Lead, field: name, type: required.")
    );
});
