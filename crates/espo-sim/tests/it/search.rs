//! Lists: where items, order, paging, totals, rejected requests.

use crate::common::{Talk, custom};
use espo_sim::Sim;
use serde_json::json;

/// Four invoices: A (paid, x), B (unpaid, y and z), C (accented name), D (nothing set).
fn fill(api: &Talk) -> String {
    let account = api.create("Account", json!({"name": "Owner"}));
    for body in [
        json!({"name": "Alpha", "total": 10, "quantity": 1, "kind": "A", "paid": true, "tags": ["x"], "dueDate": "2026-11-24", "sentAt": "2026-11-24 21:30:00", "accountId": account, "labels": ["l"]}),
        json!({"name": "Beta 100%", "total": 20.5, "quantity": 2, "kind": "B", "tags": ["y", "z"], "dueDate": "2026-12-01", "sentAt": "2026-11-25 08:00:00"}),
        json!({"name": "Čolek", "total": 30, "quantity": 45, "kind": "B", "dueDate": "2025-01-01", "notes": "line one"}),
        json!({"name": "Delta", "total": 0}),
    ] {
        api.create("CInvoice", body);
    }
    account
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_items_match_as_sql_does() {
    let sim = custom::builder()
        .clock("2026-11-24T12:00:00Z".parse().unwrap())
        .seed(1)
        .start()
        .await
        .unwrap();
    tokio::task::spawn_blocking(move || {
        let api = Talk::api(&sim);
        let account = fill(&api);
        for (item, names) in [
            (json!({"type": "equals", "attribute": "name", "value": "ALPHA "}), "Alpha"),
            (json!({"type": "equals", "attribute": "name", "value": "colek"}), "Čolek"),
            (json!({"type": "equals", "attribute": "quantity", "value": "2"}), "Beta 100%"),
            (json!({"type": "equals", "attribute": "kind", "value": null}), "Delta"),
            (json!({"type": "equals", "attribute": "kind", "value": ["A", "B"]}), "Alpha,Beta 100%,Čolek"),
            (json!({"type": "notEquals", "attribute": "kind", "value": "A"}), "Beta 100%,Čolek"),
            (json!({"type": "in", "attribute": "kind", "value": []}), ""),
            (json!({"type": "notIn", "attribute": "kind", "value": ["A"]}), "Beta 100%,Čolek"),
            (json!({"type": "greaterThan", "attribute": "total", "value": 10}), "Beta 100%,Čolek"),
            (json!({"type": "lessThanOrEquals", "attribute": "totalConverted", "value": 10}), "Alpha,Delta"),
            (json!({"type": "between", "attribute": "quantity", "value": [2, 45]}), "Beta 100%,Čolek"),
            (json!({"type": "contains", "attribute": "name", "value": "LTA"}), "Delta"),
            (json!({"type": "contains", "attribute": "name", "value": "_00%"}), "Beta 100%"),
            (json!({"type": "startsWith", "attribute": "name", "value": ""}), "Alpha,Beta 100%,Čolek,Delta"),
            (json!({"type": "endsWith", "attribute": "name", "value": "ha"}), "Alpha"),
            (json!({"type": "notContains", "attribute": "notes", "value": "zzz"}), "Čolek"),
            (json!({"type": "notLike", "attribute": "name", "value": "%ta%"}), "Alpha,Čolek"),
            (json!({"type": "contains", "attribute": "quantity", "value": "4"}), "Čolek"),
            (json!({"type": "isNull", "attribute": "quantity"}), "Delta"),
            (json!({"type": "isTrue", "attribute": "paid"}), "Alpha"),
            (json!({"type": "isFalse", "attribute": "paid"}), "Beta 100%,Čolek,Delta"),
            (json!({"type": "equals", "attribute": "paid", "value": "true"}), "Beta 100%,Čolek,Delta"),
            (json!({"type": "arrayAnyOf", "attribute": "tags", "value": "x"}), "Alpha"),
            (json!({"type": "arrayAllOf", "attribute": "tags", "value": ["y", "z"]}), "Beta 100%"),
            (json!({"type": "arrayNoneOf", "attribute": "tags", "value": ["x"]}), "Beta 100%,Čolek,Delta"),
            (json!({"type": "arrayIsEmpty", "attribute": "tags"}), "Čolek,Delta"),
            (json!({"type": "arrayAnyOf", "attribute": "name", "value": ["x"]}), ""),
            (json!({"type": "linkedWith", "attribute": "account", "value": account}), "Alpha"),
            (json!({"type": "notLinkedWith", "attribute": "account", "value": [account]}), ""),
            (json!({"type": "isLinked", "attribute": "account"}), "Alpha"),
            (json!({"type": "isNotLinked", "attribute": "contacts"}), "Alpha,Beta 100%,Čolek,Delta"),
            (json!({"type": "equals", "attribute": "accountName", "value": "owner"}), "Alpha"),
            (json!({"type": "or", "value": []}), "Alpha,Beta 100%,Čolek,Delta"),
            (json!({"type": "or", "value": [{"type": "isTrue", "attribute": "paid"}, {"type": "equals", "attribute": "quantity", "value": 45}]}), "Alpha,Čolek"),
            (json!({"type": "any", "attribute": "kind"}), "Alpha,Beta 100%,Čolek,Delta"),
            (json!({"type": "none", "attribute": "kind"}), ""),
            (json!({"type": "on", "attribute": "dueDate", "value": "2026-11-24"}), "Alpha"),
            (json!({"type": "notOn", "attribute": "dueDate", "value": "2026-11-24"}), "Beta 100%,Čolek"),
            (json!({"type": "today", "attribute": "dueDate"}), "Alpha"),
            (json!({"type": "past", "attribute": "dueDate"}), "Čolek"),
            (json!({"type": "future", "attribute": "dueDate"}), "Beta 100%"),
            (json!({"type": "currentQuarter", "attribute": "dueDate"}), "Alpha,Beta 100%"),
            (json!({"type": "lastYear", "attribute": "dueDate"}), "Čolek"),
            (json!({"type": "nextXDays", "attribute": "dueDate", "value": 7}), "Alpha,Beta 100%"),
            (json!({"type": "today", "attribute": "sentAt", "dateTime": true, "timeZone": "UTC"}), "Alpha"),
            (json!({"type": "on", "attribute": "sentAt", "value": "2026-11-25", "dateTime": true, "timeZone": "Asia/Tokyo"}), "Alpha,Beta 100%"),
            (json!({"type": "equals", "attribute": "deleted", "value": 1}), ""),
            (json!({"type": "contains", "attribute": "name", "value": ["Alpha"]}), ""),
            (json!({"type": "notContains", "attribute": "name", "value": {"a": 1}}), "Alpha,Beta 100%,Čolek,Delta"),
            (json!({"type": "contains", "attribute": "name", "value": false}), "Alpha,Beta 100%,Čolek,Delta"),
            (json!({"type": "notLike", "attribute": "name", "value": ["alpha"]}), "Alpha"),
            (json!({"type": "notIn", "attribute": "name", "value": ["Alpha", null]}), ""),
            (json!({"type": "in", "attribute": "kind", "value": {"a": "A"}}), ""),
            (json!({"type": "before", "attribute": "dueDate", "value": "x"}), ""),
            (json!({"type": "after", "attribute": "sentAt", "value": "x"}), "Alpha,Beta 100%"),
            (json!({"type": "after", "attribute": "sentAt", "value": []}), ""),
            (json!({"type": "lessThan", "attribute": "name", "value": 1}), "Alpha,Beta 100%,Čolek,Delta"),
            (json!({"type": "greaterThan", "attribute": "accountName"}), ""),
            (json!({"type": "notLinkedWith", "attribute": "account", "value": []}), "Alpha,Beta 100%,Čolek,Delta"),
            (json!({"type": "inCategory", "attribute": "account"}), "Alpha,Beta 100%,Čolek,Delta"),
            (json!({"type": "past", "attribute": "deleted"}), "Alpha,Beta 100%,Čolek,Delta"),
            (json!({"type": "after", "attribute": "sentAt", "value": "now", "dateTime": true}), "Alpha,Beta 100%"),
            (json!({"type": "textFilter", "value": 0}), "Alpha,Beta 100%,Čolek,Delta"),
        ] {
            let found = api.found("CInvoice", json!({"where": [item], "orderBy": "name", "select": ["name"]}));
            assert_eq!(found.join(","), names, "{item}");
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_searches_are_rejected_with_real_messages() {
    let sim = custom::builder().start().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let api = Talk::api(&sim);
        let item = |v| json!({"where": [v]});
        for (params, status, reason) in [
            (item(json!({"type": "equals", "attribute": "noSuch", "value": 1})), 400, "Not existing attribute 'noSuch' in where."),
            (item(json!({"type": "nope", "attribute": "name"})), 400, "Unknown where item type 'nope'."),
            (item(json!({"type": "in", "attribute": "kind", "value": "A"})), 400, "Bad where item 'in'."),
            (item(json!({"type": "not", "value": []})), 400, "Sub-queries are forbidden in where."),
            (item(json!({"type": "equals", "attribute": "account.name", "value": "x"})), 400, "Complex expressions are forbidden in where."),
            (item(json!({"type": "isLinked", "attribute": "noSuch"})), 400, "Not existing relation 'noSuch' in where."),
            (item(json!({"type": "on", "attribute": "sentAt", "value": "2026-01-01", "dateTime": true, "timeZone": "Mars/Base"})), 400, "Bad timezone"),
            (item(json!({"type": "subQueryIn", "attribute": "noSuch", "value": "x"})), 400, "Sub-queries are forbidden in where."),
            (item(json!({"type": "isNull", "attribute": "name", "dateTime": true, "timeZone": "Mars/Base"})), 400, "Bad timezone"),
            (item(json!({"type": "on", "attribute": "sentAt", "value": "2026-13-01", "dateTime": true})), 400, "Bad date value or timezone."),
            (item(json!({"type": "before", "attribute": "sentAt", "value": ["x"], "dateTime": true})), 500, ""),
            (item(json!({"type": "and", "value": [], "dateTime": true})), 400, "Bad datetime where item. Empty 'attribute'."),
            (item(json!({"type": "having", "attribute": "name", "value": []})), 400, "Unknown where item type 'having'."),
            (item(json!({"type": "primary", "attribute": "name"})), 400, "Unknown where item type 'primary'."),
            (item(json!({"type": "bool", "value": {"a": 1}})), 400, "No bool filter '1' for 'CInvoice'."),
            (item(json!({"type": "or", "attribute": "contacts", "value": [{"type": ""}]})), 400, "Not existing attribute 'contacts' in where."),
            (item(json!({"type": "equals", "attribute": 5, "value": 1})), 400, "Complex expressions are forbidden in where."),
            (item(json!({"type": "linkedWith", "attribute": "account", "value": [0]})), 400, "Bad where item. Non-string ID."),
            (item(json!({"type": "isUserFromTeams", "attribute": "account", "value": "x"})), 400, "Record 'Team' `x` not found."),
            (item(json!({"type": "isUserFromTeams", "attribute": "account", "value": []})), 400, "Not supported link 'account' in where item."),
            (item(json!({"type": "inCategory", "attribute": "account", "value": []})), 500, ""),
            (item(json!({"type": "arrayAllOf", "attribute": "name", "value": 0})), 400, "Bad where item 'array'. No value."),
            (item(json!({"type": "textFilter", "value": []})), 500, ""),
            (item(json!({"type": "in", "attribute": "name", "value": [["x"]]})), 500, ""),
            (item(json!({"attribute": "name", "value": 1})), 500, ""),
            (item(json!({"type": "equals", "value": 1})), 500, ""),
            (item(json!({"type": "isNotNull", "attribute": "contactsIds"})), 500, ""),
            (item(json!("text")), 500, ""),
            (json!({"where": {"type": "equals"}}), 500, ""),
            (json!({"maxSize": "2"}), 400, "maxSize must be integer."),
            (json!({"maxSize": -1}), 500, ""),
            (json!({"orderBy": "noSuch"}), 400, "Order by non-existing field 'noSuch'."),
            (json!({"order": "sideways"}), 400, "order value is bad."),
            (json!({"primaryFilter": "nope"}), 400, "No primary filter 'nope' for 'CInvoice'."),
        ] {
            let answer = api.search("CInvoice", params.clone());
            assert_eq!((answer.status, answer.reason()), (status, reason), "{params}");
        }
        assert_eq!(api.get("CInvoice?maxSize=201").reason(), "Max size should not exceed 200. Use offset and limit.");
        assert_eq!(api.get("CInvoice?searchParams=5").status, 500);
        assert_eq!(api.get("CInvoice?boolFilterList=a,b").reason(), "No bool filter 'a,b' for 'CInvoice'.");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forbidden_fields_cannot_be_seen_or_searched() {
    let sim = Sim::start().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let api = Talk::api(&sim);
        let id = api.create(
            "Account",
            json!({"name": "A", "website": "https://a.example"}),
        );
        let weak = Talk::key(&sim, "api-weak");
        let read = weak.get(&format!("Account/{id}")).ok();
        assert!(
            read.get("website").is_none()
                && read.get("followersIds").is_none()
                && read.get("isFollowed").is_some()
        );
        let refused = weak.search(
            "Account",
            json!({"where": [{"type": "isNotNull", "attribute": "website"}]}),
        );
        assert_eq!(
            (refused.status, refused.reason()),
            (400, "Forbidden attribute 'website' in where.")
        );
        for (method, path, body, reason) in [
            (
                "PUT",
                format!("Account/{id}"),
                Some(json!({"name": "B"})),
                "No edit access.",
            ),
            ("DELETE", format!("Account/{id}"), None, "No delete access."),
        ] {
            let answer = weak.call(method, &path, body);
            assert_eq!((answer.status, answer.reason()), (403, reason));
        }
        let deal = api.create(
            "Opportunity",
            json!({"name": "d", "amount": 1, "closeDate": "2030-01-01"}),
        );
        assert_eq!(
            weak.get(&format!("Opportunity/{deal}")).reason(),
            "No 'read' access."
        );
        assert_eq!(weak.get("Opportunity").ok()["total"], json!(0));
        assert_eq!(weak.get("Contact").status, 403);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_ordered_paged_and_counted() {
    let sim = custom::builder().start().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let api = Talk::api(&sim);
        fill(&api);
        for (params, names) in [
            (json!({"orderBy": "name", "order": "desc"}), "Delta,Čolek,Beta 100%,Alpha"),
            (json!({"orderBy": "quantity"}), "Delta,Alpha,Beta 100%,Čolek"),
            (json!({"orderBy": "kind", "order": "desc", "maxSize": 1}), "Čolek"),
            (json!({"orderBy": "account", "order": "desc", "maxSize": 1}), "Alpha"),
            (json!({"orderBy": "total", "order": "DESC", "offset": 1, "maxSize": 2}), "Beta 100%,Alpha"),
            (json!({"orderBy": "name", "offset": 100}), ""),
            (json!({"maxSize": 0}), ""),
        ] {
            assert_eq!(api.found("CInvoice", params.clone()).join(","), names, "{params}");
        }
        let row = &api.get("CInvoice?select=name&maxSize=1").ok()["list"][0];
        let mut keys: Vec<_> = row.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        assert_eq!(keys, ["assignedUserId", "createdAt", "createdById", "id", "name", "subjectName"]);
        let trio = &api.get("CInvoice?select=contactsIds&maxSize=1").ok()["list"][0];
        assert!(trio.get("contactsIds").is_some() && trio.get("contactsNames").is_some());
        let uncounted = Talk::api(&sim).with("X-No-Total", "true");
        assert_eq!(uncounted.get("CInvoice?maxSize=2").ok()["total"], json!(-1));
        assert_eq!(uncounted.get("CInvoice?maxSize=4").ok()["total"], json!(-2));
        assert_eq!(api.get("CInvoice?q=Alp").ok()["total"], json!(-2));
        assert_eq!(api.get("CInvoice?where=abc&maxSize=1").ok()["total"], json!(4));
        assert_eq!(api.get("CInvoice?maxSize=abc").ok()["total"], json!(4));
        assert_eq!(api.get("CInvoice?where[0][type]=in&where[0][attribute]=kind&where[0][value][]=A&where[0][value][]=B").ok()["total"], json!(3));
        assert_eq!(api.get("CInvoice?whereGroup[][type]=isNull&whereGroup[][attribute]=kind").status, 500);
        assert_eq!(api.get("cInvoice?maxSize=1").ok()["total"], json!(4));
        assert_eq!(api.get("CINVOICE").reason(), "Controller 'CINVOICE' does not exist.");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn negated_address_filters_find_records_without_an_address() {
    let sim = Sim::start().await.unwrap();
    let api = Talk::api(&sim);
    for (name, address) in [
        ("Alpha", "x@y.example"),
        ("Beta", "z@y.example"),
        ("Gamma", ""),
    ] {
        api.create("Account", json!({"name": name, "emailAddress": address}));
    }
    for (type_, value, names) in [
        ("notEquals", json!("X@y.example"), "Beta,Gamma"),
        ("notIn", json!(["x@y.example", "z@y.example"]), "Gamma"),
        ("notIn", json!([null]), "Alpha,Beta,Gamma"),
        ("notContains", json!("z@"), "Alpha,Gamma"),
        ("notLike", json!("x%"), "Beta,Gamma"),
        ("notEquals", json!(null), "Alpha,Beta"),
    ] {
        let item = json!({"type": type_, "attribute": "emailAddress", "value": value});
        let found = api.found("Account", json!({"where": [item], "orderBy": "name"}));
        assert_eq!(found.join(","), names, "{item}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_to_one_record_ignore_the_page() {
    let sim = Sim::start().await.unwrap();
    let api = Talk::admin(&sim);
    let path = format!("Account/{}", api.create("Account", json!({"name": "A"})));
    for (query, total, rows) in [
        ("createdBy?maxSize=0", 1, 1),
        ("createdBy?maxSize=-1&offset=5", 1, 1),
        ("createdBy?textFilter=nobody", 0, 0),
        ("contacts?maxSize=0", 0, 0),
    ] {
        let list = api.get(&format!("{path}/{query}")).ok();
        assert_eq!(list["total"], json!(total), "{query}");
        assert_eq!(list["list"].as_array().unwrap().len(), rows, "{query}");
    }
    // The size of the page is checked before the record is looked up.
    assert_eq!(api.get("Account/nosuch/createdBy?maxSize=500").status, 403);
    let uncounted = Talk::admin(&sim).with("X-No-Total", "true");
    for (query, total) in [("maxSize=-1", -1), ("maxSize=0", -2), ("maxSize=1e1", -2)] {
        let list = uncounted.get(&format!("Account?{query}")).ok();
        assert_eq!(list["total"], json!(total), "{query}");
    }
}
