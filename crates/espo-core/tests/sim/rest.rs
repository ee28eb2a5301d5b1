//! Streams, files, mass actions, exports, leads, boards and webhooks on the embedded server.

use std::time::Duration;

use espo_core::JsonObject;
use espo_core::actions::Conversion;
use espo_core::actions::ExportFormat;
use espo_core::actions::mass::{UpdateMode, UpdateModes};
use espo_core::actions::{JobStatus, Polling, Selection};
use espo_core::attachments::{Place, Upload};
use espo_core::untyped::field;
use serde_json::json;

use crate::{create, object, read, start};

#[tokio::test]
async fn notes_are_posted_changed_and_deleted() {
    let (_sim, crm) = start().await;
    let account = create(&crm, "Account", json!({"name": "Acme"})).await;
    let account = crm.untyped("Account").record(&account);
    let note = account.post("Hello 🦀").await.unwrap();
    assert_eq!(
        (note["type"].as_str(), note["post"].as_str()),
        (Some("Post"), Some("Hello 🦀"))
    );

    let note = crm.untyped("Note").record(note["id"].as_str().unwrap());
    note.edit("Hello again").await.unwrap();
    note.pin().await.unwrap();
    note.react("Like").await.unwrap();
    assert_eq!(note.read().await.unwrap()["post"], "Hello again");
    let page = account.stream().await.unwrap();
    let id = note.id().as_str();
    assert!(page.notes.iter().any(|listed| listed["id"] == id));
    assert_eq!(page.pinned[0]["id"], id);
    let posts = account.posts().await.unwrap();
    assert!(posts.notes.iter().all(|listed| listed["type"] == "Post"));
    let own = crm.untyped("Note").own_stream();
    own.max_size(5).await.unwrap();

    note.unreact("Like").await.unwrap();
    note.unpin().await.unwrap();
    note.delete().await.unwrap();
    assert!(note.read().await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn uploads_in_one_request_or_chunks_are_unchanged() {
    let (_sim, crm) = start().await;
    let files = crm.untyped("Attachment");
    let content: Vec<u8> = (0..5_000_u32).map(|number| (number % 251) as u8).collect();
    let upload = Upload::new("звіт.txt", "text/plain", Place::file("Document", "file"));
    let whole = files.upload(&upload, &content).await.unwrap();
    let chunks = upload.clone().chunk_size(999);
    let pieced = files
        .upload_reader(&chunks, content.len() as u64, content.as_slice())
        .await
        .unwrap();
    let download = async |file: &JsonObject| {
        let file = files.record(file["id"].as_str().unwrap());
        let download = file.download().await.unwrap();
        let size = download.size();
        let mut arrived = Vec::new();
        download.write_to(&mut arrived).await.unwrap();
        (size, arrived)
    };
    for file in [&whole, &pieced] {
        let (size, arrived) = download(file).await;
        assert_eq!(size, Some(5_000));
        assert_eq!(arrived, content);
        let id = file["id"].as_str().unwrap();
        assert_eq!(files.read(id).await.unwrap()["name"], "звіт.txt");
    }
    let empty = files.upload_reader(&upload, 0, &[][..]).await.unwrap();
    assert!(download(&empty).await.1.is_empty());
}

#[tokio::test]
async fn files_are_added_to_the_attachments_of_a_note() {
    let (_sim, crm) = start().await;
    let account = create(&crm, "Account", json!({"name": "Acme"})).await;
    let account = crm.untyped("Account").record(&account);
    let place = Place::multiple("Note", "attachments");
    let upload = async |name: &str| {
        let upload = Upload::new(name, "text/plain", place.clone());
        let file = crm.untyped("Attachment").upload(&upload, b"a").await;
        file.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (upload("a.txt").await, upload("b.txt").await);
    let note = account.post("With a file").attach([&first]).await.unwrap();
    let note = crm.untyped("Note").record(note["id"].as_str().unwrap());
    note.add_files(place.clone(), [&second]).await.unwrap();
    let kept = note.read().await.unwrap();
    assert_eq!(kept["attachmentsIds"], json!([first, second]));

    let files = account.stream_attachments().max_size(5).await.unwrap();
    let mut names: Vec<_> = files
        .records
        .iter()
        .map(|file| file["name"].clone())
        .collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["a.txt", "b.txt"]);
    let first = account.stream_attachments().max_size(1).await.unwrap();
    assert_eq!(first.records.len(), 1);
    let all = account.stream_attachments().max_size(1).collect().await;
    assert_eq!(all.unwrap().len(), 2);
}

/// How to wait for the embedded server's jobs, which finish immediately.
const OFTEN: Polling = Polling {
    every: Duration::from_millis(5),
    at_most: Duration::from_secs(60),
};

#[tokio::test]
async fn mass_actions_and_merges_change_records() {
    let (sim, crm) = start().await;
    let mut ids = Vec::new();
    for name in ["A", "B", "C"] {
        ids.push(
            create(
                &crm,
                "Account",
                json!({"name": name, "website": "https://x.example"}),
            )
            .await,
        );
    }
    let accounts = crm.untyped("Account");
    let result = accounts
        .mass(Selection::ids(&ids[..2]))
        .update(object(json!({"industry": "Finance"})))
        .await
        .unwrap();
    assert_eq!((result.count, result.ids.unwrap().len()), (2, 2));
    let found = Selection::matching([field("industry").eq("Finance")]);
    let result = accounts
        .mass(found)
        .update(object(json!({"industry": "Retail"})))
        .await
        .unwrap();
    assert_eq!((result.count, result.ids), (2, None));
    assert_eq!(read(&crm, "Account", &ids[0]).await["industry"], "Retail");

    let job = accounts
        .mass(Selection::ids(&ids[2..]))
        .start("delete", json!({}))
        .await
        .unwrap();
    let progress = job.wait(OFTEN).await.unwrap();
    assert_eq!(progress.status, JobStatus::Success);
    assert_eq!(sim.count("Account"), 2);

    let patch = object(json!({"name": "AB"}));
    let merged = accounts.record(&ids[0]).merge([&ids[1]], patch).await;
    assert_eq!(merged.unwrap()["name"], "AB");
    assert_eq!(sim.count("Account"), 1);

    let error = accounts
        .mass(Selection::everything())
        .run("noSuchAction", json!({}))
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn mass_updates_add_to_a_set_of_links() {
    let (sim, crm) = start().await;
    let team = sim.users().teams[0].id.clone();
    let account = create(&crm, "Account", json!({"name": "A"})).await;
    crm.untyped("Account")
        .mass(Selection::ids([&account]))
        .update_with(
            object(json!({"teamsIds": [team]})),
            UpdateModes::new().mode("teamsIds", UpdateMode::Add),
        )
        .await
        .unwrap();
    assert_eq!(
        read(&crm, "Account", &account).await["teamsIds"],
        json!([team])
    );
}

#[tokio::test]
async fn exports_contain_the_selection() {
    let (_sim, crm) = start().await;
    create(&crm, "Account", json!({"name": "Chosen"})).await;
    create(&crm, "Account", json!({"name": "Other"})).await;
    let accounts = crm.untyped("Account");
    let chosen = || {
        let which = Selection::list(accounts.list().filter(field("name").eq("Chosen")));
        accounts.export(which).attributes(["name"])
    };
    let job = chosen().start().await.unwrap();
    let progress = job.wait(OFTEN).await.unwrap();
    assert_eq!(progress.status, JobStatus::Success);
    assert!(progress.file.is_some());

    let id = chosen().run().await.unwrap();
    let mut csv = Vec::new();
    let files = crm.untyped("Attachment");
    let file = files.record(id).download().await.unwrap();
    file.write_to(&mut csv).await.unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.contains("Chosen") && !csv.contains("Other"), "{csv}");

    let sheet = chosen().format(ExportFormat::Xlsx).run().await.unwrap();
    let mut bytes = Vec::new();
    let sheet = files.record(sheet).download().await.unwrap();
    sheet.write_to(&mut bytes).await.unwrap();
    assert!(bytes.starts_with(b"PK"), "a workbook is an archive");
}

#[tokio::test]
async fn lead_conversion_reports_existing_accounts() {
    let (_sim, crm) = start().await;
    let lead = || json!({"lastName": "Adder", "accountName": "Leadco", "emailAddress": "lee@leadco.example"});
    let first = create(&crm, "Lead", lead()).await;
    let first = crm.untyped("Lead").record(&first);
    let attributes = first.convert_attributes().await.unwrap();
    assert!(attributes.contains_key("Account"));
    let into = Conversion::new().create_untyped("Account", object(json!({"name": "Leadco"})));
    let converted = first.convert(into.clone()).await.unwrap();
    assert_eq!(converted["status"], "Converted");

    let mut other = lead();
    other["lastName"] = json!("Other");
    other["emailAddress"] = json!("other@leadco.example");
    let second = create(&crm, "Lead", other).await;
    let second = crm.untyped("Lead").record(&second);
    let error = second.convert(into.clone()).await.unwrap_err();
    assert_eq!(
        error.duplicates::<espo_core::JsonObject>().unwrap()[0]["_entityType"],
        "Account"
    );
    second.convert(into.skip_duplicate_check()).await.unwrap();
}

#[tokio::test]
async fn boards_activities_and_searches_return_records() {
    let (_sim, crm) = start().await;
    let account = create(&crm, "Account", json!({"name": "Searched for"})).await;
    let won = create(
        &crm,
        "Opportunity",
        json!({"name": "Deal", "amount": 1, "stage": "Closed Won", "closeDate": "2026-01-31", "accountId": account}),
    )
    .await;
    let deals = crm.untyped("Opportunity");
    let board = deals.kanban().max_size(5).await.unwrap();
    let of_won: Vec<_> = board
        .groups
        .iter()
        .flat_map(|group| {
            group
                .records
                .iter()
                .map(move |record| (&group.name, record))
        })
        .filter(|(_, record)| record["id"] == won.as_str())
        .collect();
    assert!(of_won.iter().all(|(group, _)| *group == "Closed Won"));
    deals.order_kanban("Closed Won", [&won]).await.unwrap();

    let found = crm.global_search("Searched").max_size(5).await.unwrap();
    assert_eq!(found.records[0].entity_type, "Account");
    let account = crm.untyped("Account").record(&account);
    account.activities().max_size(5).await.unwrap();
    account.history().max_size(5).await.unwrap();
    crm.app().last_viewed().await.unwrap();
    let notifications = crm.untyped("Notification");
    notifications.unread_count().await.unwrap();
    notifications.mark_all_read().await.unwrap();
    crm.app().open_api(false).await.unwrap();
    let addresses = crm.untyped("EmailAddress");
    addresses.search_addresses("Account", "a", 5).await.unwrap();
}

#[tokio::test]
async fn category_trees_are_read_and_rearranged() {
    let (_sim, crm) = start().await;
    let folders = crm.untyped("KnowledgeBaseCategory");
    let root = create(&crm, "KnowledgeBaseCategory", json!({"name": "Root"})).await;
    let mut ids = Vec::new();
    for name in ["A", "B"] {
        let values = json!({"name": name, "parentId": root});
        ids.push(create(&crm, "KnowledgeBaseCategory", values).await);
    }
    let names = async || {
        let tree = folders.tree().below(&root).await.unwrap();
        let names = tree
            .nodes
            .iter()
            .map(|node| node.record["name"].to_string());
        names.collect::<Vec<_>>()
    };
    let (a, b) = (folders.record(&ids[0]), folders.record(&ids[1]));
    b.move_to(espo_core::actions::TreePlace::Before, &a)
        .await
        .unwrap();
    assert_eq!(names().await, ["\"B\"", "\"A\""]);
    b.move_to(espo_core::actions::TreePlace::Into, &a)
        .await
        .unwrap();
    assert_eq!(names().await, ["\"A\""]);
    let tree = folders.tree().depth(3).await.unwrap();
    let below = tree.nodes[0].children.as_ref().unwrap();
    assert_eq!(below[0].record["name"], "A");
    assert_eq!(below[0].children.as_ref().unwrap()[0].record["name"], "B");
    assert_eq!(a.leaves().await.unwrap(), [b.id().clone()]);
    let error = a
        .move_to(espo_core::actions::TreePlace::Into, &b)
        .await
        .unwrap_err();
    assert!(error.is_forbidden(), "below itself: {error}");
}

mod webhooks {
    use espo_core::http::{HeaderMap, HeaderName, HeaderValue};
    use espo_core::webhook::{Event, verify};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Receives one delivery: headers and the exact bytes of the body.
    async fn receive(listener: &TcpListener) -> (HeaderMap, Vec<u8>) {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0);
        };
        let mut headers = HeaderMap::new();
        for line in String::from_utf8_lossy(&bytes[..end]).lines().skip(1) {
            if let Some((name, value)) = line.split_once(':') {
                headers.insert(
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_str(value.trim()).unwrap(),
                );
            }
        }
        let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
        while bytes.len() < end + length {
            assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0);
        }
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        socket.write_all(answer).await.unwrap();
        (headers, bytes[end..].to_vec())
    }

    #[tokio::test]
    async fn webhooks_are_verified_by_either_signature_header() {
        let (_sim, crm) = start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let webhooks = crm.untyped("Webhook");
        let event = Event::new("Account.create");
        let hook = webhooks.ensure(&event, &url).await.unwrap();
        let again = webhooks.ensure(&event, &url).await.unwrap();
        assert_eq!(hook["id"], again["id"]);
        let count = async || webhooks.list().count().await.unwrap();
        assert_eq!(count().await, 1);
        let id = hook["id"].as_str().unwrap();
        let read = webhooks.read(id).await.unwrap();
        assert_eq!(read["event"], "Account.create");

        create(&crm, "Account", json!({"name": "Café / 🦀"})).await;
        let (mut headers, body) = receive(&listener).await;
        let secret = hook["secretKey"].as_str().unwrap();
        let key = |of: &str| (of == id).then_some(secret);
        for header in ["signature", "x-signature"] {
            let delivery = verify(&headers, &body, key).unwrap();
            let items: Vec<JsonObject> = delivery.items().unwrap();
            assert_eq!(items[0]["name"], "Café / 🦀");
            assert!(headers.remove(header).is_some(), "{header}");
        }
        webhooks.delete(id).await.unwrap();
        assert_eq!(count().await, 0);
    }
}
