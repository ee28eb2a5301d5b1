//! Imports, currency conversion, layouts, copies.

use espo_core::actions::Selection;
use espo_core::actions::import::{ImportAction, ImportSettings};
use espo_core::http::Method;
use espo_core::untyped::field;
use serde_json::{Value, json};

use crate::{admin, create, object, read, start};

#[tokio::test]
async fn imports_create_update_and_can_be_reverted() {
    let (sim, _) = start().await;
    let crm = admin(&sim);
    let known = create(
        &crm,
        "Account",
        json!({"name": "Known", "website": "https://old.example"}),
    )
    .await;
    let csv =
        "name,website\nKnown,https://known.example\n\"New, \"\"quoted\"\"\",https://new.example\n";
    let file = crm.untyped("Import").upload_csv(csv).await.unwrap();
    let settings = ImportSettings::untyped("Account", file.as_str())
        .key_column("name")
        .column("website")
        .action(ImportAction::CreateAndUpdate);
    let import = crm.untyped("Import").import(&settings).await.unwrap();
    let id = import["id"].as_str().unwrap();
    let import = read(&crm, "Import", id).await;
    let counts = (&import["importedCount"], &import["updatedCount"]);
    assert_eq!(counts, (&json!(1), &json!(1)), "{import:?}");
    let record = read(&crm, "Account", &known).await;
    assert_eq!(record["website"], "https://known.example");
    let made = crm
        .untyped("Account")
        .list()
        .filter(field("name").eq("New, \"quoted\""))
        .send()
        .await
        .unwrap();
    assert_eq!(made.records.len(), 1);

    crm.untyped("Import").record(id).revert().await.unwrap();
    assert_eq!(sim.count("Account"), 1, "what was updated stays");
}

#[tokio::test]
async fn duplicates_of_an_import_can_be_deleted() {
    let (sim, _) = start().await;
    let crm = admin(&sim);
    create(&crm, "Account", json!({"name": "Twice"})).await;
    let file = crm
        .untyped("Import")
        .upload_csv("Twice\nOnce\n")
        .await
        .unwrap();
    let mut settings = ImportSettings::untyped("Account", file.as_str()).column("name");
    settings.header_row = false;
    let import = crm.untyped("Import").import(&settings).await.unwrap();
    let id = import["id"].as_str().unwrap();
    let import = read(&crm, "Import", id).await;
    assert_eq!(import["duplicateCount"], 1, "{import:?}");
    assert_eq!(sim.count("Account"), 3);
    crm.untyped("Import")
        .record(id)
        .remove_duplicates()
        .await
        .unwrap();
    assert_eq!(sim.count("Account"), 2);
    let error = crm
        .untyped("Import")
        .record("none")
        .revert()
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn duplicates_of_an_import_can_be_kept() {
    let (sim, _) = start().await;
    let crm = admin(&sim);
    create(&crm, "Account", json!({"name": "Twice"})).await;
    let file = crm
        .untyped("Import")
        .upload_csv("name\nTwice\n")
        .await
        .unwrap();
    let settings = ImportSettings::untyped("Account", file.as_str()).column("name");
    let import = crm.untyped("Import").import(&settings).await.unwrap();
    let id = import["id"].as_str().unwrap();
    let twice = field("name").eq("Twice");
    let page = crm
        .untyped("Account")
        .list()
        .filter(twice)
        .send()
        .await
        .unwrap();
    let ids: Vec<_> = page
        .records
        .iter()
        .map(|r| r["id"].as_str().unwrap())
        .collect();
    let mut kept = 0;
    for record in ids {
        let unmark = crm
            .untyped("Import")
            .record(id)
            .unmark_duplicate(("Account", record))
            .await;
        match unmark {
            Ok(()) => kept += 1,
            Err(error) => assert!(error.is_not_found(), "not of this import: {error}"),
        }
    }
    assert_eq!(kept, 1);
    let import = crm.request(Method::GET, ["Import", id]);
    let import: Value = import.send_json().await.unwrap();
    assert_eq!(import["duplicateCount"], 0);
    crm.untyped("Import")
        .record(id)
        .remove_duplicates()
        .await
        .unwrap();
    assert_eq!(sim.count("Account"), 2);
    let error = crm
        .untyped("Import")
        .record("none")
        .unmark_duplicate(("Account", "x"))
        .await;
    assert!(error.unwrap_err().is_not_found());
}

#[tokio::test]
async fn rejected_rows_of_an_import_are_exported_to_a_file() {
    let (sim, _) = start().await;
    let crm = admin(&sim);
    let run = async |csv: &'static str| {
        let file = crm.untyped("Import").upload_csv(csv).await.unwrap();
        let settings = ImportSettings::untyped("Account", file.as_str())
            .column("name")
            .column("website");
        let import = crm.untyped("Import").import(&settings).await.unwrap();
        import["id"].as_str().unwrap().to_owned()
    };
    let fine = run("name,website\nA,a.example\n").await;
    assert_eq!(
        crm.untyped("Import")
            .record(&fine)
            .export_errors()
            .await
            .unwrap(),
        None
    );
    let bad = run("name,website\nB,b.example\n,\"no, name\"\n").await;
    let file = crm
        .untyped("Import")
        .record(&bad)
        .export_errors()
        .await
        .unwrap()
        .unwrap();
    let mut csv = Vec::new();
    let file = crm
        .untyped("Attachment")
        .record(file)
        .download()
        .await
        .unwrap();
    file.write_to(&mut csv).await.unwrap();
    assert_eq!(
        String::from_utf8(csv).unwrap(),
        "name,website\n,\"no, name\"\n"
    );
    assert_eq!(sim.count("Account"), 2);
}

#[tokio::test]
async fn currencies_are_converted_at_given_or_stored_rates() {
    let (sim, _) = start().await;
    let crm = admin(&sim);
    let settings =
        json!({"currencyList": ["USD", "EUR"], "defaultCurrency": "USD", "baseCurrency": "USD"});
    crm.app().update_settings(&object(settings)).await.unwrap();
    let mut rates = crm.currency_rates().await.unwrap();
    rates.insert("EUR".to_owned(), "2".parse().unwrap());
    crm.set_currency_rates(&rates).await.unwrap();
    assert_eq!(crm.currency_rates().await.unwrap()["EUR"], rates["EUR"]);

    let deal = json!({"name": "D", "amount": 100, "amountCurrency": "USD", "closeDate": "2030-01-31", "stage": "Prospecting"});
    let id = create(&crm, "Opportunity", deal).await;
    let deal = crm.untyped("Opportunity").record(&id);
    let converted = deal.convert_currency("EUR").await.unwrap();
    assert_eq!(converted["amount"].as_f64(), Some(50.0));
    assert_eq!(converted["amountCurrency"], "EUR");

    rates.insert("EUR".to_owned(), "3".parse().unwrap());
    let result = crm
        .untyped("Opportunity")
        .mass(Selection::ids([&id]))
        .convert_currency_at("USD", &rates)
        .await
        .unwrap();
    assert_eq!(result.count, 1);
    let record = read(&crm, "Opportunity", &id).await;
    assert_eq!(record["amountCurrency"], "USD");
    assert_eq!(record["amount"].as_f64(), Some(150.0));
    let error = deal.convert_currency("XXX").await;
    assert_eq!(error.unwrap_err().status().unwrap(), 400);
}

#[tokio::test]
async fn administrators_recalculate_and_change_followers_in_bulk() {
    let (sim, _) = start().await;
    let crm = admin(&sim);
    let users = sim.users();
    let user = users.find(|user| user.type_ == "regular").unwrap();
    let account = create(&crm, "Account", json!({"name": "A"})).await;
    let some = crm.untyped("Account").mass(Selection::ids([&account]));
    assert_eq!(some.recalculate_formula().await.unwrap().count, 1);

    let record = crm.untyped("Account").record(&account);
    let followers = async || record.followers().await.unwrap().records.len();
    let before = followers().await;
    some.follow_as(&user.id).await.unwrap();
    assert_eq!(followers().await, before + 1);
    some.unfollow_as(&user.id).await.unwrap();
    assert_eq!(followers().await, before);
    record.add_followers([&user.id]).await.unwrap();
    assert_eq!(followers().await, before + 1);
    record.remove_followers([&user.id]).await.unwrap();
    assert_eq!(followers().await, before);
    let who = record.users_access().await.unwrap().records;
    assert!(who.iter().any(|other| other["id"] == user.id.as_str()));
    assert_eq!(some.delete().await.unwrap().count, 1);
    assert_eq!(sim.count("Account"), 0);
}

#[tokio::test]
async fn layouts_are_read_and_set() {
    let (sim, crm) = start().await;
    let list = crm.untyped("Account").layout("list").await.unwrap();
    assert!(!list.as_array().unwrap().is_empty());
    let layout = json!([{"name": "website"}]);
    let error = crm.untyped("Account").set_layout("list", &layout).await;
    assert!(error.unwrap_err().is_forbidden());
    let boss = admin(&sim);
    boss.untyped("Account")
        .set_layout("list", &layout)
        .await
        .unwrap();
    assert_eq!(crm.untyped("Account").layout("list").await.unwrap(), layout);
    let error = crm.untyped("Account").layout("noSuch").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn attributes_of_a_copy_can_be_read() {
    let (_sim, crm) = start().await;
    let id = create(
        &crm,
        "Account",
        json!({"name": "A", "website": "https://w.example"}),
    )
    .await;
    let copy = crm
        .untyped("Account")
        .record(&id)
        .duplicate_attributes()
        .await
        .unwrap();
    assert_eq!((&copy["name"], copy.get("id")), (&json!("A"), None));
}
