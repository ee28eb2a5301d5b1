//! Each typed call sends what the API's documentation says and reads what the
//! server answers.

use std::sync::{Arc, Mutex};

use espo_core::actions::activities::Side;
use espo_core::actions::crm::Conversion;
use espo_core::actions::email::Mark;
use espo_core::actions::export::Format;
use espo_core::actions::import::{ImportAction, ImportSettings};
use espo_core::actions::mass::UpdateMode;
use espo_core::actions::stream::{NewPost, StreamQuery};
use espo_core::actions::{JobStatus, Polling, Selection};
use espo_core::http::Method;
use espo_core::{Client, Error, JsonObject, SearchParams, Total, WhereItem};
use serde_json::{Value, json};

use crate::server::{Act, Seen, Server, bytes, json as answer};

/// A client, and a server that gives the answer set last.
struct Bench {
    server: Server,
    crm: Client,
    answer: Arc<Mutex<String>>,
}

impl Bench {
    async fn new() -> Self {
        let next = Arc::new(Mutex::new(String::new()));
        let given = Arc::clone(&next);
        let server = Server::start(move |_, _| answer(200, &given.lock().unwrap())).await;
        let crm = server.client();
        Self {
            server,
            crm,
            answer: next,
        }
    }

    fn gives(&self, body: &str) -> &Client {
        *self.answer.lock().unwrap() = body.to_owned();
        &self.crm
    }

    /// Checks the last request: `METHOD path?query` after the API base, and its body.
    #[track_caller]
    fn sent(&self, line: &str, body: Value) {
        let seen: Seen = self.server.last();
        let target = seen.target.strip_prefix("/api/v1/").unwrap();
        assert_eq!(format!("{} {target}", seen.method), line);
        if body.is_null() {
            assert!(
                seen.body.is_empty(),
                "{:?}",
                String::from_utf8_lossy(&seen.body)
            );
        } else {
            assert_eq!(seen.json(), body);
            assert_eq!(seen.header("Content-Type"), Some("application/json"));
        }
    }
}

fn object(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn the_instance() {
    let bench = Bench::new().await;
    let user = bench
        .gives(r#"{"user":{"id":"1","userName":"bob","type":"admin","token":"t"},"token":"t","acl":{"table":{}},"language":"en_US"}"#)
        .app()
        .user()
        .await
        .unwrap();
    bench.sent("GET App/user", Value::Null);
    assert_eq!((user.id(), user.user_name()), (Some("1"), Some("bob")));
    assert!(user.is_admin() && !user.user.contains_key("token"));

    let about = bench
        .gives(r#"{"text":"…","version":"9.3.10"}"#)
        .app()
        .about()
        .await
        .unwrap();
    bench.sent("GET App/about", Value::Null);
    assert_eq!(about.numbers(), Some((9, 3, 10)));

    bench.gives("{}").app().params().await.unwrap();
    bench.sent("GET App/appParams", Value::Null);
    bench
        .gives(r#"{"version":"9"}"#)
        .app()
        .settings()
        .await
        .unwrap();
    bench.sent("GET Settings", Value::Null);
    let values = object(json!({"timeZone": "UTC"}));
    bench
        .gives("{}")
        .app()
        .update_settings(&values)
        .await
        .unwrap();
    bench.sent("PUT Settings", json!({"timeZone": "UTC"}));
    bench.gives("{}").app().metadata().await.unwrap();
    bench.sent("GET Metadata", Value::Null);
    let at = bench
        .gives(r#"["a"]"#)
        .app()
        .metadata_at("entityDefs.Lead")
        .await
        .unwrap();
    bench.sent("GET Metadata?key=entityDefs.Lead", Value::Null);
    assert_eq!(at, Some(json!(["a"])));
    assert_eq!(
        bench.gives("").app().metadata_at("no.such").await.unwrap(),
        None
    );
    bench.gives("[]").app().i18n(true).await.unwrap();
    bench.sent("GET I18n?default=true", Value::Null);
    bench.gives("{}").app().open_api(true).await.unwrap();
    bench.sent("GET OpenApi?skipCustom=true", Value::Null);
    let found = bench
        .gives(r#"{"total":-1,"list":[{"id":"1","_scope":"Account"}]}"#)
        .app()
        .global_search("a&b", 0, 5)
        .await
        .unwrap();
    bench.sent("GET GlobalSearch?q=a%26b&offset=0&maxSize=5", Value::Null);
    assert_eq!(found.total, Total::More);
    bench
        .gives(r#"{"total":0,"list":[]}"#)
        .app()
        .last_viewed()
        .await
        .unwrap();
    bench.sent("GET LastViewed", Value::Null);
}

#[tokio::test]
async fn users_and_preferences() {
    let bench = Bench::new().await;
    bench.gives("{}").user("7").preferences().await.unwrap();
    bench.sent("GET Preferences/7", Value::Null);
    let values = object(json!({"language": "de_DE"}));
    bench
        .gives("{}")
        .user("7")
        .update_preferences(&values)
        .await
        .unwrap();
    bench.sent("PUT Preferences/7", json!({"language": "de_DE"}));
    bench
        .gives("{}")
        .user("7")
        .reset_preferences()
        .await
        .unwrap();
    bench.sent("DELETE Preferences/7", Value::Null);
    bench.gives("{}").user("7").acl().await.unwrap();
    bench.sent("GET User/7/acl", Value::Null);
    let secret = |text: &str| espo_core::secrecy::SecretString::from(text);
    bench
        .gives("true")
        .change_password(&secret("old"), &secret("new"))
        .await
        .unwrap();
    bench.sent(
        "PUT UserSecurity/password",
        json!({"currentPassword": "old", "password": "new"}),
    );
    bench
        .gives("{}")
        .user("7")
        .generate_api_key()
        .await
        .unwrap();
    bench.sent("POST UserSecurity/apiKey/generate", json!({"id": "7"}));
    bench
        .gives("true")
        .user("7")
        .generate_password()
        .await
        .unwrap();
    bench.sent("POST UserSecurity/password/generate", json!({"id": "7"}));
    bench
        .gives("true")
        .user("7")
        .send_password_link()
        .await
        .unwrap();
    bench.sent("POST UserSecurity/password/recovery", json!({"id": "7"}));
    bench.gives("{}").user("7").security().await.unwrap();
    bench.sent("GET UserSecurity/7", Value::Null);
    let values = object(json!({"auth2FA": false}));
    bench
        .gives("{}")
        .user("7")
        .update_security(&values)
        .await
        .unwrap();
    bench.sent("PUT UserSecurity/7", json!({"auth2FA": false}));
}

const NOTES: &str = r#"{"total":1,"list":[{"id":"n1","number":5,"type":"Update","data":{"fields":["a"]},"isPinned":false}],"pinnedList":[{"id":"n2","type":"Post","post":"Hi","data":null}]}"#;

#[tokio::test]
async fn reading_streams() {
    let bench = Bench::new().await;
    let plain = StreamQuery::new();
    let after: jiff::Timestamp = "2026-01-31T08:00:00Z".parse().unwrap();
    let query = StreamQuery::new()
        .max_size(5)
        .after(after)
        .before_number(9)
        .posts()
        .skip_own();
    let page = bench.gives(NOTES).stream().own(&query).await.unwrap();
    bench.sent(
        "GET Stream?maxSize=5&after=2026-01-31%2008%3A00%3A00&beforeNumber=9&filter=posts&skipOwn=true",
        Value::Null,
    );
    assert_eq!(
        (page.list[0].number, page.list[0].kind.as_str()),
        (Some(5), "Update")
    );
    assert_eq!(page.list[0].other["isPinned"], false);
    assert_eq!(page.pinned_list[0].post.as_deref(), Some("Hi"));

    bench.gives(NOTES).stream().global(&plain).await.unwrap();
    bench.sent("GET GlobalStream", Value::Null);
    bench
        .gives(NOTES)
        .stream()
        .by_user("u", &plain.clone().offset(3).updates())
        .await
        .unwrap();
    bench.sent("GET User/u/stream/own?offset=3&filter=updates", Value::Null);
    bench
        .gives(NOTES)
        .stream()
        .of("Case", "1", &plain)
        .await
        .unwrap();
    bench.sent("GET Case/1/stream", Value::Null);
    bench
        .gives(NOTES)
        .stream()
        .posts_of("Case", "1", &plain)
        .await
        .unwrap();
    bench.sent("GET Case/1/posts", Value::Null);
    bench
        .gives(NOTES)
        .stream()
        .updates_of("Case", "1", &plain)
        .await
        .unwrap();
    bench.sent("GET Case/1/updateStream", Value::Null);
    bench
        .gives(r#"{"total":0,"list":[]}"#)
        .stream()
        .attachments_of("Case", "1", 0, 5)
        .await
        .unwrap();
    bench.sent(
        "GET Case/1/streamAttachments?offset=0&maxSize=5",
        Value::Null,
    );
}

#[tokio::test]
async fn writing_notes() {
    let bench = Bench::new().await;
    let note = r#"{"id":"n1","type":"Post","post":"Hi"}"#;
    let post = NewPost::on("Case", "1", "Hi @bob")
        .internal()
        .attachments(["a1"]);
    assert_eq!(
        bench.gives(note).stream().post(&post).await.unwrap().id,
        "n1"
    );
    bench.sent(
        "POST Note",
        json!({"type": "Post", "post": "Hi @bob", "parentType": "Case", "parentId": "1",
               "isInternal": true, "attachmentsIds": ["a1"]}),
    );
    for (post, members) in [
        (NewPost::to_all("x"), json!({"targetType": "all"})),
        (NewPost::to_self("x"), json!({"targetType": "self"})),
        (
            NewPost::to_users("x", ["u"]),
            json!({"targetType": "users", "usersIds": ["u"]}),
        ),
        (
            NewPost::to_teams("x", ["t"]),
            json!({"targetType": "teams", "teamsIds": ["t"]}),
        ),
        (
            NewPost::to_portals("x", ["p"]),
            json!({"targetType": "portals", "portalsIds": ["p"]}),
        ),
    ] {
        bench.gives(note).stream().post(&post).await.unwrap();
        let mut expected = object(json!({"type": "Post", "post": "x"}));
        expected.extend(object(members));
        bench.sent("POST Note", Value::Object(expected));
    }
    bench.gives(note).stream().read("n1").await.unwrap();
    bench.sent("GET Note/n1", Value::Null);
    bench.gives(note).stream().edit("n1", "Ho").await.unwrap();
    bench.sent("PUT Note/n1", json!({"post": "Ho"}));
    bench.gives("true").stream().delete("n1").await.unwrap();
    bench.sent("DELETE Note/n1", Value::Null);
    bench.gives("true").stream().pin("n1").await.unwrap();
    bench.sent("POST Note/n1/pin", Value::Null);
    bench.gives("true").stream().unpin("n1").await.unwrap();
    bench.sent("DELETE Note/n1/pin", Value::Null);
    bench
        .gives("true")
        .stream()
        .react("n1", "Like")
        .await
        .unwrap();
    bench.sent("POST Note/n1/myReactions/Like", Value::Null);
    bench
        .gives("true")
        .stream()
        .unreact("n1", "Like")
        .await
        .unwrap();
    bench.sent("DELETE Note/n1/myReactions/Like", Value::Null);
    bench
        .gives(r#"{"total":0,"list":[]}"#)
        .stream()
        .reactors("n1", "Like")
        .await
        .unwrap();
    bench.sent("GET Note/n1/reactors/Like", Value::Null);
}

#[tokio::test]
async fn notifications() {
    let bench = Bench::new().await;
    let page = bench
        .gives(r#"{"total":-2,"list":[]}"#)
        .notifications()
        .list(0, 20)
        .await
        .unwrap();
    bench.sent("GET Notification?offset=0&maxSize=20", Value::Null);
    assert_eq!(page.total, Total::NoMore);
    assert_eq!(
        bench
            .gives("7")
            .notifications()
            .unread_count()
            .await
            .unwrap(),
        7
    );
    bench.sent("GET Notification/action/notReadCount", Value::Null);
    bench
        .gives("true")
        .notifications()
        .mark_all_read()
        .await
        .unwrap();
    bench.sent("POST Notification/action/markAllRead", json!({}));
    bench
        .gives(r#"{"total":0,"list":[]}"#)
        .notifications()
        .group("x")
        .await
        .unwrap();
    bench.sent("GET Notification/x/group", Value::Null);
}

#[tokio::test]
async fn mass_actions() {
    let bench = Bench::new().await;
    let some = Selection::ids(["1", "2"]);
    let found = Selection::matching([WhereItem::is_null("website")]);
    let body = |action: &str, params: Value, data: Value| json!({"entityType": "Account", "action": action, "params": params, "data": data, "idle": false});
    let ids = json!({"ids": ["1", "2"]});

    let values = object(json!({"industry": "Retail", "tags": ["a"]}));
    let result = bench
        .gives(r#"{"count":1,"ids":["1"]}"#)
        .mass("Account")
        .update_with(&some, values, [("tags", UpdateMode::Add)])
        .await
        .unwrap();
    assert_eq!((result.count, result.ids.unwrap().len()), (1, 1));
    let data = json!({"values": {"industry": "Retail", "tags": ["a"]}, "actions": {"tags": "add"}});
    bench.sent("POST MassAction", body("update", ids.clone(), data));

    let result = bench
        .gives(r#"{"count":40}"#)
        .mass("Account")
        .delete(&found)
        .await
        .unwrap();
    assert_eq!((result.count, result.ids), (40, None));
    let conditions = json!([{"type": "isNull", "attribute": "website"}]);
    let params = json!({"where": conditions, "searchParams": {"where": conditions}});
    bench.sent("POST MassAction", body("delete", params, json!({})));

    let done = r#"{"count":2,"ids":["1","2"]}"#;
    let rates = object(json!({"EUR": 1.1}));
    bench
        .gives(done)
        .mass("Account")
        .convert_currency(&some, "EUR", Some(&rates))
        .await
        .unwrap();
    let data = json!({"targetCurrency": "EUR", "rates": {"EUR": 1.1}});
    bench.sent(
        "POST MassAction",
        body("convertCurrency", ids.clone(), data),
    );
    bench
        .gives(done)
        .mass("Account")
        .recalculate_formula(&some)
        .await
        .unwrap();
    bench.sent(
        "POST MassAction",
        body("recalculateFormula", ids.clone(), json!({})),
    );
    bench
        .gives(done)
        .mass("Account")
        .follow(&some, Some("u"))
        .await
        .unwrap();
    bench.sent(
        "POST MassAction",
        body("follow", ids.clone(), json!({"userId": "u"})),
    );
    bench
        .gives(done)
        .mass("Account")
        .unfollow(&some, None)
        .await
        .unwrap();
    bench.sent("POST MassAction", body("unfollow", ids, json!({})));

    let before = bench.server.seen().len();
    let none = Selection::ids(Vec::<String>::new());
    let error = bench.crm.mass("Account").delete(&none).await.unwrap_err();
    assert!(error.to_string().contains("every record"), "{error}");
    assert_eq!(bench.server.seen().len(), before, "nothing was sent");
}

/// Nothing to wait for between two looks.
const AT_ONCE: Polling = Polling {
    every: std::time::Duration::ZERO,
    at_most: std::time::Duration::from_secs(60),
};

#[tokio::test]
async fn jobs_in_the_background_are_followed_to_their_end() {
    let states = [r#""Pending""#, r#""Running""#, r#""Success""#];
    let server = Server::start(move |seen, number| match seen.path() {
        "/api/v1/MassAction" => answer(200, r#"{"id":"j1"}"#),
        "/api/v1/Export" => answer(200, r#"{"exportId":"e1"}"#),
        path => {
            let state = states[(number - 1).min(2)];
            let rest = if path.contains("Export") {
                r#""attachmentId":"a1""#
            } else {
                r#""processedCount":9"#
            };
            answer(200, &format!(r#"{{"status":{state},{rest}}}"#))
        }
    })
    .await;
    let crm = server.client();
    let job = crm
        .mass("Account")
        .start("delete", &Selection::everything(), json!({}))
        .await
        .unwrap();
    assert_eq!(server.last().json()["idle"], true);
    let progress = job.wait(AT_ONCE).await.unwrap();
    assert_eq!(
        (progress.status, progress.processed_count),
        (JobStatus::Success, Some(9))
    );
    assert_eq!(server.last().path(), "/api/v1/MassAction/j1/status");
    assert_eq!(server.seen().len(), 4);

    let job = crm
        .export("Account", Selection::everything())
        .start()
        .await
        .unwrap();
    assert_eq!(job.id(), "e1");
    let progress = job.wait(AT_ONCE).await.unwrap();
    assert_eq!(progress.attachment_id.as_deref(), Some("a1"));
    assert_eq!(server.last().path(), "/api/v1/Export/e1/status");
}

#[tokio::test]
async fn exports_and_imports() {
    let bench = Bench::new().await;
    let id = bench
        .gives(r#"{"id":"a1"}"#)
        .export("Account", Selection::ids(["1"]))
        .format(Format::Xlsx)
        .fields(["name"])
        .attributes(["name"])
        .params(object(json!({"title": "T"})))
        .run()
        .await
        .unwrap();
    assert_eq!(id, "a1");
    bench.sent(
        "POST Export",
        json!({"ids": ["1"], "fieldList": ["name"], "attributeList": ["name"],
               "params": {"title": "T"}, "entityType": "Account", "format": "xlsx"}),
    );

    let id = bench
        .gives(r#"{"attachmentId":"a2"}"#)
        .imports()
        .upload("name\nAcme\n")
        .await
        .unwrap();
    let seen = bench.server.last();
    assert_eq!(
        (seen.path(), seen.header("Content-Type")),
        ("/api/v1/Import/file", Some("text/csv"))
    );
    assert_eq!(seen.body, b"name\nAcme\n");
    let mut settings = ImportSettings::new(id, "Account", ["name"]);
    settings.action = ImportAction::CreateAndUpdate;
    settings.update_by = vec![0];
    bench
        .gives(r#"{"id":"i1"}"#)
        .imports()
        .run(&settings)
        .await
        .unwrap();
    let body = bench.server.last().json();
    assert_eq!(body["action"], "createAndUpdate");
    assert_eq!(body["attributeList"], json!(["name"]));
    assert_eq!(
        (&body["attachmentId"], &body["headerRow"]),
        (&json!("a2"), &json!(true))
    );
    bench.gives("true").imports().revert("i1").await.unwrap();
    bench.sent("POST Import/i1/revert", Value::Null);
    bench
        .gives("true")
        .imports()
        .remove_duplicates("i1")
        .await
        .unwrap();
    bench.sent("POST Import/i1/removeDuplicates", Value::Null);
    bench
        .gives("true")
        .imports()
        .unmark_duplicate("i1", "Account", "1")
        .await
        .unwrap();
    bench.sent(
        "POST Import/i1/unmarkDuplicates",
        json!({"entityType": "Account", "entityId": "1"}),
    );
    let errors = bench
        .gives(r#"{"attachmentId":"a3"}"#)
        .imports()
        .export_errors("i1")
        .await
        .unwrap();
    bench.sent("POST Import/i1/exportErrors", json!({}));
    assert_eq!(errors.as_deref(), Some("a3"));
}

#[tokio::test]
async fn actions_on_one_record() {
    let bench = Bench::new().await;
    bench
        .gives("{}")
        .merge("Account", "1", ["2"], object(json!({"name": "A"})))
        .await
        .unwrap();
    bench.sent(
        "POST Action",
        json!({"entityType": "Account", "id": "1", "action": "merge",
               "data": {"sourceIdList": ["2"], "attributes": {"name": "A"}}}),
    );
    bench
        .gives("{}")
        .convert_currency("Opportunity", "1", "EUR", None)
        .await
        .unwrap();
    bench.sent(
        "POST Action",
        json!({"entityType": "Opportunity", "id": "1", "action": "convertCurrency",
               "data": {"targetCurrency": "EUR"}}),
    );
    bench
        .gives("{}")
        .duplicate_attributes("Account", "1")
        .await
        .unwrap();
    bench.sent(
        "POST Account/action/getDuplicateAttributes",
        json!({"id": "1"}),
    );
    bench.gives("[]").layout("Account", "list").await.unwrap();
    bench.sent("GET Account/layout/list", Value::Null);
    bench
        .gives("[]")
        .set_layout("Account", "list", Some("s"), &json!([]))
        .await
        .unwrap();
    bench.sent("PUT Account/layout/list/s", json!([]));
}

#[tokio::test]
async fn boards_and_activities() {
    let bench = Bench::new().await;
    let board = bench
        .gives(r#"{"total":3,"list":[],"groups":[{"name":"Won","total":3,"list":[{"id":"1"}],"label":"Won!","style":null}]}"#)
        .kanban("Opportunity", &SearchParams::new().max_size(1))
        .await
        .unwrap();
    bench.sent(
        "GET Kanban/Opportunity?searchParams=%7B%22maxSize%22:1%7D",
        Value::Null,
    );
    assert_eq!(board.groups[0].total, Total::Exact(3));
    bench
        .gives("true")
        .order_kanban("Opportunity", "Won", ["1"])
        .await
        .unwrap();
    bench.sent(
        "PUT Kanban/order",
        json!({"entityType": "Opportunity", "group": "Won", "ids": ["1"]}),
    );

    let page = r#"{"total":0,"list":[]}"#;
    let activities = |body| bench.gives(body).activities();
    activities(page)
        .of(Side::History, "Account", "1", Some("Call"), 0, 5)
        .await
        .unwrap();
    bench.sent(
        "GET Activities/Account/1/history?offset=0&maxSize=5&entityType=Call",
        Value::Null,
    );
    let params = SearchParams::new().offset(1);
    activities(page)
        .list(Side::Activities, "Account", "1", "Call", &params)
        .await
        .unwrap();
    bench.sent(
        "GET Activities/Account/1/activities/list/Call?searchParams=%7B%22offset%22:1%7D",
        Value::Null,
    );
    activities(page).upcoming("u", 7, 0, 5).await.unwrap();
    bench.sent(
        "GET Activities/upcoming?userId=u&futureDays=7&offset=0&maxSize=5",
        Value::Null,
    );
    let from: jiff::Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let to: jiff::Timestamp = "2030-02-01T00:00:00Z".parse().unwrap();
    let range = "from=2030-01-01%2000%3A00%3A00&to=2030-02-01%2000%3A00%3A00";
    activities("[]").calendar("u", from, to).await.unwrap();
    bench.sent(&format!("GET Activities?userId=u&{range}"), Value::Null);
    activities("{}")
        .busy_ranges(["u", "v"], from, to)
        .await
        .unwrap();
    bench.sent(
        &format!("GET Timeline/busyRanges?userIdList=u%2Cv&{range}"),
        Value::Null,
    );
    activities("[]").email_addresses("Case", "1").await.unwrap();
    bench.sent("GET Activities/Case/1/composeEmailAddressList", Value::Null);
}

#[tokio::test]
async fn leads_target_lists_and_events() {
    let bench = Bench::new().await;
    let into = Conversion::new()
        .record("Account", object(json!({"name": "A"})))
        .skip_duplicate_check();
    bench.gives("{}").convert_lead("1", &into).await.unwrap();
    bench.sent(
        "POST Lead/action/convert",
        json!({"id": "1", "records": {"Account": {"name": "A"}}, "skipDuplicateCheck": true}),
    );
    bench
        .gives("{}")
        .lead_convert_attributes("1")
        .await
        .unwrap();
    bench.sent("POST Lead/action/getConvertAttributes", json!({"id": "1"}));
    bench
        .gives("true")
        .capture_lead("k3y", &object(json!({"lastName": "A"})))
        .await
        .unwrap();
    bench.sent("POST LeadCapture/k3y", json!({"lastName": "A"}));
    assert_eq!(bench.server.last().header("X-Api-Key"), None);

    let member = json!({"id": "l", "targetType": "Contact", "targetId": "1"});
    bench
        .gives("true")
        .opt_out("l", "Contact", "1")
        .await
        .unwrap();
    bench.sent("POST TargetList/action/optOut", member.clone());
    bench
        .gives("true")
        .cancel_opt_out("l", "Contact", "1")
        .await
        .unwrap();
    bench.sent("POST TargetList/action/cancelOptOut", member);
    bench
        .gives(r#"{"total":0,"list":[]}"#)
        .opted_out("l", 0, 5)
        .await
        .unwrap();
    bench.sent("GET TargetList/l/optedOut?offset=0&maxSize=5", Value::Null);
    bench
        .gives("true")
        .unlink_all_targets("l", "contacts")
        .await
        .unwrap();
    bench.sent(
        "POST TargetList/action/unlinkAll",
        json!({"id": "l", "link": "contacts"}),
    );

    bench
        .gives(r#"{"total":0,"list":[]}"#)
        .event("Meeting")
        .attendees("1")
        .await
        .unwrap();
    bench.sent("GET Meeting/1/attendees", Value::Null);
    bench
        .gives("true")
        .event("Meeting")
        .send_invitations("1")
        .await
        .unwrap();
    bench.sent("POST Meeting/action/sendInvitations", json!({"id": "1"}));
    bench
        .gives("true")
        .event("Call")
        .send_cancellation("1")
        .await
        .unwrap();
    bench.sent("POST Call/action/sendCancellation", json!({"id": "1"}));
    bench
        .gives("true")
        .event("Call")
        .set_held_all(["1"])
        .await
        .unwrap();
    bench.sent("POST Call/action/massSetHeld", json!({"ids": ["1"]}));
    bench
        .gives("true")
        .event("Call")
        .set_not_held_all(["1"])
        .await
        .unwrap();
    bench.sent("POST Call/action/massSetNotHeld", json!({"ids": ["1"]}));
    bench
        .gives("true")
        .event("Call")
        .set_acceptance("1", "Accepted")
        .await
        .unwrap();
    bench.sent(
        "POST Call/action/setAcceptanceStatus",
        json!({"id": "1", "status": "Accepted"}),
    );
}

#[tokio::test]
async fn the_inbox() {
    let bench = Bench::new().await;
    bench
        .gives("true")
        .inbox()
        .mark(Mark::Important, ["1"])
        .await
        .unwrap();
    bench.sent("POST Email/inbox/important", json!({"ids": ["1"]}));
    bench
        .gives("true")
        .inbox()
        .unmark(Mark::InTrash, ["1"])
        .await
        .unwrap();
    bench.sent("DELETE Email/inbox/inTrash", json!({"ids": ["1"]}));
    bench.gives("true").inbox().mark_all_read().await.unwrap();
    bench.sent("POST Email/inbox/read", json!({"all": true}));
    bench
        .gives("true")
        .inbox()
        .move_to("f", ["1"])
        .await
        .unwrap();
    bench.sent("POST Email/inbox/folders/f", json!({"ids": ["1"]}));
    bench.gives("{}").inbox().unread_counts().await.unwrap();
    bench.sent("GET Email/inbox/notReadCounts", Value::Null);
    let members = object(json!({"parentType": "Case"}));
    bench
        .gives("{}")
        .inbox()
        .prepare_template("t", &members)
        .await
        .unwrap();
    bench.sent(
        "POST EmailTemplate/t/prepare",
        json!({"parentType": "Case"}),
    );
    bench
        .gives("[]")
        .inbox()
        .search_addresses("a@", 5)
        .await
        .unwrap();
    bench.sent("GET EmailAddress/search?q=a%40&maxSize=5", Value::Null);
}

#[tokio::test]
async fn currency_rates_keep_their_digits_both_ways() {
    let bench = Bench::new().await;
    let rates = bench
        .gives(r#"{"USD":1,"EUR":1.1}"#)
        .currency_rates()
        .await
        .unwrap();
    bench.sent("GET CurrencyRate", Value::Null);
    assert_eq!(rates["EUR"].to_string(), "1.1");
    bench
        .gives("true")
        .set_currency_rates(&rates)
        .await
        .unwrap();
    assert_eq!(bench.server.last().body, br#"{"EUR":1.1,"USD":1}"#);
}

#[tokio::test]
async fn a_false_in_place_of_true_is_an_error() {
    let bench = Bench::new().await;
    let error = bench
        .gives("false")
        .event("Meeting")
        .send_invitations("1")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("it did nothing"), "{error}");
    let error: Error = bench.gives("false").stream().pin("n").await.unwrap_err();
    assert_eq!(error.status().unwrap(), 200);
}

#[tokio::test]
async fn anything_else_goes_by_the_raw_request() {
    let bench = Bench::new().await;
    let jobs: Value = bench
        .gives("[1]")
        .request(Method::GET, "Admin/jobs")
        .query("a", 1)
        .send_json()
        .await
        .unwrap();
    bench.sent("GET Admin/jobs?a=1", Value::Null);
    assert_eq!(jobs, json!([1]));
    bench
        .gives("true")
        .request(Method::PUT, ["Team", "1", "userPosition"])
        .json(&json!({"id": "2"}))
        .send()
        .await
        .unwrap();
    bench.sent("PUT Team/1/userPosition", json!({"id": "2"}));
}

#[tokio::test]
async fn the_records_that_a_lead_would_double_come_with_the_error() {
    let server = Server::start(|_, _| {
        Act::Write(bytes(
            409,
            "application/json",
            "",
            br#"[{"id":"1","name":"A","_entityType":"Account"}]"#,
        ))
    })
    .await;
    let error = server
        .client()
        .convert_lead("1", &Conversion::new())
        .await
        .unwrap_err();
    assert_eq!(error.duplicates().unwrap()[0]["_entityType"], "Account");
}
