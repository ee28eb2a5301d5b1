//! Custom entity types of the type Event.

use espo_schema::Schema;
use espo_sim::{Sim, Version};
use serde_json::json;

use crate::common::Talk;

async fn server(version: &str) -> Sim {
    let fields = json!({
        "name": {"type": "varchar", "required": true},
        "status": {"type": "enum", "options": ["Planned", "Held", "Not Held"], "default": "Planned"},
        "dateStart": {"type": "datetimeOptional", "required": true},
        "dateEnd": {"type": "datetimeOptional", "required": true, "after": "dateStart", "suppressValidationList": ["required"]},
        "dateStartDate": {"type": "date", "utility": true},
        "dateEndDate": {"type": "date", "utility": true},
        "isAllDay": {"type": "bool"},
        "duration": {"type": "duration", "start": "dateStart", "end": "dateEnd", "default": 300, "notStorable": true,
            "select": {"select": "TIMESTAMPDIFF_SECOND:(dateStart, dateEnd)"}},
        "createdAt": {"type": "datetime", "readOnly": true},
        "ref": {"type": "number", "prefix": "R-"},
    });
    let overlay = json!({
        "entityDefs": {"CShow": {"fields": fields, "links": {}, "collection": {"orderBy": "dateStart", "order": "desc"}}},
        "scopes": {"CShow": {"entity": true, "object": true, "acl": true, "type": "Event", "isCustom": true}},
    });
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("custom.json");
    std::fs::write(&path, overlay.to_string()).expect("the file is written");
    let schema = Schema::stock().overlay(&[path]).expect("valid metadata");
    let version: Version = version.parse().expect("a version");
    let started = Sim::builder().schema(schema).version(version).start().await;
    started.expect("the server starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn days_become_times() {
    let days = json!({"name": "N", "dateStartDate": "2026-12-01", "dateEndDate": "2026-12-02"});
    for (version, is_all_day, start, end) in [
        (
            "9.3",
            false,
            json!("2026-12-01 00:00:00"),
            json!("2026-12-03 00:00:00"),
        ),
        (
            "10.0",
            true,
            json!("2026-12-01 00:00:00"),
            json!("2026-12-03 00:00:00"),
        ),
        ("10.0", false, json!(null), json!(null)),
    ] {
        let sim = server(version).await;
        let api = Talk::api(&sim);
        let mut body = days.clone();
        body["isAllDay"] = json!(is_all_day);
        let path = format!("CShow/{}", api.create("CShow", body));
        let read = api.get(&path).ok();
        assert_eq!(
            (&read["dateStart"], &read["dateEnd"]),
            (&start, &end),
            "{version}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_has_a_duration_and_filters_by_status() {
    let sim = server("9.3").await;
    let api = Talk::api(&sim);
    let times =
        json!({"name": "N", "dateStart": "2026-12-01 10:00:00", "dateEnd": "2026-12-01 11:00:00"});
    let made = api.post("CShow", times).ok();
    // The response to the create contains the default, and a number without padding.
    assert_eq!(
        (&made["duration"], &made["ref"]),
        (&json!(300), &json!("R-1"))
    );
    let path = format!("CShow/{}", made["id"].as_str().expect("an id"));
    assert_eq!(api.get(&path).ok()["duration"], json!(3600));
    let moved = api
        .put(&path, json!({"dateStart": "2026-12-05 10:00:00"}))
        .ok();
    assert_eq!(moved["dateEnd"], json!("2026-12-05 11:00:00"));
    for (filter, total) in [("planned", 1), ("held", 0), ("todays", 0)] {
        let found = api.search("CShow", json!({"primaryFilter": filter})).ok();
        assert_eq!(found["total"], json!(total), "{filter}");
    }
}
