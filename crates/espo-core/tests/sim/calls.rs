//! Calls to the simulator.

use espo_core::actions::KanbanRequest;
use espo_core::typed::Id;
use espo_core::{Error, JsonObject, Outcome, Total};
use espo_sim::Sim;
use serde_json::{Value, json};

use crate::{admin, client, create, read, start, with};

fn object(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn the_instance_reports_version_user_and_settings() {
    let sim = Sim::start().await.unwrap();
    let crm = client(&sim).build().unwrap();
    let (major, ..) = crm.app().about().await.unwrap().numbers().unwrap();
    assert!(major >= 9);
    assert!(!crm.app().user::<JsonObject>().await.unwrap().is_admin());
    assert!(
        crm.app()
            .settings()
            .await
            .unwrap()
            .contains_key("defaultCurrency")
    );
    let options = crm
        .app()
        .metadata_at("entityDefs.Lead.fields.status.options")
        .await
        .unwrap()
        .unwrap();
    assert!(options.as_array().unwrap().contains(&json!("New")));
    assert_eq!(crm.app().metadata_at("no.such.path").await.unwrap(), None);
    let metadata = crm.app().metadata().await.unwrap();
    assert_eq!(
        metadata["entityDefs"]["Lead"]["fields"]["status"]["options"],
        options
    );
    crm.app().params().await.unwrap();
    crm.app().i18n(false).await.unwrap();

    let rates = crm.currency_rates().await.unwrap();
    crm.set_currency_rates(&rates).await.unwrap();
}

#[tokio::test]
async fn settings_can_be_read_without_credentials() {
    let sim = Sim::start().await.unwrap();
    let crm = with(&sim, espo_core::Auth::none()).build().unwrap();
    crm.app().settings().await.unwrap();
    let error = crm.app().user::<JsonObject>().await.unwrap_err();
    assert!(error.is_unauthorized());
}

#[tokio::test]
async fn errors_contain_the_reason_of_the_server() {
    let sim = Sim::start().await.unwrap();
    let crm = client(&sim).build().unwrap();
    let accounts = crm.untyped("Account");

    let error = accounts.create(JsonObject::new()).send().await.unwrap_err();
    let failure = error.validation().unwrap();
    assert_eq!(
        (failure.field.as_str(), failure.rule.as_str()),
        ("name", "required")
    );
    assert_eq!(error.outcome(), Outcome::Refused);

    let acme = accounts
        .create(object(json!({"name": "Acme"})))
        .send()
        .await
        .unwrap();
    let id = acme["id"].as_str().unwrap().to_owned();
    let error = accounts
        .create(object(json!({"name": "Acme"})))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_duplicate());
    assert_eq!(
        error.duplicates::<espo_core::JsonObject>().unwrap()[0]["id"],
        id.as_str()
    );

    let error = accounts
        .update(Id::new(&id), object(json!({"name": "Other"})))
        .if_version(99)
        .send()
        .await
        .unwrap_err();
    assert!(error.is_version_conflict());
    assert_eq!(error.version_conflict().unwrap().values["name"], "Acme");

    let error = accounts.list().max_size(201).send().await.unwrap_err();
    assert!(error.is_forbidden() && !error.is_locked_out());
    assert!(error.reason().unwrap().contains("200"), "{error}");

    let error = crm.untyped("NoSuch").list().send().await.unwrap_err();
    assert!(error.is_not_found());

    accounts.delete(Id::new(&id)).await.unwrap();
    let error: Error = accounts.read(Id::new(&id)).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn totals_are_exact_or_unknown() {
    let sim = Sim::builder().records("Account", 5).start().await.unwrap();
    let crm = client(&sim).build().unwrap();
    let list = || crm.untyped("Account").list().max_size(3);
    assert_eq!(list().send().await.unwrap().total, Total::Exact(5));
    assert_eq!(list().no_total().send().await.unwrap().total, Total::More);
    assert_eq!(
        list().offset(3).no_total().send().await.unwrap().total,
        Total::NoMore
    );
}

#[tokio::test]
async fn boards_keep_the_order_of_each_user() {
    let (sim, crm) = start().await;
    let mut deals = Vec::new();
    for name in ["A", "B", "C", "D"] {
        let deal =
            json!({"name": name, "amount": 1, "stage": "Proposal", "closeDate": "2026-01-31"});
        deals.push(create(&crm, "Opportunity", deal).await);
    }
    let kanban = |crm: &espo_core::Client| crm.untyped("Opportunity").kanban();
    let shown = async |request: KanbanRequest<JsonObject>| {
        let board = request.await.unwrap();
        let group = board.groups.iter().find(|group| group.name == "Proposal");
        let group = group.unwrap().clone();
        assert_eq!(group.total, Total::Exact(4));
        let names = group
            .records
            .iter()
            .map(|deal| deal["name"].as_str().unwrap());
        names.collect::<String>()
    };
    let before: Vec<char> = shown(kanban(&crm)).await.chars().collect();
    let moved = [before[3], before[1]].map(|name| &deals[name as usize - 'A' as usize]);
    let opportunities = crm.untyped("Opportunity");
    opportunities.order_kanban("Proposal", moved).await.unwrap();
    // Cards that were never moved come after those that were; pages follow the new order.
    let after: String = [before[3], before[1], before[0], before[2]]
        .iter()
        .collect();
    assert_eq!(shown(kanban(&crm)).await, after);
    let page = kanban(&crm).offset(1).max_size(2);
    assert_eq!(shown(page).await, after[1..3]);
    let others: String = before.iter().collect();
    assert_eq!(shown(kanban(&admin(&sim))).await, others);
}

#[tokio::test]
async fn last_viewed_records_come_first() {
    let (sim, crm) = start().await;
    let mut accounts = Vec::new();
    for name in ["A", "B", "C"] {
        accounts.push(create(&crm, "Account", json!({"name": name})).await);
    }
    let names = async |crm: &espo_core::Client| {
        let page = crm.app().last_viewed().await.unwrap();
        assert!(!page.total.has_more(page.records.len() as u64));
        let name = |item: &espo_core::actions::AnyRecord| {
            assert_eq!(item.entity_type, "Account");
            item.attributes["targetName"].as_str().unwrap().to_owned()
        };
        page.records.iter().map(name).collect::<String>()
    };
    // Since 10.0, a record that the user created counts as viewed.
    assert_eq!(names(&crm).await, "CBA");
    for account in [0, 1, 2, 0] {
        read(&crm, "Account", &accounts[account]).await;
    }
    assert_eq!(names(&crm).await, "ACB");
    let records = crm.untyped("Account");
    records.delete(Id::new(&accounts[2])).await.unwrap();
    assert_eq!(names(&crm).await, "AB");
    assert_eq!(names(&admin(&sim)).await, "");
}
