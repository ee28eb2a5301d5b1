//! Stream, files, mass actions, exports, leads, boards, webhooks: as the
//! embedded server does them.

use std::time::Duration;

use espo_core::actions::activities::Side;
use espo_core::actions::crm::Conversion;
use espo_core::actions::export::Format;
use espo_core::actions::mass::UpdateMode;
use espo_core::actions::stream::{NewPost, StreamQuery};
use espo_core::actions::{JobStatus, Polling, Selection};
use espo_core::attachments::{Place, Upload};
use espo_core::{JsonObject, SearchParams, WhereItem};
use serde_json::json;

use crate::{create, object, read, start};

#[tokio::test]
async fn a_note_lives_from_post_to_delete() {
    let (_sim, crm) = start().await;
    let account = create(&crm, "Account", json!({"name": "Acme"})).await;
    let notes = crm.stream();
    let note = notes
        .post(&NewPost::on("Account", &account, "Hello 🦀"))
        .await
        .unwrap();
    assert_eq!(
        (note.kind.as_str(), note.post.as_deref()),
        ("Post", Some("Hello 🦀"))
    );

    notes.edit(&note.id, "Hello again").await.unwrap();
    notes.pin(&note.id).await.unwrap();
    notes.react(&note.id, "Like").await.unwrap();
    let read = notes.read(&note.id).await.unwrap();
    assert_eq!(read.post.as_deref(), Some("Hello again"));
    let page = notes
        .of("Account", &account, &StreamQuery::new())
        .await
        .unwrap();
    assert!(page.list.iter().any(|listed| listed.id == note.id));
    assert_eq!(page.pinned_list[0].id, note.id);
    let posts = notes
        .posts_of("Account", &account, &StreamQuery::new())
        .await
        .unwrap();
    assert!(posts.list.iter().all(|listed| listed.kind == "Post"));
    notes.own(&StreamQuery::new().max_size(5)).await.unwrap();

    notes.unreact(&note.id, "Like").await.unwrap();
    notes.unpin(&note.id).await.unwrap();
    notes.delete(&note.id).await.unwrap();
    assert!(notes.read(&note.id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn files_arrive_as_they_were_in_one_request_or_in_pieces() {
    let (_sim, crm) = start().await;
    let files = crm.attachments();
    let content: Vec<u8> = (0..5_000_u32).map(|number| (number % 251) as u8).collect();
    let upload = Upload::new("звіт.txt", "text/plain", Place::file("Document", "file"));
    let whole = files.upload(&upload, &content).await.unwrap();
    let pieces = upload.clone().piece_size(999);
    let pieced = files
        .upload_from(&pieces, content.len() as u64, content.as_slice())
        .await
        .unwrap();
    for id in [&whole.id, &pieced.id] {
        let download = files.download(id).await.unwrap();
        assert_eq!(download.size(), Some(5_000));
        let mut arrived = Vec::new();
        download.write_to(&mut arrived).await.unwrap();
        assert_eq!(arrived, content);
        assert_eq!(
            files.read(id).await.unwrap().name.as_deref(),
            Some("звіт.txt")
        );
    }
    let empty = files.upload_from(&upload, 0, &[][..]).await.unwrap();
    let mut arrived = Vec::new();
    files
        .download(&empty.id)
        .await
        .unwrap()
        .write_to(&mut arrived)
        .await
        .unwrap();
    assert!(arrived.is_empty());
}

#[tokio::test]
async fn a_file_joins_a_notes_attachments() {
    let (_sim, crm) = start().await;
    let account = create(&crm, "Account", json!({"name": "Acme"})).await;
    let place = Place::multiple("Note", "attachments");
    let upload = |name: &str| Upload::new(name, "text/plain", place.clone());
    let first = crm
        .attachments()
        .upload(&upload("a.txt"), b"a")
        .await
        .unwrap();
    let second = crm
        .attachments()
        .upload(&upload("b.txt"), b"b")
        .await
        .unwrap();
    let post = NewPost::on("Account", &account, "With a file").attachments([&first.id]);
    let note = crm.stream().post(&post).await.unwrap();
    crm.attachments()
        .add_files("Note", &note.id, "attachments", [&second.id])
        .await
        .unwrap();
    let note = crm.stream().read(&note.id).await.unwrap();
    assert_eq!(note.other["attachmentsIds"], json!([first.id, second.id]));

    let notes = crm.stream();
    let files = notes.attachments_of("Account", &account, 0, 5);
    let files = files.await.unwrap();
    let mut names: Vec<_> = files.list.iter().map(|file| file["name"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["a.txt", "b.txt"]);
    let first = notes.attachments_of("Account", &account, 0, 1);
    assert_eq!(first.await.unwrap().list.len(), 1);
}

/// How to wait for the embedded server's jobs, which are done at once.
const OFTEN: Polling = Polling {
    every: Duration::from_millis(5),
    at_most: Duration::from_secs(60),
};

#[tokio::test]
async fn mass_actions_and_merge() {
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
    let accounts = crm.mass("Account");
    let result = accounts
        .update(
            &Selection::ids(&ids[..2]),
            object(json!({"industry": "Finance"})),
        )
        .await
        .unwrap();
    assert_eq!((result.count, result.ids.unwrap().len()), (2, 2));
    let found = Selection::matching([WhereItem::equals("industry", "Finance")]);
    let result = accounts
        .update(&found, object(json!({"industry": "Retail"})))
        .await
        .unwrap();
    assert_eq!((result.count, result.ids), (2, None));
    assert_eq!(read(&crm, "Account", &ids[0]).await["industry"], "Retail");

    let job = accounts
        .start("delete", &Selection::ids(&ids[2..]), json!({}))
        .await
        .unwrap();
    let progress = job.wait(OFTEN).await.unwrap();
    assert_eq!(progress.status, JobStatus::Success);
    assert_eq!(sim.count("Account"), 2);

    let attributes = object(json!({"name": "AB"}));
    let merged = crm
        .merge("Account", &ids[0], [&ids[1]], attributes)
        .await
        .unwrap();
    assert_eq!(merged["name"], "AB");
    assert_eq!(sim.count("Account"), 1);

    let error = accounts
        .run("noSuchAction", &Selection::everything(), json!({}))
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn a_mass_update_adds_to_a_set_of_links() {
    let (sim, crm) = start().await;
    let team = sim.users().teams[0].id.clone();
    let account = create(&crm, "Account", json!({"name": "A"})).await;
    crm.mass("Account")
        .update_with(
            &Selection::ids([&account]),
            object(json!({"teamsIds": [team]})),
            [("teamsIds", UpdateMode::Add)],
        )
        .await
        .unwrap();
    assert_eq!(
        read(&crm, "Account", &account).await["teamsIds"],
        json!([team])
    );
}

#[tokio::test]
async fn an_export_holds_what_was_chosen() {
    let (_sim, crm) = start().await;
    create(&crm, "Account", json!({"name": "Chosen"})).await;
    create(&crm, "Account", json!({"name": "Other"})).await;
    let chosen = || {
        let which = Selection::matching([WhereItem::equals("name", "Chosen")]);
        crm.export("Account", which).attributes(["name"])
    };
    let job = chosen().start().await.unwrap();
    let progress = job.wait(OFTEN).await.unwrap();
    assert_eq!(progress.status, JobStatus::Success);
    assert!(progress.attachment_id.is_some());

    let id = chosen().run().await.unwrap();
    let mut csv = Vec::new();
    crm.attachments()
        .download(id)
        .await
        .unwrap()
        .write_to(&mut csv)
        .await
        .unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.contains("Chosen") && !csv.contains("Other"), "{csv}");

    let sheet = chosen().format(Format::Xlsx).run().await.unwrap();
    let mut bytes = Vec::new();
    let sheet = crm.attachments().download(sheet).await.unwrap();
    sheet.write_to(&mut bytes).await.unwrap();
    assert!(bytes.starts_with(b"PK"), "a workbook is an archive");
}

#[tokio::test]
async fn a_lead_becomes_an_account_and_says_when_there_is_one() {
    let (_sim, crm) = start().await;
    let lead = || json!({"lastName": "Adder", "accountName": "Leadco", "emailAddress": "lee@leadco.example"});
    let first = create(&crm, "Lead", lead()).await;
    let attributes = crm.lead_convert_attributes(&first).await.unwrap();
    assert!(attributes.contains_key("Account"));
    let into = Conversion::new().record("Account", object(json!({"name": "Leadco"})));
    let converted = crm.convert_lead(&first, &into).await.unwrap();
    assert_eq!(converted["status"], "Converted");

    let mut other = lead();
    other["lastName"] = json!("Other");
    other["emailAddress"] = json!("other@leadco.example");
    let second = create(&crm, "Lead", other).await;
    let error = crm.convert_lead(&second, &into).await.unwrap_err();
    assert_eq!(error.duplicates().unwrap()[0]["_entityType"], "Account");
    crm.convert_lead(&second, &into.skip_duplicate_check())
        .await
        .unwrap();
}

#[tokio::test]
async fn boards_activities_and_searches() {
    let (_sim, crm) = start().await;
    let account = create(&crm, "Account", json!({"name": "Searched for"})).await;
    let won = create(
        &crm,
        "Opportunity",
        json!({"name": "Deal", "amount": 1, "stage": "Closed Won", "closeDate": "2026-01-31", "accountId": account}),
    )
    .await;
    let board = crm
        .kanban("Opportunity", &SearchParams::new().max_size(5))
        .await
        .unwrap();
    let of_won: Vec<_> = board
        .groups
        .iter()
        .flat_map(|group| group.list.iter().map(move |record| (&group.name, record)))
        .filter(|(_, record)| record["id"] == won.as_str())
        .collect();
    assert!(of_won.iter().all(|(group, _)| *group == "Closed Won"));
    crm.order_kanban("Opportunity", "Closed Won", [&won])
        .await
        .unwrap();

    let found = crm.app().global_search("Searched", 0, 5).await.unwrap();
    assert_eq!(found.list[0]["_scope"], "Account");
    for side in [Side::Activities, Side::History] {
        crm.activities()
            .of(side, "Account", &account, None, 0, 5)
            .await
            .unwrap();
    }
    crm.app().last_viewed().await.unwrap();
    crm.notifications().unread_count().await.unwrap();
    crm.notifications().mark_all_read().await.unwrap();
    crm.app().open_api(false).await.unwrap();
    crm.inbox().search_addresses("a", 5).await.unwrap();
}

mod webhooks {
    use espo_core::http::{HeaderMap, HeaderName, HeaderValue};
    use espo_core::secrecy::ExposeSecret as _;
    use espo_core::webhook::{Event, verify};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Takes one delivery: headers and the exact bytes of the body.
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
    async fn what_the_server_signs_is_verified_by_either_header() {
        let (_sim, crm) = start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let hook = crm
            .webhooks()
            .ensure(&Event::create("Account"), &url)
            .await
            .unwrap();
        let again = crm
            .webhooks()
            .ensure(&Event::create("Account"), &url)
            .await
            .unwrap();
        assert_eq!(hook.id, again.id);
        assert_eq!(crm.webhooks().list().await.unwrap().len(), 1);
        let read = crm.webhooks().read(&hook.id).await.unwrap();
        assert_eq!(read.event.as_deref(), Some("Account.create"));
        assert!(
            crm.webhooks()
                .read("none")
                .await
                .unwrap_err()
                .is_not_found()
        );

        create(&crm, "Account", json!({"name": "Café / 🦀"})).await;
        let (mut headers, body) = receive(&listener).await;
        let secret = hook.secret_key.as_ref().unwrap().expose_secret();
        let key = |id: &str| (id == hook.id).then_some(secret);
        for header in ["signature", "x-signature"] {
            let delivery = verify(&headers, &body, key).unwrap();
            let items: Vec<JsonObject> = delivery.items().unwrap();
            assert_eq!(items[0]["name"], "Café / 🦀");
            assert!(headers.remove(header).is_some(), "{header}");
        }
        crm.webhooks().delete(&hook.id).await.unwrap();
        assert!(crm.webhooks().list().await.unwrap().is_empty());
    }
}
