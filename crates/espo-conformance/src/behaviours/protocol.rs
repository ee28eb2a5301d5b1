//! Special cases of HTTP: routes, methods, bodies.

use serde_json::json;

use super::{Behaviour, check};
use crate::answer::{Answer, Outcome};
use crate::test::Test;

/// A create request with an unmodified body.
async fn raw(t: &Test, body: impl Into<bytes::Bytes>, kind: Option<&str>) -> Outcome<Answer> {
    t.call("POST", "Account").raw(body, kind).send().await
}

const JSON: Option<&str> = Some("application/json");

pub(super) fn all() -> Vec<Behaviour> {
    let mut behaviours = routes();
    behaviours.extend(methods());
    behaviours.extend(bodies());
    behaviours
}

fn routes() -> Vec<Behaviour> {
    vec![
        check("unknown-type", async |t| {
            t.get("NoSuch")
                .await?
                .refused(404, "Controller 'NoSuch' does not exist.")
        }),
        check("unknown-action", async |t| {
            let answer = t.post("Account/action/noSuchAction", &json!({})).await?;
            answer.refused(
                404,
                "Action POST 'noSuchAction' does not exist in controller 'Account'.",
            )
        }),
        check("trailing-slash", async |t| {
            t.get("Account/")
                .await?
                .is(404)?
                .header("x-status-reason", None)?
                .html("404 Not Found")
                .map(drop)
        }),
        check("double-slash", async |t| {
            t.get("/Account")
                .await?
                .is(404)?
                .html("404 Not Found")
                .map(drop)
        }),
        check("too-many-segments", async |t| {
            t.get("Account/a/b/c/d")
                .await?
                .is(404)?
                .html("404 Not Found")
                .map(drop)
        }),
        check("small-first-letter", async |t| {
            t.get("account?maxSize=1")
                .await?
                .ok()?
                .holds("list")
                .map(drop)
        }),
        check("capitals", async |t| {
            t.get("ACCOUNT")
                .await?
                .refused(404, "Controller 'ACCOUNT' does not exist.")
        }),
        check("small-first-letter-of-capitals", async |t| {
            t.get("aCCOUNT")
                .await?
                .refused(404, "Controller 'ACCOUNT' does not exist.")
        }),
        check("escaped-slash", async |t| {
            let account = t.account(json!({})).await?;
            t.get(&format!("Account%2F{}", account.id()))
                .await?
                .ok()?
                .has("id", account.id())
                .map(drop)
        }),
        check("reason-in-raw-bytes", async |t| {
            t.get("NoSuch%C5%BB")
                .await?
                .is(404)?
                .reason("Controller 'NoSuchŻ' does not exist.")
                .map(drop)
        }),
        check("no-cors", async |t| {
            let call = t
                .call("GET", "Account?maxSize=1")
                .header("origin", "http://elsewhere.example");
            call.send()
                .await?
                .is(200)?
                .header("access-control-allow-origin", None)
                .map(drop)
        }),
        check("action-routes-err-as-html", async |t| {
            let answer = t
                .post(
                    "Action",
                    &json!({"entityType": "Account", "id": "0123456789abcdef0", "action": "nope"}),
                )
                .await?;
            answer
                .is(404)?
                .header("content-type", Some("text/html; charset=UTF-8"))
                .map(drop)
        }),
    ]
}

fn methods() -> Vec<Behaviour> {
    vec![
        check("put-on-a-list", async |t| {
            let answer = t
                .put("Account", &json!({}))
                .await?
                .is(405)?
                .html("405 Method Not Allowed")?;
            answer.header("allow", Some("GET, POST")).map(drop)
        }),
        check("post-on-a-record", async |t| {
            let account = t.account(json!({})).await?;
            t.post(&format!("Account/{}", account.id()), &json!({}))
                .await?
                .is(405)?
                .html("405 Method Not Allowed")
                .map(drop)
        }),
        check("head", async |t| {
            let answer = t.call("HEAD", "Account?maxSize=1").send().await?;
            answer
                .is(404)?
                .reason("Action HEAD 'list' does not exist in controller 'Account'.")
                .map(drop)
        }),
        check("options", async |t| {
            let answer = t
                .call("OPTIONS", "Account")
                .anonymous()
                .send()
                .await?
                .is(200)?
                .html("405 Method Not Allowed")?;
            answer.header("access-control-allow-origin", None).map(drop)
        }),
        check("method-override-is-ignored", async |t| {
            let account = t.account(json!({})).await?;
            let call = t
                .call("GET", &format!("Account/{}", account.id()))
                .header("x-http-method-override", "DELETE");
            call.send().await?.ok()?.has("id", account.id()).map(drop)
        }),
        check("delete-with-a-body", async |t| {
            let account = t.account(json!({})).await?;
            t.unlink(&format!("Account/{}", account.id()), &json!({"x": 1}))
                .await?
                .yes()
        }),
        check("delete-on-a-list", async |t| {
            t.delete("Account")
                .await?
                .is(405)?
                .html("405 Method Not Allowed")
                .map(drop)
        }),
        check("patch-on-settings", async |t| {
            t.as_admin()?
                .call("PATCH", "Settings")
                .json(&json!({}))
                .send()
                .await?
                .is(404)
                .map(drop)
        }),
    ]
}

fn bodies() -> Vec<Behaviour> {
    vec![
        check("malformed-json", async |t| {
            raw(t, "{\"name\":", JSON)
                .await?
                .is(500)?
                .header("x-status-reason", None)?
                .empty()
                .map(drop)
        }),
        check("byte-order-mark", async |t| {
            raw(t, "\u{feff}{\"name\":\"x\"}", JSON)
                .await?
                .is(500)?
                .empty()
                .map(drop)
        }),
        check("blanks", async |t| {
            raw(t, "   ", JSON).await?.is(500)?.empty().map(drop)
        }),
        check("lone-surrogate", async |t| {
            raw(t, r#"{"name":"\ud800"}"#, JSON)
                .await?
                .is(500)?
                .empty()
                .map(drop)
        }),
        check("not-utf-8", async |t| {
            raw(t, &b"{\"name\":\"\xff\"}"[..], JSON)
                .await?
                .is(500)?
                .empty()
                .map(drop)
        }),
        check("too-deep", async |t| {
            raw(
                t,
                format!("{{\"name\":{}{}}}", "[".repeat(600), "]".repeat(600)),
                JSON,
            )
            .await?
            .is(500)?
            .empty()
            .map(drop)
        }),
        check("scalar", async |t| {
            raw(t, "5", JSON)
                .await?
                .refused(400, "Body is not a JSON object.")
        }),
        check("null", async |t| {
            raw(t, "null", JSON)
                .await?
                .refused(400, "Body is not a JSON object.")
        }),
        check("list-is-wrapped", async |t| {
            raw(t, r#"[{"name":"x"}]"#, JSON)
                .await?
                .invalid("Account", "name", "required")
        }),
        check("empty-is-an-empty-object", async |t| {
            raw(t, "", JSON)
                .await?
                .invalid("Account", "name", "required")
        }),
        check("no-type-is-an-empty-object", async |t| {
            raw(t, r#"{"name":"x"}"#, None)
                .await?
                .invalid("Account", "name", "required")
        }),
        check("text-is-an-empty-object", async |t| {
            raw(t, r#"{"name":"x"}"#, Some("text/plain"))
                .await?
                .invalid("Account", "name", "required")
        }),
        check("text-on-update-changes-nothing", async |t| {
            let account = t.account(json!({})).await?;
            let call = t
                .call("PUT", &format!("Account/{}", account.id()))
                .raw(r#"{"name":"zzz"}"#, Some("text/plain"));
            call.send()
                .await?
                .ok()?
                .has("name", account.text("name"))?
                .has("versionNumber", 2)
                .map(drop)
        })
        .since(9, 2),
        check("charset", async |t| {
            raw(
                t,
                t.named("charset", json!({})).to_string(),
                Some("application/json; charset=utf-8"),
            )
            .await?
            .ok()?
            .that("id", "an id", serde_json::Value::is_string)
            .map(drop)
        }),
        check("type-in-capitals", async |t| {
            raw(
                t,
                t.named("capitals", json!({})).to_string(),
                Some("Application/JSON"),
            )
            .await?
            .ok()?
            .that("id", "an id", serde_json::Value::is_string)
            .map(drop)
        }),
        check("form", async |t| {
            let form = format!("name={}&industry=Finance", t.name("form").replace(' ', "+"));
            raw(t, form, Some("application/x-www-form-urlencoded"))
                .await?
                .ok()?
                .has("industry", "Finance")
                .map(drop)
        }),
        check("last-of-equal-keys", async |t| {
            let name = t.name("last");
            raw(t, format!(r#"{{"name":"first","name":"{name}"}}"#), JSON)
                .await?
                .ok()?
                .has("name", name)
                .map(drop)
        }),
        check("users-refuse-a-charset", async |t| {
            let admin = t.as_admin()?;
            let call = admin.call("POST", "User").raw(
                r#"{"userName":"x"}"#,
                Some("application/json; charset=utf-8"),
            );
            call.send().await?.is(400).map(drop)
        })
        .since(9, 2),
    ]
}
