//! Actions take typed IDs and return generated records; the embedded server runs them.

use std::collections::HashSet;

use espo_core::actions::Conversion;
use espo_core::actions::EmailMark;
use espo_core::actions::Selection;
use espo_core::actions::UpdateModes;
use espo_core::actions::event::Acceptance;
use espo_core::actions::import::{ImportAction, ImportSettings};
use espo_core::attachments::{Place, Upload};
use espo_core::untyped::field;
use espo_core::webhook::Event;
use espo_sim::Sim;
use espo_typed::opportunity::{self, Stage};
use espo_typed::prelude::*;
use espo_typed::{document, note, target_list, user};

/// The instance that the tests run against: an embedded server, or that of `ESPO_TEST_URL` with the API key of
/// `ESPO_API_KEY` and the administrator of `ESPO_USERNAME` and `ESPO_PASSWORD`.
struct Instance {
    sim: Option<Sim>,
    crm: Client,
    boss: Client,
}

async fn start() -> Instance {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is set"));
    let client = |url: &str, auth: Auth| {
        let builder = Client::builder(url.to_owned()).auth(auth);
        builder.build().expect("a client")
    };
    if let Ok(url) = std::env::var("ESPO_TEST_URL") {
        let key = Auth::api_key(variable("ESPO_API_KEY"));
        let boss = Auth::password(variable("ESPO_USERNAME"), variable("ESPO_PASSWORD"));
        return Instance {
            sim: None,
            crm: client(&url, key),
            boss: client(&url, boss.into()),
        };
    }
    let sim = Sim::start().await.expect("the embedded server starts");
    let users = sim.users();
    let user = users.admin().expect("a sample administrator");
    let password = user.password.clone().expect("its password");
    let boss = Auth::password(user.user_name.clone(), password);
    Instance {
        crm: client(&sim.url(), Auth::api_key(sim.api_key())),
        boss: client(&sim.url(), boss.into()),
        sim: Some(sim),
    }
}

/// A name that no earlier run has used.
fn unique(name: &str) -> String {
    format!("{name} {}", Timestamp::now().as_nanosecond())
}

fn id<E: Entity>(record: &E) -> Id<E> {
    record.id().clone()
}

#[tokio::test]
async fn streams_contain_notes_and_followers_are_users() -> Result<(), Error> {
    let Instance { crm, boss, .. } = &start().await;
    let acme = id(&crm.create(AccountNew::new(unique("Acme"))).await?);
    let upload = Upload::new("a.txt", "text/plain", note::ATTACHMENTS_IDS);
    let file = crm.records::<Attachment>().upload(&upload, b"text").await?;

    let account = crm.record(&acme);
    let post: Note = account.post("Hello").attach([id(&file)]).await?;
    assert_eq!(post.post.as_deref(), Some("Hello"));
    let page = account.stream().await?;
    assert!(page.notes.contains(&account.stream().await?.notes[0]));
    let all: Vec<Note> = account.stream().max_size(1).stream().try_collect().await?;
    assert_eq!(all.len(), page.notes.len());
    let files: Vec<Attachment> = account.stream_attachments().collect().await?;
    assert_eq!(files[0].name.as_deref(), Some("a.txt"));

    let post = crm.record(id(&post));
    post.pin().await?;
    assert_eq!(account.stream().await?.pinned[0].id(), post.id());
    post.react("Like").await?;
    let likes: Vec<User> = post.reactors("Like").collect().await?;
    assert!(likes.len() <= 1, "API users can be left out");
    post.unreact("Like").await?;
    post.unpin().await?;
    let edited: Note = post.edit("Hello again").await?;
    assert_eq!(edited.post.as_deref(), Some("Hello again"));

    let regular = boss
        .list::<User>()
        .filter(user::TYPE.eq(user::Type::Regular))
        .first()
        .await?;
    let regular = id(&regular.expect("a regular user"));
    let account = boss.record(&acme);
    account.add_followers([&regular]).await?;
    let followers: Vec<User> = account.followers().collect().await?;
    assert!(followers.iter().any(|user| user.id() == &regular));
    account.remove_followers([&regular]).await?;
    let own: Vec<Note> = boss.records::<Note>().own_stream().await?.notes;
    assert!(own.len() <= 200);
    Ok(())
}

#[tokio::test]
async fn files_are_uploaded_for_fields_and_downloaded() -> Result<(), Error> {
    let Instance { crm, .. } = &start().await;
    let upload = Upload::new("a.txt", "text/plain", document::FILE_ID);
    let file = crm.records::<Attachment>().upload(&upload, "text").await?;
    let new = DocumentNew::new(DocumentRequired {
        name: "Terms".into(),
        file_id: id(&file),
        publish_date: date(2026, 1, 1),
    });
    let terms = id(&crm.create(new).await?);
    let copy: Attachment = crm.record(id(&file)).copy_to(document::FILE_ID).await?;
    crm.update(&terms, DocumentPatch::new().file_id(id(&copy)))
        .await?;
    let mut back = Vec::new();
    let download = crm.record(id(&copy)).download().await?;
    download.write_to(&mut back).await?;
    assert_eq!(back, b"text");

    let acme = id(&crm.create(AccountNew::new(unique("Acme"))).await?);
    let post = crm.record(&acme).post("With files").await?;
    let upload = Upload::new("b.txt", "text/plain", note::ATTACHMENTS_IDS);
    let file = crm.records::<Attachment>().upload(&upload, "text").await?;
    let post = crm.record(id(&post));
    let changed: Note = post.add_files(note::ATTACHMENTS_IDS, [id(&file)]).await?;
    assert_eq!(changed.attachments_ids, Some(vec![id(&file)]));
    assert_eq!(
        Place::from(note::ATTACHMENTS_IDS),
        Place::multiple("Note", "attachments")
    );
    Ok(())
}

#[tokio::test]
async fn leads_become_accounts_and_contacts() -> Result<(), Error> {
    let Instance { crm, .. } = &start().await;
    let name = unique("Leadco");
    let lead = LeadNew::new().last_name(&name).account_name(&name);
    let lead = crm.record(id(&crm.create(lead).await?));
    let into = Conversion::new()
        .create(AccountNew::new(&name))
        .create(ContactNew::new(&name));
    let converted: Lead = lead.convert(into.clone()).await?;
    assert_eq!(converted.status, Some(espo_typed::lead::Status::Converted));
    let account = converted.created_account_id.expect("the account");
    assert_eq!(crm.read(&account).await?.name, Some(name.clone()));

    let second = LeadNew::new()
        .last_name(unique("Other"))
        .account_name(&name);
    let second = crm.record(id(&crm.create(second).await?));
    let error = second.convert(into).await.expect_err("a duplicate");
    assert!(error.is_duplicate(), "{error}");
    Ok(())
}

#[tokio::test]
async fn meetings_have_attendees_of_several_entity_types() -> Result<(), Error> {
    let Instance { crm, .. } = &start().await;
    let me = crm.app().user::<User>().await?.id().clone();
    let ann = id(&crm.create(ContactNew::new(unique("Ann"))).await?);
    let start: Timestamp = "2030-01-31T09:00:00Z".parse().expect("a time");
    let end: Timestamp = "2030-01-31T10:00:00Z".parse().expect("a time");
    let meeting = MeetingNew::new(MeetingRequired {
        name: "Talk".into(),
        assigned_user_id: me.clone(),
        date_start: start.into(),
        date_end: end.into(),
    })
    .users_ids([&me])
    .contacts_ids([&ann]);
    let meeting = crm.record(id(&crm.create(meeting).await?));
    meeting.set_acceptance(&Acceptance::Tentative).await?;
    let attendees = meeting.attendees().await?;
    let mine = attendees
        .iter()
        .find(|attendee| attendee.record.id_of::<User>().as_ref() == Some(&me));
    assert_eq!(
        mine.and_then(|attendee| attendee.acceptance.clone()),
        Some(Acceptance::Tentative)
    );
    let contact = attendees
        .iter()
        .find_map(|attendee| attendee.record.id_of::<Contact>());
    assert_eq!(contact, Some(ann));
    crm.records::<Meeting>().set_held([meeting.id()]).await?;
    let calendar = crm.record(&me).calendar(start, end).await?;
    let mut meetings = calendar.iter().filter_map(|row| row.id_of::<Meeting>());
    assert!(meetings.any(|other| other == *meeting.id()));
    let busy = crm.records::<User>().busy_ranges([&me], start, end).await?;
    assert!(busy.contains_key(&me));
    Ok(())
}

#[tokio::test]
async fn members_of_target_lists_opt_out() -> Result<(), Error> {
    let Instance { crm, .. } = &start().await;
    let ann = id(&crm.create(ContactNew::new(unique("Ann"))).await?);
    let list = crm.record(id(&crm.create(TargetListNew::new("Mailing")).await?));
    list.contacts().link(&ann).await?;
    list.opt_out(&ann).await?;
    let out = list.opted_out().collect().await?;
    assert_eq!(out[0].id_of::<Contact>(), Some(ann.clone()));
    assert!(out[0].decode::<Account>().is_none());
    list.cancel_opt_out(crm.record(&ann)).await?;
    assert!(list.opted_out().collect().await?.is_empty());
    list.unlink_all(target_list::links::CONTACTS).await?;
    assert!(list.contacts().list().await?.records.is_empty());
    Ok(())
}

#[tokio::test]
async fn selections_are_typed_for_mass_actions_exports_and_boards() -> Result<(), Error> {
    let Instance { crm, boss, .. } = &start().await;
    let (a, b) = (unique("A"), unique("B"));
    let deal = |name: &str| {
        OpportunityNew::new(OpportunityRequired {
            name: name.into(),
            amount: 5.into(),
            close_date: date(2026, 1, 31),
        })
        .stage(Stage::Proposal)
    };
    let first = id(&crm.create(deal(&a)).await?);
    let second = id(&crm.create(deal(&b)).await?);
    let deals = crm.records::<Opportunity>();
    let team = id(&boss.list::<Team>().first().await?.expect("a team"));
    let done = deals
        .mass(Selection::ids([&first, &second]))
        .update_with(
            OpportunityPatch::new().teams_ids([&team]),
            UpdateModes::new().adding(opportunity::TEAMS_IDS),
        )
        .await?;
    // The order depends on whether both were created in the same second.
    let changed: HashSet<_> = done.ids.into_iter().flatten().collect();
    assert_eq!(changed, HashSet::from([first.clone(), second.clone()]));

    // An attribute that the generated code does not know joins a typed filter.
    let found = opportunity::STAGE.eq(Stage::Proposal) & field("name").eq(&a);
    let csv = deals
        .export(Selection::matching([found]))
        .attributes((opportunity::NAME, opportunity::AMOUNT))
        .run()
        .await?;
    let mut text = Vec::new();
    let download = crm.record(&csv).download().await?;
    download.write_to(&mut text).await?;
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains(&a) && !text.contains(&b), "{text}");

    let board = deals
        .kanban()
        .filter(opportunity::NAME.eq(a.as_str()))
        .await?;
    let group = board
        .groups
        .iter()
        .find(|group| group.name == Stage::Proposal.as_str());
    let group = group.expect("a group for each stage");
    assert_eq!(group.records[0].id(), &first);
    deals.order_kanban(&group.name, [&second, &first]).await?;

    let merged: Opportunity = crm
        .record(&first)
        .merge([&second], OpportunityPatch::new().name("AB"))
        .await?;
    assert_eq!(merged.name.as_deref(), Some("AB"));
    assert!(crm.read_opt(&second).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn imports_take_columns_from_constants() -> Result<(), Error> {
    let Instance { boss: crm, .. } = &start().await;
    let name = unique("Known");
    crm.create(AccountNew::new(&name)).await?;
    let imports = crm.records::<Import>();
    let file = imports
        .upload_csv(format!(
            "name,ignored,website\n{name},x,https://known.example\n,x,y\n"
        ))
        .await?;
    let settings = ImportSettings::new::<Account>(&file)
        .key_column(espo_typed::account::NAME)
        .skip_column()
        .column(espo_typed::account::WEBSITE)
        .action(ImportAction::Update);
    let import: Import = imports.import(&settings).await?;
    let import = crm.record(id(&import));
    assert_eq!(import.read().await?.updated_count, Some(1));
    let known = crm
        .list::<Account>()
        .filter(espo_typed::account::NAME.eq(name.as_str()));
    let known = known.first().await?.expect("one account");
    assert_eq!(known.website.as_deref(), Some("https://known.example"));
    import.export_errors().await?;
    import.revert().await?;
    Ok(())
}

#[tokio::test]
async fn users_have_typed_preferences_and_keys() -> Result<(), Error> {
    let Instance { sim, crm, boss } = &start().await;
    let user = crm.app().user::<User>().await?;
    assert_eq!(user.user.user_name.as_deref(), user.user_name());
    let me = crm.record(user.id());
    let before: Preferences = me.preferences().await?;
    let Some(sim) = sim else {
        // Preferences and keys of a shared instance stay as they are.
        return Ok(());
    };
    let patch = PreferencesPatch::new().do_not_fill_assigned_user_if_not_required(true);
    let after = me.update_preferences(patch).await?;
    assert_eq!(after.do_not_fill_assigned_user_if_not_required, Some(true));
    assert_eq!(before.id(), after.id());
    me.reset_preferences().await?;

    let changed: User = boss.record(user.id()).generate_api_key().await?;
    let key = changed.api_key.expect("the new key");
    let again = Client::builder(sim.url())
        .auth(Auth::api_key(key))
        .build()?;
    assert_eq!(again.app().user::<User>().await?.id(), user.id());
    Ok(())
}

#[tokio::test]
async fn notifications_emails_and_webhooks_return_their_records() -> Result<(), Error> {
    let Instance { sim, crm, .. } = &start().await;
    let notifications = crm.records::<Notification>();
    notifications.mark_all_read().await?;
    assert_eq!(notifications.unread_count().await?, 0);
    notifications.list().await?;

    let emails = crm.records::<Email>();
    emails.mark_every_read().await?;
    let none: [Id<Email>; 0] = [];
    drop(emails.mark(EmailMark::Important, none).await);
    emails.unread_counts().await?;

    let event = Event::field_update::<Account>(espo_typed::account::links::ASSIGNED_USER);
    assert_eq!(event.as_str(), "Account.fieldUpdate.assignedUser");
    let webhooks = crm.records::<Webhook>();
    if sim.is_none() {
        // Real servers reject addresses that are internal or do not resolve.
        return Ok(());
    }
    let url = "http://127.0.0.1:9/hook";
    let webhook: Webhook = webhooks.ensure(&event, url).await?;
    assert!(webhook.secret_key.is_some());
    assert_eq!(webhooks.ensure(&event, url).await?.id(), webhook.id());
    assert_eq!(webhooks.list().count().await?, 1);
    Ok(())
}

#[tokio::test]
async fn category_trees_and_layouts_are_typed() -> Result<(), Error> {
    let Instance { crm, .. } = &start().await;
    let folders = crm.records::<DocumentFolder>();
    let root = id(&crm.create(DocumentFolderNew::new(unique("Root"))).await?);
    let leaf = DocumentFolderNew::new("Leaf").parent_id(&root);
    let leaf = id(&crm.create(leaf).await?);
    let tree = folders.tree().await?;
    let mut nodes = tree.nodes.iter();
    let node = nodes.find(|node| node.record.id() == &root);
    let node = node.expect("the new category");
    let children = node.children.as_ref().expect("two levels");
    assert_eq!(children[0].record.name.as_deref(), Some("Leaf"));
    assert_eq!(crm.record(&root).leaves().await?, [leaf]);
    assert!(crm.records::<Account>().layout("list").await?.is_array());
    Ok(())
}

#[tokio::test]
async fn searches_and_activities_name_entity_types() -> Result<(), Error> {
    let Instance { crm, boss, .. } = &start().await;
    let name = unique("Searched");
    let acme = id(&crm.create(AccountNew::new(&name)).await?);
    let found = crm.global_search(&name).collect().await?;
    assert_eq!(found[0].id_of::<Account>(), Some(acme.clone()));
    assert_eq!(found[0].id_of::<Contact>(), None);
    let account = crm.record(&acme);
    assert!(
        account
            .activities()
            .list::<Call>()
            .await?
            .records
            .is_empty()
    );
    assert!(account.history().await?.records.is_empty());
    account.email_addresses().await?;
    boss.record(&acme).users_access().await?;
    Ok(())
}

/// EspoCRM 10.0 and later; the embedded server behaves as the version of its metadata.
#[tokio::test]
async fn locked_accounts_reject_changes_until_they_are_unlocked() -> Result<(), Error> {
    let Instance { crm, boss, .. } = &start().await;
    let acme = id(&crm.create(AccountNew::new(unique("Acme"))).await?);
    let account = boss.record(&acme);
    match account.lock().await {
        Err(error) if error.is_not_found() => return Ok(()),
        locked => assert_eq!(locked?.is_locked, Some(true)),
    }
    let patch = AccountPatch::new().website("https://acme.example");
    let error = boss.update(&acme, patch.clone()).await;
    assert!(error.expect_err("the record is locked").is_locked());
    assert_eq!(account.unlock().await?.is_locked, Some(false));
    boss.update(&acme, patch).await?;
    Ok(())
}
