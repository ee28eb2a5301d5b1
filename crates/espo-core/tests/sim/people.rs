//! What belongs to a user: preferences, password and keys, rights, the inbox.

use espo_core::actions::email::Mark;
use espo_core::http::Method;
use espo_core::secrecy::SecretString;
use espo_core::{Auth, Client};
use serde_json::json;

use crate::{admin, create, me, object, start, with};

#[tokio::test]
async fn preferences_are_read_changed_and_reset() {
    let (_sim, crm) = start().await;
    let id = me(&crm).await;
    let user = crm.user(&id);
    let before = user.preferences().await.unwrap();
    assert_eq!(before["id"], id.as_str());
    let values = object(json!({"language": "de_DE"}));
    let after = user.update_preferences(&values).await.unwrap();
    assert_eq!(after["language"], "de_DE");
    assert_eq!(user.preferences().await.unwrap()["language"], "de_DE");
    user.reset_preferences().await.unwrap();
    let reset = user.preferences().await.unwrap();
    assert_eq!(reset.get("language"), before.get("language"));
}

#[tokio::test]
async fn a_users_own_security_and_nobody_elses() {
    let (sim, crm) = start().await;
    let id = me(&crm).await;
    assert_eq!(crm.user(&id).security().await.unwrap()["auth2FA"], false);
    let other = sim.users().admin().unwrap().id.clone();
    let error = crm.user(other).security().await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    let acl = admin(&sim).user(&id).acl().await.unwrap();
    assert!(acl.contains_key("table"), "{acl:?}");
}

#[tokio::test]
async fn a_new_key_ends_the_old_one() {
    let (sim, crm) = start().await;
    let id = me(&crm).await;
    let user = admin(&sim).user(&id).generate_api_key().await.unwrap();
    assert_eq!(user["id"], id.as_str());
    let key = user["apiKey"].as_str().unwrap();
    let again = with(&sim, Auth::api_key(key)).build().unwrap();
    assert_eq!(me(&again).await, id);
    assert!(crm.app().user().await.unwrap_err().is_unauthorized());
}

#[tokio::test]
async fn a_password_is_changed_by_those_who_know_it() {
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
    let error = client(&old).app().user().await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
}

#[tokio::test]
async fn marks_in_the_inbox() {
    let (_sim, crm) = start().await;
    let me = me(&crm).await;
    let email = create(
        &crm,
        "Email",
        json!({"name": "S", "subject": "S", "status": "Archived", "from": "a@b.example",
               "to": "c@d.example", "dateSent": "2030-01-01 00:00:00"}),
    )
    .await;
    crm.request(Method::POST, ["Email", &email, "users"])
        .json(&json!({"id": me}))
        .send()
        .await
        .unwrap();
    let inbox = crm.inbox();
    let unread = async || inbox.unread_counts().await.unwrap()["inbox"].clone();
    assert_eq!(unread().await, 1);
    inbox.mark(Mark::Read, [&email]).await.unwrap();
    assert_eq!(unread().await, 0);
    inbox.unmark(Mark::Read, [&email]).await.unwrap();
    assert_eq!(unread().await, 1);
    inbox.mark(Mark::InTrash, [&email]).await.unwrap();
    assert_eq!(unread().await, 0, "what is in the trash does not count");
    inbox.unmark(Mark::InTrash, [&email]).await.unwrap();
    assert_eq!(unread().await, 1);
    inbox.mark_all_read().await.unwrap();
    assert_eq!(unread().await, 0);

    // A mark that shows in no count: the server refuses what it does not know.
    inbox.mark(Mark::Important, [&email]).await.unwrap();
    inbox.unmark(Mark::Important, [&email]).await.unwrap();
}
