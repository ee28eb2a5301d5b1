//! Who may own what: assignment permissions, and the order in which references are checked.

use espo_sim::{Role, Sim, Users};
use serde_json::{Value as Json, json};

use crate::common::Talk;

const TEAM: &str = "6500000000000a001";
const DENIED: &str = "Assignment failure: assigned user or team not allowed.";

/// A server whose users all have one role with this assignment permission, and belong to one team.
async fn with_permission(level: &str) -> Sim {
    let mut users = Users::sample();
    let rights =
        json!({"create": "yes", "read": "all", "edit": "all", "delete": "no", "stream": "no"});
    let role = Role {
        id: "6500000000000a002".to_owned(),
        name: "R".to_owned(),
        data: json!({"Case": rights, "Account": rights}),
        permissions: [("assignmentPermission".to_owned(), json!(level))]
            .into_iter()
            .collect(),
        ..Role::default()
    };
    users.teams[0].id = TEAM.to_owned();
    for user in &mut users.users {
        user.roles_ids = vec![role.id.clone()];
        user.teams_ids = vec![TEAM.to_owned()];
    }
    users.roles = vec![role];
    let started = Sim::builder().users(users).start().await;
    started.expect("the server starts")
}

fn id_of(sim: &Sim, kind: &str) -> String {
    let user = sim.users().find(|u| u.type_ == kind);
    user.expect("a user").id.clone()
}

fn reason(api: &Talk, body: Json) -> String {
    api.post("Case", body).reason().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_the_permission_owns_what_it_creates() {
    let sim = with_permission("no").await;
    let (regular, api) = (Talk::regular(&sim), Talk::api(&sim));
    let admin = id_of(&sim, "admin");
    for body in [
        json!({"name": "a"}),
        json!({"name": "b", "assignedUserId": admin}),
    ] {
        let made = regular.post("Case", body).ok();
        assert_eq!(made["assignedUserId"], json!(id_of(&sim, "regular")));
        let path = format!("Case/{}", made["id"].as_str().expect("an id"));
        let freed = regular.put(&path, json!({"assignedUserId": null}));
        assert_eq!((freed.status, freed.reason()), (403, DENIED));
    }
    // API users may leave records unassigned.
    assert_eq!(api.post("Case", json!({"name": "c"})).status, 200);
    let foreign = json!({"name": "d", "assignedUserId": admin});
    assert_eq!(reason(&api, foreign), DENIED);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_team_assign_to_themselves_or_to_the_team() {
    let sim = with_permission("team").await;
    let api = Talk::api(&sim);
    assert_eq!(reason(&api, json!({"name": "a"})), DENIED);
    assert_eq!(reason(&api, json!({"name": "b", "teamsIds": []})), DENIED);
    assert_eq!(reason(&api, json!({"name": "c", "teamsIds": [TEAM]})), "");
    let mine = json!({"name": "d", "assignedUserId": id_of(&sim, "api")});
    let case = api.create("Case", mine);
    let path = format!("Case/{case}");
    let freed = api.put(&path, json!({"assignedUserId": null}));
    assert_eq!((freed.status, freed.reason()), (403, DENIED));
}

#[tokio::test(flavor = "multi_thread")]
async fn sets_are_checked_before_single_references_and_later_links_first() {
    let sim = Sim::start().await.expect("a server");
    let api = Talk::api(&sim);
    let missing = "0123456789abcdef0";
    for (body, link) in [
        (
            json!({"attachmentsIds": [missing], "teamsIds": [missing]}),
            "teams",
        ),
        (
            json!({"accountId": missing, "attachmentsIds": [missing]}),
            "attachments",
        ),
        (
            json!({"assignedUserId": missing, "leadId": missing}),
            "lead",
        ),
    ] {
        let mut body = body;
        body["name"] = json!("N");
        let expected =
            format!("Can't relate with non-existing record. entity type: Case, link: {link}.");
        assert_eq!(reason(&api, body), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inactive_users_are_known_to_administrators_only() {
    let sim = Sim::start().await.expect("a server");
    let (api, admin) = (Talk::api(&sim), Talk::admin(&sim));
    let user = id_of(&sim, "regular");
    admin
        .put(&format!("User/{user}"), json!({"isActive": false}))
        .ok();
    let path = format!("User/{user}");
    assert_eq!(api.get(&path).reason(), "No 'read' access.");
    assert_eq!(admin.get(&path).status, 200);
    let assigned = json!({"name": "N", "assignedUserId": user});
    let expected = "No foreign record access for link operation (Case:assignedUser).";
    assert_eq!(reason(&api, assigned), expected);
}
