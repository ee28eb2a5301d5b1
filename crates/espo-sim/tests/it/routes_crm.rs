//! Leads, target lists, meetings, boards, categories, searches across records.

use crate::common::Talk;
use espo_sim::Sim;
use serde_json::{Value as Json, json};

async fn sim() -> Sim {
    Sim::start().await.expect("a server")
}

fn names(list: &Json) -> Vec<&str> {
    list["list"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|r| r["name"].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_are_converted_to_the_requested_records() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let lead = api.create("Lead", json!({
        "firstName": "Lee", "lastName": "Adder", "accountName": "Leadco", "emailAddress": "lee@leadco.example", "source": "Web Site",
        "opportunityAmount": 1500.5,
    }));
    let offered = api
        .post("Lead/action/getConvertAttributes", json!({"id": lead}))
        .ok();
    assert_eq!(offered["Account"]["name"], json!("Leadco"));
    assert_eq!(
        (
            &offered["Contact"]["lastName"],
            &offered["Contact"]["emailAddress"]
        ),
        (&json!("Adder"), &json!("lee@leadco.example"))
    );
    assert_eq!(
        (
            &offered["Opportunity"]["amount"],
            &offered["Opportunity"]["leadSource"]
        ),
        (&json!(1500.5), &json!("Web Site"))
    );
    let records = json!({"Account": {"name": "Leadco"}, "Contact": {"firstName": "Lee", "lastName": "Adder"}});
    let converted = api
        .post(
            "Lead/action/convert",
            json!({"id": lead, "records": records}),
        )
        .ok();
    assert_eq!(converted["status"], json!("Converted"));
    let contact = api
        .get(&format!(
            "Contact/{}",
            converted["createdContactId"].as_str().expect("a contact")
        ))
        .ok();
    assert_eq!(contact["accountId"], converted["createdAccountId"]);
    assert_eq!(converted["createdOpportunityId"], Json::Null);

    let again = api.post(
        "Lead/action/convert",
        json!({"id": lead, "records": {"Account": {"name": "Leadco"}}}),
    );
    assert_eq!((again.status, again.reason()), (409, "duplicate"));
    assert_eq!(again.json()[0]["_entityType"], json!("Account"));
    let skipped = api.post(
        "Lead/action/convert",
        json!({"id": lead, "records": {"Account": {"name": "Leadco"}}, "skipDuplicateCheck": true}),
    );
    assert_eq!(skipped.status, 200);
    assert_eq!(
        api.post(
            "Lead/action/convert",
            json!({"id": "0123456789abcdef0", "records": {}})
        )
        .status,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_target_lists_opt_out_and_in() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let list = api.create("TargetList", json!({"name": "TL"}));
    let contact = api.create("Contact", json!({"lastName": "C"}));
    api.post(
        &format!("TargetList/{list}/contacts"),
        json!({"id": contact}),
    )
    .ok();
    let member = json!({"id": list, "targetType": "Contact", "targetId": contact});
    assert_eq!(
        api.post("TargetList/action/optOut", member.clone()).ok(),
        json!(true)
    );
    let read = api.get(&format!("TargetList/{list}")).ok();
    assert_eq!(
        (&read["entryCount"], &read["optedOutCount"]),
        (&json!(1), &json!(1))
    );
    let out = api.get(&format!("TargetList/{list}/optedOut")).ok();
    assert_eq!(
        (
            &out["total"],
            &out["list"][0]["id"],
            &out["list"][0]["_scope"]
        ),
        (&json!(1), &json!(contact), &json!("Contact"))
    );
    api.post("TargetList/action/cancelOptOut", member).ok();
    assert_eq!(
        api.get(&format!("TargetList/{list}/optedOut")).ok()["total"],
        json!(0)
    );
    assert_eq!(
        api.post(
            "TargetList/action/unlinkAll",
            json!({"id": list, "link": "contacts"})
        )
        .ok(),
        json!(true)
    );
    assert_eq!(
        api.get(&format!("TargetList/{list}")).ok()["entryCount"],
        json!(0)
    );
    assert_eq!(
        api.post(
            "TargetList/action/unlinkAll",
            json!({"id": list, "link": "teams"})
        )
        .status,
        400
    );
    assert_eq!(
        api.post("TargetList/action/optOut", json!({"id": list}))
            .status,
        400
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn meetings_list_attendees_and_can_be_set_held() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let me = sim
        .users()
        .find(|u| u.user_name == "api-key")
        .expect("the user")
        .id
        .clone();
    let contact = api.create("Contact", json!({"lastName": "Guest"}));
    let meeting = api.create("Meeting", json!({
        "name": "M", "assignedUserId": me, "dateStart": "2030-01-01 10:00:00", "dateEnd": "2030-01-01 11:00:00", "status": "Planned",
        "usersIds": [me], "contactsIds": [contact],
    }));
    assert_eq!(
        api.post(
            "Meeting/action/setAcceptanceStatus",
            json!({"id": meeting, "status": "Accepted"})
        )
        .ok(),
        json!(true)
    );
    let attendees = api.get(&format!("Meeting/{meeting}/attendees")).ok();
    let of = |id: &str| {
        let list = attendees["list"].as_array().expect("a list");
        list.iter()
            .find(|a| a["id"] == json!(id))
            .map(|a| a["acceptanceStatus"].clone())
    };
    assert_eq!(
        (of(&me), of(&contact)),
        (Some(json!("Accepted")), Some(json!("None")))
    );
    assert_eq!(
        api.post("Meeting/action/massSetHeld", json!({"ids": [meeting]}))
            .ok(),
        json!(true)
    );
    assert_eq!(
        api.get(&format!("Meeting/{meeting}")).ok()["status"],
        json!("Held")
    );
    api.post("Meeting/action/massSetNotHeld", json!({"ids": [meeting]}))
        .ok();
    assert_eq!(
        api.get(&format!("Meeting/{meeting}")).ok()["status"],
        json!("Not Held")
    );
    let none = api.post("Account/action/massSetHeld", json!({"ids": []}));
    assert_eq!(
        (none.status, none.reason()),
        (
            404,
            "Action POST 'massSetHeld' does not exist in controller 'Account'."
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn activities_of_a_record_are_upcoming_or_past() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let me = sim
        .users()
        .find(|u| u.user_name == "api-key")
        .expect("the user")
        .id
        .clone();
    let contact = api.create("Contact", json!({"lastName": "C"}));
    for (name, status) in [("Past", "Held"), ("Next", "Planned")] {
        api.create("Meeting", json!({
            "name": name, "assignedUserId": me, "dateStart": "2030-01-01 10:00:00", "dateEnd": "2030-01-01 11:00:00", "status": status,
            "contactsIds": [contact],
        }));
    }
    assert_eq!(
        names(
            &api.get(&format!("Activities/Contact/{contact}/activities"))
                .ok()
        ),
        ["Next"]
    );
    let history = api
        .get(&format!("Activities/Contact/{contact}/history"))
        .ok();
    assert_eq!(
        (names(&history), &history["list"][0]["_scope"]),
        (vec!["Past"], &json!("Meeting"))
    );
    let typed = api
        .get(&format!(
            "Activities/Contact/{contact}/activities/list/Meeting?select=name,status"
        ))
        .ok();
    assert_eq!(
        (names(&typed), &typed["list"][0]["status"]),
        (vec!["Next"], &json!("Planned"))
    );
    assert_eq!(
        api.get(&format!(
            "Activities/Contact/{contact}/activities/list/Task"
        ))
        .status,
        500
    );
    let calendar = api
        .get(&format!(
            "Activities?userId={me}&from=2029-12-31%2000:00:00&to=2030-01-02%2000:00:00"
        ))
        .ok();
    assert_eq!(calendar.as_array().map(Vec::len), Some(2));
    assert_eq!(
        api.get(&format!(
            "Activities?userId={me}&from=2029-01-01%2000:00:00&to=2030-01-02%2000:00:00"
        ))
        .status,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_groups_by_status() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    for (name, status) in [("a", "New"), ("b", "Assigned"), ("c", "New")] {
        api.create("Case", json!({"name": name, "status": status}));
    }
    let board = api.get("Kanban/Case").ok();
    assert_eq!(board["total"], json!(3));
    let groups = board["groups"].as_array().expect("groups");
    let new = groups
        .iter()
        .find(|g| g["name"] == json!("New"))
        .expect("a group");
    assert_eq!((new["total"].as_i64(), names(new).len()), (Some(2), 2));
    let first = |board: &Json| board["list"][0]["id"].as_str().expect("an id").to_owned();
    let last = new["list"][1]["id"].as_str().expect("an id").to_owned();
    assert_ne!(first(&board), last);
    let order = json!({"entityType": "Case", "group": "New", "ids": [last]});
    assert_eq!(api.put("Kanban/order", order).ok(), json!(true));
    assert_eq!(first(&api.get("Kanban/Case").ok()), last);
    let none = api.get("Kanban/Account");
    assert_eq!(
        (none.status, none.reason()),
        (500, "No status field for entity type 'Account'.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_global_search_is_not_counted() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    api.create("Account", json!({"name": "Zebra Ltd"}));
    api.create("Contact", json!({"lastName": "Zebra"}));
    let found = api.get("GlobalSearch?q=zebra").ok();
    let mut scopes: Vec<&str> = found["list"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|r| r["_scope"].as_str())
        .collect();
    scopes.sort_unstable();
    assert_eq!(
        (found["total"].as_i64(), scopes),
        (Some(-2), vec!["Account", "Contact"])
    );
    assert_eq!(
        api.get("GlobalSearch?q=zebra&maxSize=1").ok()["total"],
        json!(-1)
    );
    let empty = api.get("GlobalSearch?q=");
    assert_eq!((empty.status, empty.reason()), (400, "No `q` parameter."));
}

#[tokio::test(flavor = "multi_thread")]
async fn categories_are_a_tree_that_can_be_rearranged() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let make = |name: &str, parent: Option<&str>| {
        api.create(
            "KnowledgeBaseCategory",
            json!({"name": name, "parentId": parent}),
        )
    };
    let top = make("Top", None);
    let [one, two] = ["One", "Two"].map(|n| make(n, Some(&top)));
    let leaf = make("Leaf", Some(&one));
    let tree = api
        .get("KnowledgeBaseCategory/action/listTree?maxDepth=3")
        .ok();
    assert_eq!(names(&tree), ["Top"]);
    assert_eq!(
        tree["list"][0]["childList"][0]["childList"][0]["name"],
        json!("Leaf")
    );
    let below = api
        .get(&format!(
            "KnowledgeBaseCategory/action/listTree?parentId={one}"
        ))
        .ok();
    assert_eq!(
        (&below["path"], &below["data"]["upperId"]),
        (&json!([top, one]), &json!(top))
    );
    assert_eq!(
        api.get(&format!(
            "KnowledgeBaseCategory/action/lastChildrenIdList?parentId={top}"
        ))
        .ok(),
        json!([two])
    );
    let into = |id: &str, reference: &str, how: &str| {
        api.post(
            "KnowledgeBaseCategory/action/move",
            json!({"id": id, "referenceId": reference, "type": how}),
        )
    };
    assert_eq!(into(&two, &one, "before").ok(), json!(true));
    let children = api
        .get(&format!(
            "KnowledgeBaseCategory/action/listTree?parentId={top}"
        ))
        .ok();
    assert_eq!(names(&children), ["Two", "One"]);
    assert_eq!(into(&leaf, &two, "into").ok(), json!(true));
    assert_eq!(
        api.get(&format!("KnowledgeBaseCategory/{leaf}")).ok()["parentId"],
        json!(two)
    );
    assert_eq!(into(&top, &leaf, "into").status, 403, "below itself");
    assert_eq!(api.get("Account/action/listTree").status, 404);
}
