//! User-related calls: preferences, password and keys, permissions.

use espo_core::http::Method;
use espo_core::secrecy::SecretString;
use espo_core::typed::RecordRef;
use espo_core::{Auth, Client, JsonObject};
use espo_sim::Sim;
use serde_json::json;

use crate::{admin, me, object, start, with};

fn account(crm: &Client, id: &str) -> RecordRef<JsonObject> {
    crm.untyped("User").record(id)
}

#[tokio::test]
async fn preferences_are_read_changed_and_reset() {
    let (_sim, crm) = start().await;
    let id = me(&crm).await;
    let user = account(&crm, &id);
    let before = user.preferences().await.unwrap();
    assert_eq!(before["id"], id.as_str());
    let values = object(json!({"language": "de_DE"}));
    let after = user.update_preferences(values).await.unwrap();
    assert_eq!(after["language"], "de_DE");
    assert_eq!(user.preferences().await.unwrap()["language"], "de_DE");
    user.reset_preferences().await.unwrap();
    let reset = user.preferences().await.unwrap();
    assert_eq!(reset.get("language"), before.get("language"));
}

#[tokio::test]
async fn users_change_only_their_own_security_settings() {
    let (sim, crm) = start().await;
    let id = me(&crm).await;
    assert_eq!(
        account(&crm, &id).security().await.unwrap()["auth2FA"],
        false
    );
    let other = sim.users().admin().unwrap().id.clone();
    let error = account(&crm, &other).security().await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    let acl = account(&admin(&sim), &id).acl().await.unwrap();
    assert!(acl.contains_key("table"), "{acl:?}");
}

#[tokio::test]
async fn new_api_keys_invalidate_old_ones() {
    let (sim, crm) = start().await;
    let id = me(&crm).await;
    let user = account(&admin(&sim), &id).generate_api_key().await.unwrap();
    assert_eq!(user["id"], id.as_str());
    let key = user["apiKey"].as_str().unwrap();
    let again = with(&sim, Auth::api_key(key)).build().unwrap();
    assert_eq!(me(&again).await, id);
    assert!(
        crm.app()
            .user::<JsonObject>()
            .await
            .unwrap_err()
            .is_unauthorized()
    );
}

#[tokio::test]
async fn password_changes_require_the_current_password() {
    let (sim, _) = start().await;
    let users = sim.users();
    let user = users.find(|user| user.type_ == "regular").unwrap();
    let old = SecretString::from(user.password.clone().unwrap());
    let new = SecretString::from("another password");
    let client = |password: &SecretString| -> Client {
        let auth = Auth::basic(&user.user_name, password.clone());
        with(&sim, auth).build().unwrap()
    };
    let crm = client(&old);
    let error = crm.change_password(&new, &new).await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    crm.change_password(&old, &new).await.unwrap();
    assert_eq!(me(&client(&new)).await, user.id);
    let error = client(&old).app().user::<JsonObject>().await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
}

/// The last email that the server would have sent.
fn mailed(sim: &Sim) -> (Vec<String>, String) {
    let mail = sim.mails().pop().unwrap();
    (mail.to, mail.body)
}

#[tokio::test]
async fn administrators_email_new_passwords_and_links() {
    let (sim, crm) = start().await;
    let users = sim.users();
    let user = users.find(|user| user.type_ == "regular").unwrap();
    let with_password = |password: &str| -> Client {
        let auth = Auth::basic(&user.user_name, password);
        with(&sim, auth).build().unwrap()
    };
    let boss = admin(&sim);
    account(&boss, &user.id).generate_password().await.unwrap();
    let (to, password) = mailed(&sim);
    assert_eq!(to, [user.user_name.as_str()]);
    assert_eq!(me(&with_password(&password)).await, user.id);
    let old = with_password(user.password.as_deref().unwrap());
    assert!(
        old.app()
            .user::<JsonObject>()
            .await
            .unwrap_err()
            .is_unauthorized()
    );

    account(&boss, &user.id).send_password_link().await.unwrap();
    let (_, request) = mailed(&sim);
    assert_ne!(request, password);
    let anybody = with(&sim, Auth::none()).build().unwrap();
    let body = json!({"requestId": request, "password": "chosen"});
    let change = || anybody.request(Method::POST, "User/changePasswordByRequest");
    change().json(&body).send().await.unwrap();
    assert_eq!(me(&with_password("chosen")).await, user.id);
    let error = change().json(&body).send().await.unwrap_err();
    assert!(error.is_not_found(), "a link serves once: {error}");

    for refused in [
        account(&crm, &user.id)
            .generate_password()
            .await
            .unwrap_err(),
        account(&crm, &user.id)
            .send_password_link()
            .await
            .unwrap_err(),
        account(&boss, &me(&crm).await)
            .generate_password()
            .await
            .unwrap_err(),
    ] {
        assert!(refused.is_forbidden(), "{refused}");
    }
    let error = account(&boss, "none")
        .send_password_link()
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn second_factor_is_enabled_required_and_disabled() {
    let (sim, crm) = start().await;
    let boss = admin(&sim);
    let admin = sim.users().admin().unwrap().clone();
    let on = object(json!({"auth2FA": true, "auth2FAMethod": "Email"}));
    let error = account(&boss, &admin.id)
        .update_security(&on)
        .await
        .unwrap_err();
    assert!(error.is_forbidden(), "the settings offer none: {error}");
    let settings = json!({"auth2FA": true, "auth2FAMethodList": ["Email"]});
    boss.app().update_settings(&object(settings)).await.unwrap();
    let security = account(&boss, &admin.id)
        .update_security(&on)
        .await
        .unwrap();
    assert_eq!(security["auth2FA"], true);
    assert_eq!(
        account(&boss, &admin.id).security().await.unwrap(),
        security
    );
    let error = account(&crm, &admin.id)
        .update_security(&on)
        .await
        .unwrap_err();
    assert!(error.is_forbidden(), "{error}");

    let log_in = |code: Option<String>| {
        let password = admin.password.clone().unwrap();
        let mut auth = Auth::password(&admin.user_name, password);
        if let Some(code) = code {
            auth = auth.second_factor(code);
        }
        with(&sim, auth).build().unwrap()
    };
    let error = log_in(None).app().about().await.unwrap_err();
    assert!(error.is_second_factor_required(), "{error}");
    let (_, code) = mailed(&sim);
    let error = log_in(Some("wrong".to_owned()))
        .app()
        .about()
        .await
        .unwrap_err();
    assert!(
        error.is_unauthorized() && !error.is_second_factor_required(),
        "{error}"
    );
    log_in(Some(code)).app().about().await.unwrap();

    let off = object(json!({"auth2FA": false}));
    account(&boss, &admin.id)
        .update_security(&off)
        .await
        .unwrap();
    log_in(None).app().about().await.unwrap();
}
