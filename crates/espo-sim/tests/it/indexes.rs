//! Indexes find the same records as scans while records are created, changed and deleted.

use crate::common::Talk;
use espo_sim::Sim;
use serde_json::{Map, Value as Json, json};

fn object(value: Json) -> Map<String, Json> {
    value.as_object().cloned().expect("an object")
}

/// Contacts with names and dates that many share, among them accented, empty and upper-case ones.
fn fill(sim: &Sim) {
    let first = ["Jane", "JANE", "Jané", "Jo", "Mary Ann", ""];
    let last = ["Roe", "roe", "Röe", "van der Berg", "Ro", ""];
    for n in 0..1_800 {
        let (a, b) = (first[n % 6], last[n / 6 % 6]);
        let record = json!({
            "firstName": a,
            "lastName": b,
            "emailAddress": (n % 4 != 0).then(|| format!("{}{}@x{}.example", a.replace(' ', "."), n % 50, n % 3)),
            "createdAt": format!("2026-01-{:02} 08:00:00", n % 28 + 1),
            "modifiedAt": format!("2026-02-{:02} 08:00:00", n % 5 + 1),
        });
        sim.insert("Contact", &object(record)).expect("a contact");
    }
}

/// The IDs that a search finds, and its total.
fn ids(api: &Talk, params: &Json) -> (Json, Vec<String>) {
    let answer = api.search("Contact", params.clone()).ok();
    let rows = answer["list"].as_array().expect("a list");
    let ids = rows
        .iter()
        .map(|r| r["id"].as_str().unwrap_or_default().to_owned());
    (answer["total"].clone(), ids.collect())
}

/// Two searches for the same records: `searched` uses an index, `scanned` has a form for which there is no index.
fn agree(api: &Talk, searched: Json, scanned: Json) -> usize {
    let (by_index, by_scan) = (ids(api, &searched), ids(api, &scanned));
    assert_eq!(by_index, by_scan, "{searched}");
    by_index.1.len()
}

fn compare(api: &Talk, some_id: &str) {
    let mut found = 0;
    for item in [
        json!({"type": "equals", "attribute": "lastName", "value": "ROE "}),
        json!({"type": "equals", "attribute": "emailAddress", "value": "JANE1@x1.example"}),
        json!({"type": "equals", "attribute": "id", "value": some_id}),
        json!({"type": "in", "attribute": "id", "value": [some_id, "none", some_id]}),
        json!({"type": "startsWith", "attribute": "firstName", "value": "mary a"}),
        json!({"type": "startsWith", "attribute": "firstName", "value": "J_n"}),
        json!({"type": "startsWith", "attribute": "emailAddress", "value": "jo4"}),
        json!({"type": "startsWith", "attribute": "lastName", "value": "nobody"}),
        json!({"type": "endsWith", "attribute": "lastName", "value": "Berg"}),
        json!({"type": "endsWith", "attribute": "emailAddress", "value": "@x2.example"}),
        json!({"type": "endsWith", "attribute": "firstName", "value": "ne "}),
    ] {
        let one = json!({"where": [item], "orderBy": "createdAt", "maxSize": 100, "offset": 3});
        let alike = json!({"where": [{"type": "or", "value": [item]}],
                           "orderBy": "createdAt", "maxSize": 100, "offset": 3});
        found += agree(api, one, alike);
    }
    for text in [
        "jane",
        "jané roe",
        "roe ja",
        "mary ann van",
        "berg",
        "jo4",
        "ANN",
        "jo7@x1",
    ] {
        let searched = json!({"textFilter": text, "maxSize": 150});
        let scanned = json!({"textFilter": format!("{text}*"), "maxSize": 150});
        found += agree(api, searched, scanned);
    }
    // A pattern that begins with two wildcards means the same and has no index.
    for text in [
        "*né",
        "*der berg",
        "*ry ann",
        "*.example",
        "*1@x1.example",
        "*nobody",
    ] {
        let searched = json!({"textFilter": text, "maxSize": 150});
        let scanned = json!({"textFilter": format!("*{text}"), "maxSize": 150});
        found += agree(api, searched, scanned);
    }
    assert!(found > 500, "{found}");
}

/// Pages by key: uncounted ones use an index, counted ones do not.
fn walk(api: &Talk, attribute: &str, order: &str) -> usize {
    let uncounted = Talk::api(api.sim).with("X-No-Total", "true");
    let (beyond, mut conditions) = (
        if order == "asc" {
            "greaterThan"
        } else {
            "lessThan"
        },
        vec![json!({"type": "isNotNull", "attribute": attribute})],
    );
    let mut seen = 0;
    loop {
        let params = json!({"where": conditions, "orderBy": attribute, "order": order,
                            "select": [attribute], "maxSize": 100});
        let answer = uncounted.search("Contact", params.clone()).ok();
        let counted = api.search("Contact", params).ok();
        assert_eq!(answer["list"], counted["list"], "{attribute} {order}");
        let rows = answer["list"].as_array().expect("a list");
        let more = counted["total"].as_u64() > Some(rows.len() as u64);
        assert_eq!(answer["total"], if more { -1 } else { -2 });
        seen += rows.len();
        let Some(last) = rows.last().filter(|_| more) else {
            return seen;
        };
        let (value, id) = (&last[attribute], &last["id"]);
        conditions = vec![json!({"type": "or", "value": [
            {"type": beyond, "attribute": attribute, "value": value},
            {"type": "and", "value": [
                {"type": "equals", "attribute": attribute, "value": value},
                {"type": beyond, "attribute": "id", "value": id},
            ]},
        ]})];
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_and_scans_return_the_same_records() {
    let sim = Sim::builder()
        .seed(3)
        .request_log(0)
        .start()
        .await
        .expect("a server");
    tokio::task::spawn_blocking(move || {
        fill(&sim);
        let api = Talk::api(&sim);
        let (_, some) = ids(&api, &json!({"maxSize": 60, "orderBy": "id", "order": "desc"}));
        compare(&api, &some[0]);
        for (attribute, expected) in [("id", 1_800), ("createdAt", 1_800), ("modifiedAt", 1_800)] {
            for order in ["asc", "desc"] {
                assert_eq!(walk(&api, attribute, order), expected, "{attribute}");
            }
        }
        let none = json!({"where": [{"type": "isNull", "attribute": "modifiedAt"}], "orderBy": "modifiedAt"});
        let uncounted = Talk::api(&sim).with("X-No-Total", "true");
        assert_eq!(ids(&uncounted, &none), (json!(-2), Vec::new()));
        // The indexes exist by now and must follow changes.
        for (n, id) in some.iter().enumerate() {
            match n % 3 {
                0 => drop(api.delete(&format!("Contact/{id}")).ok()),
                1 => drop(
                    api.put(&format!("Contact/{id}"), json!({"firstName": "Jane", "lastName": "Berg", "emailAddress": "jo4@y.example"})).ok(),
                ),
                _ => drop(api.create("Contact", json!({"firstName": "Mary", "lastName": format!("Ann {n}")}))),
            }
        }
        compare(&api, &some[1]);
        for attribute in ["id", "createdAt"] {
            assert_eq!(walk(&api, attribute, "asc"), 1_800);
        }
    })
    .await
    .expect("no panic");
}
