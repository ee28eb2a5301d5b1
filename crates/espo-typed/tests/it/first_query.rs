//! The program that a user writes first, against the embedded server.

use espo_sim::Sim;
use espo_typed::opportunity::{self, Stage};
use espo_typed::prelude::*;
use espo_typed::{account, contact};

async fn client(sim: &Sim) -> Client {
    Client::builder(sim.url())
        .auth(Auth::api_key(sim.api_key()))
        .build()
        .expect("a client")
}

#[tokio::test]
async fn linked_records_are_created_found_and_cleared() -> Result<(), Error> {
    let sim = Sim::start().await.expect("the embedded server starts");
    let crm = client(&sim).await;

    let acme = crm
        .create(AccountNew::new("Acme").website("https://acme.example"))
        .await?;
    let acme = acme.id();
    let deal = OpportunityNew::new(OpportunityRequired {
        name: "Deal".into(),
        amount: 1_000.into(),
        close_date: date(2030, 1, 31),
    })
    .account_id(acme)
    .stage(Stage::Prospecting);
    let deal = crm.create(deal).await?;

    let deals = crm.record(acme).opportunities();
    let open = deals
        .list()
        .filter(opportunity::STAGE.eq(Stage::Prospecting))
        .await?;
    assert_eq!(open.records.len(), 1);
    assert_eq!(open.records[0].id, deal.id);
    assert_eq!(open.records[0].name.as_deref(), Some("Deal"));
    assert_eq!(open.records[0].amount, Some(Decimal::from(1_000)));
    assert!(
        deals
            .list()
            .filter(opportunity::STAGE.eq(Stage::ClosedWon))
            .await?
            .records
            .is_empty()
    );

    let patched = crm
        .update(acme, AccountPatch::new().clear(account::WEBSITE))
        .await?;
    assert_eq!(patched.website, None);
    assert!(patched.is_present("website"), "null, not absent");
    assert_eq!(
        crm.read::<Account>(acme).await?.name.as_deref(),
        Some("Acme"),
        "the rest is unchanged"
    );

    crm.delete(deal.id()).await?;
    assert_eq!(crm.read_opt(deal.id()).await?, None);
    Ok(())
}

#[tokio::test]
async fn many_to_many_links_are_created_listed_filtered_and_removed() -> Result<(), Error> {
    let sim = Sim::start().await.expect("the embedded server starts");
    let crm = client(&sim).await;
    let acme = crm.create(AccountNew::new("Acme")).await?;
    let acme = acme.id();
    let jane = crm
        .create(ContactNew::new("Roe").first_name("Jane"))
        .await?;
    let jane = jane.id();

    let contacts = crm.record(acme).contacts();
    contacts.link(jane).await?;
    let listed = contacts
        .list()
        .select((contact::FIRST_NAME, contact::LAST_NAME))
        .await?;
    assert_eq!(listed.records[0].last_name.as_deref(), Some("Roe"));
    let found = crm
        .list::<Account>()
        .filter(account::links::CONTACTS.linked_with([jane]))
        .await?;
    assert_eq!(&found.records[0].id, acme);
    contacts.unlink(jane).await?;
    assert!(contacts.list().await?.records.is_empty());
    Ok(())
}

#[tokio::test]
async fn named_filters_of_the_instance_are_constants() -> Result<(), Error> {
    let sim = Sim::start().await.expect("the embedded server starts");
    let crm = client(&sim).await;
    for stage in [Stage::Prospecting, Stage::ClosedWon] {
        let deal = OpportunityNew::new(OpportunityRequired {
            name: stage.to_string(),
            amount: 1.into(),
            close_date: date(2030, 1, 31),
        })
        .stage(stage);
        crm.create(deal).await?;
    }
    let open = crm
        .list::<Opportunity>()
        .primary_filter(opportunity::primary_filters::OPEN)
        .await?;
    assert_eq!(open.records.len(), 1);
    assert_eq!(open.records[0].stage, Some(Stage::Prospecting));
    let mine = crm
        .list::<Opportunity>()
        .bool_filter(opportunity::bool_filters::ONLY_MY)
        .await?;
    assert!(mine.records.is_empty(), "none is assigned to this user");

    // A filter that is not in the metadata, and an entity type that is known only at run time.
    let refused = crm
        .list::<Opportunity>()
        .primary_filter(PrimaryFilter::new("noSuchFilter"))
        .await;
    assert_eq!(
        refused.expect_err("refused").status().map(|s| s.as_u16()),
        Some(400)
    );
    let untyped = crm
        .untyped("Opportunity")
        .list()
        .primary_filter("won")
        .await?;
    assert_eq!(untyped.records.len(), 1);
    Ok(())
}

#[tokio::test]
async fn upserts_create_once_and_then_update() -> Result<(), Error> {
    let sim = Sim::start().await.expect("the embedded server starts");
    let crm = client(&sim).await;
    let accounts = crm.records::<Account>();
    let first = accounts
        .upsert(account::NAME, AccountNew::new("Acme").sic_code("1"))
        .await?;
    assert!(first.is_created());
    let second = accounts
        .upsert(account::NAME, AccountNew::new("Acme").sic_code("2"))
        .await?;
    assert!(!second.is_created());
    assert_eq!(second.into_record().sic_code.as_deref(), Some("2"));
    assert_eq!(accounts.list().count().await?, 1);
    Ok(())
}

#[tokio::test]
async fn keyset_paging_returns_each_record_once_during_writes() -> Result<(), Error> {
    let sim = Sim::start().await.expect("the embedded server starts");
    let crm = client(&sim).await;
    let mut before = std::collections::BTreeSet::new();
    for number in 0..300 {
        let account = crm
            .create(AccountNew::new(format!("Account {number:03}")))
            .await?;
        before.insert(account.id);
    }
    // Deletes what was listed already: offsets shift and records are skipped, keys do not.
    let mut seen = std::collections::BTreeSet::new();
    let mut by_key = crm
        .list::<Account>()
        .select(account::NAME)
        .max_size(20)
        .stream();
    while let Some(account) = by_key.try_next().await? {
        let id = account.id;
        if seen.len() < 100 {
            crm.delete::<Account>(&id).await?;
        }
        assert!(seen.insert(id), "a record came twice");
    }
    assert_eq!(seen, before);

    let mut left: usize = 0;
    let mut by_offset = crm
        .list::<Account>()
        .select(account::NAME)
        .order_by(account::NAME.asc())
        .max_size(20)
        .paging(espo_core::typed::Paging::Offset)
        .stream();
    while let Some(account) = by_offset.try_next().await? {
        crm.delete::<Account>(account.id).await?;
        left += 1;
    }
    assert!(
        left < 200,
        "offset paging skips records when others are deleted meanwhile, {left} of 200 came"
    );
    Ok(())
}
