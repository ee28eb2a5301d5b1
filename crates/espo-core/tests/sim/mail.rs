//! The inbox, templates, addresses.

use espo_core::Client;
use espo_core::actions::EmailMark;
use espo_core::attachments::{Place, Upload};
use espo_core::http::Method;
use espo_core::untyped::field;
use espo_sim::Sim;
use serde_json::json;

use crate::{admin, create, me, read, regular, start};

/// An email in the caller's inbox.
async fn received(sim: &Sim, crm: &Client, subject: &str) -> String {
    let email = json!({"name": subject, "subject": subject, "status": "Archived", "from": "a@b.example",
                       "to": "c@d.example", "dateSent": "2030-01-01 00:00:00"});
    let email = create(crm, "Email", email).await;
    let boss = admin(sim);
    let users = boss.request(Method::POST, ["Email", &email, "users"]);
    users
        .json(&json!({"id": me(crm).await}))
        .send()
        .await
        .unwrap();
    email
}

/// An attribute of an email in a list: reading the record itself marks it as read.
async fn shown(crm: &Client, email: &str, attribute: &str) -> serde_json::Value {
    let inbox = crm.untyped("Email");
    let page = inbox.list().filter(field("id").eq(email)).await.unwrap();
    page.records[0][attribute].clone()
}

#[tokio::test]
async fn marks_change_the_record_and_the_counts() {
    let (sim, _) = start().await;
    let crm = regular(&sim);
    let email = received(&sim, &crm, "S").await;
    let inbox = crm.untyped("Email");
    let unread = async || inbox.unread_counts().await.unwrap()["inbox"];
    assert_eq!(unread().await, 1);
    for (mark, attribute, left) in [
        (EmailMark::Read, "isRead", 0),
        (EmailMark::InTrash, "inTrash", 0),
        (EmailMark::Important, "isImportant", 1),
    ] {
        assert_eq!(shown(&crm, &email, attribute).await, false, "{attribute}");
        inbox.mark(mark, [&email]).await.unwrap();
        assert_eq!(shown(&crm, &email, attribute).await, true, "{attribute}");
        assert_eq!(unread().await, left, "{attribute}");
        inbox.unmark(mark, [&email]).await.unwrap();
        assert_eq!(shown(&crm, &email, attribute).await, false, "{attribute}");
        assert_eq!(unread().await, 1, "{attribute}");
    }
    inbox.mark_every_read().await.unwrap();
    assert_eq!(unread().await, 0);
}

#[tokio::test]
async fn marks_apply_to_one_user() {
    let (sim, _) = start().await;
    let crm = regular(&sim);
    let email = received(&sim, &crm, "S").await;
    crm.untyped("Email")
        .mark(EmailMark::Important, [&email])
        .await
        .unwrap();
    let boss = admin(&sim);
    let seen = boss.untyped("Email").list().await.unwrap();
    assert!(
        seen.records
            .iter()
            .all(|email| email["isImportant"] != true)
    );
    // Emails outside the user's inbox are skipped.
    boss.untyped("Email")
        .mark(EmailMark::Read, [&email])
        .await
        .unwrap();
    assert_eq!(shown(&crm, &email, "isRead").await, false);
}

#[tokio::test]
async fn emails_move_into_user_folders() {
    let (sim, _) = start().await;
    let crm = regular(&sim);
    let email = received(&sim, &crm, "S").await;
    let folder = create(&crm, "EmailFolder", json!({"name": "F"})).await;
    let inbox = crm.untyped("Email");
    let counts = async || {
        let counts = inbox.unread_counts().await.unwrap();
        (counts["inbox"], counts[&folder])
    };
    assert_eq!(counts().await, (1, 0));
    inbox.move_to(&folder, [&email]).await.unwrap();
    assert_eq!(counts().await, (0, 1));
    assert_eq!(shown(&crm, &email, "folderId").await, folder.as_str());
    inbox.move_to("archive", [&email]).await.unwrap();
    assert_eq!(counts().await, (0, 0));
    inbox.move_to("inbox", [&email]).await.unwrap();
    assert_eq!(counts().await, (1, 0));
    assert!(
        inbox
            .move_to("none", [&email])
            .await
            .unwrap_err()
            .is_not_found()
    );
    let boss = admin(&sim);
    let error = boss
        .untyped("Email")
        .move_to(&folder, [&email])
        .await
        .unwrap_err();
    assert!(error.is_forbidden(), "another user's folder: {error}");
}

#[tokio::test]
async fn templates_are_rendered_for_a_record() {
    let (_sim, crm) = start().await;
    let account = json!({"name": "Acme", "emailAddress": "hello@acme.example"});
    let account = create(&crm, "Account", account).await;
    let contact =
        json!({"firstName": "Jane", "lastName": "Roe", "emailAddress": "jane@acme.example"});
    create(&crm, "Contact", contact).await;
    let template = json!({"name": "T", "subject": "To {Person.name}",
        "body": "{Account.name}, {Person.firstName}, {User.userName}, {Nobody.name}, {", "isHtml": false});
    let template = create(&crm, "EmailTemplate", template).await;
    let upload = Upload::new(
        "a.txt",
        "text/plain",
        Place::multiple("EmailTemplate", "attachments"),
    );
    let file = crm
        .untyped("Attachment")
        .upload(&upload, b"text")
        .await
        .unwrap();
    let file = file["id"].as_str().unwrap();
    let template = crm.untyped("EmailTemplate").record(&template);
    let place = Place::multiple("EmailTemplate", "attachments");
    template.add_files(place, [file]).await.unwrap();

    let filled = template
        .prepare()
        .parent(("Account", account.as_str()))
        .email_address("jane@acme.example")
        .await
        .unwrap();
    assert_eq!(filled.subject, "To Jane Roe");
    assert_eq!(filled.body, "Acme, Jane, api-key, {Nobody.name}, {");
    assert!(!filled.is_html);
    let copy = read(&crm, "Attachment", filled.attachments[0].as_str()).await;
    assert_ne!(copy["id"], file, "a copy: the template keeps its own");
    assert_eq!(copy["name"], "a.txt");

    let none = crm.untyped("EmailTemplate").record("none");
    let error = none.prepare().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let unknown = template.prepare().parent(("Account", "none"));
    let error = unknown.await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn addresses_are_found_by_record_and_prefix() {
    let (sim, crm) = start().await;
    let account = json!({"name": "Acme", "emailAddress": "hello@acme.example"});
    let account = create(&crm, "Account", account).await;
    let contact =
        json!({"lastName": "Roe", "emailAddress": "jane@acme.example", "accountId": account});
    let contact = create(&crm, "Contact", contact).await;
    let case = json!({"name": "C", "accountId": account, "contactsIds": [contact]});
    let case = create(&crm, "Case", case).await;
    let offered = async |entity_type: &'static str, id: &str| {
        let record = crm.untyped(entity_type).record(id);
        let list = record.email_addresses().await.unwrap();
        let mut list: Vec<_> = list
            .iter()
            .map(|a| a["emailAddress"].as_str().unwrap().to_owned())
            .collect();
        list.sort();
        list
    };
    // The addresses of the records that it belongs to, not its own.
    assert_eq!(offered("Case", &case).await, ["hello@acme.example"]);
    assert_eq!(offered("Contact", &contact).await, ["hello@acme.example"]);
    assert!(offered("Account", &account).await.is_empty());
    let none = crm.untyped("Case").record("none");
    let error = none.email_addresses().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");

    let found = admin(&sim)
        .untyped("EmailAddress")
        .search_addresses("Contact", "jane", 5)
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["entityId"], contact.as_str());
}
