//! Links, followers and stars on the embedded server.

use espo_sim::{Sim, User};
use espo_typed::prelude::*;
use espo_typed::{account, contact, target_list};

fn crm(sim: &Sim, pick: impl Fn(&User) -> bool) -> Client {
    let user = sim.users().find(pick).expect("a sample user").clone();
    let auth = match (&user.api_key, &user.password) {
        (Some(key), _) => Auth::api_key(key.clone()),
        (None, password) => {
            Auth::basic(&user.user_name, password.clone().unwrap_or_default()).into()
        }
    };
    let crm = Client::builder(sim.url()).auth(auth).no_proxy().build();
    crm.expect("a client")
}

async fn start() -> (Sim, Client) {
    let sim = Sim::start().await.expect("the server starts");
    let crm = crm(&sim, |user| user.user_name == "api-key");
    (sim, crm)
}

async fn contacts(crm: &Client, names: &[&str]) -> Result<Vec<Id<Contact>>, Error> {
    let mut ids = Vec::new();
    for name in names {
        let contact = crm.create(ContactNew::new(*name)).await?;
        ids.push(contact.id.clone());
    }
    Ok(ids)
}

#[tokio::test]
async fn several_records_are_linked_and_unlinked_at_once() -> Result<(), Error> {
    let (_sim, crm) = start().await;
    let acme = crm.create(AccountNew::new("Acme")).await?;
    let acme = crm.record(acme.id());
    let ids = contacts(&crm, &["A", "B", "C"]).await?;
    let linked = async || acme.contacts().list().count().await;

    acme.contacts().link_all(&ids).await?;
    assert_eq!(linked().await?, 3);
    acme.contacts().unlink_all(&ids[..2]).await?;
    assert_eq!(linked().await?, 1);
    // Without IDs there is nothing to do; the server would return `false`.
    acme.contacts().link_all(Vec::<Id<Contact>>::new()).await?;
    acme.contacts()
        .unlink_all(Vec::<Id<Contact>>::new())
        .await?;
    assert_eq!(linked().await?, 1);

    // The first failure ends the call; earlier records stay linked.
    let missing = Id::new("0000000000000none");
    let some = [ids[0].clone(), missing, ids[1].clone()];
    let error = acme
        .contacts()
        .link_all(&some)
        .await
        .expect_err("one is missing");
    assert!(error.is_not_found(), "{error}");
    assert_eq!(linked().await?, 2);
    Ok(())
}

#[tokio::test]
async fn search_results_are_linked_if_the_link_allows_it() -> Result<(), Error> {
    let (_sim, crm) = start().await;
    contacts(&crm, &["Chosen", "Chosen too", "Other"]).await?;
    let list = crm.create(TargetListNew::new("L")).await?;
    let list = crm.record(list.id());
    let chosen = || contact::LAST_NAME.starts_with("Chosen");
    list.contacts().link_where(chosen()).await?;
    let names = list.contacts().list().order_by(contact::LAST_NAME.asc());
    let names = names.await?.records.into_iter().map(|c| c.last_name);
    let names: Vec<String> = names.flatten().collect();
    assert_eq!(names, ["Chosen", "Chosen too"]);
    let found = crm.list::<TargetList>();
    let found = found.filter(target_list::NAME.eq("L")).await?;
    assert_eq!(found.records.len(), 1);

    let acme = crm.create(AccountNew::new("Acme")).await?;
    let acme = crm.record(acme.id());
    let error = acme
        .contacts()
        .link_where(chosen())
        .await
        .expect_err("not allowed");
    assert!(error.is_forbidden(), "{error}");
    Ok(())
}

#[tokio::test]
async fn linked_records_are_read_through_to_one_links() -> Result<(), Error> {
    let (_sim, crm) = start().await;
    let acme = crm.create(AccountNew::new("Acme")).await?;
    let acme = acme.id();
    let deal = OpportunityNew::new(OpportunityRequired {
        name: "Deal".into(),
        amount: 1.into(),
        close_date: date(2030, 1, 31),
    })
    .account_id(acme);
    let deal = crm.create(deal).await?;
    let deal = crm.record(deal.id());
    let owner = deal.account().read().await?.expect("an account");
    assert_eq!(owner.name.as_deref(), Some("Acme"));
    let lone = OpportunityNew::new(OpportunityRequired {
        name: "Lone".into(),
        amount: 1.into(),
        close_date: date(2030, 1, 31),
    });
    let lone = crm.create(lone).await?;
    let lone = crm.record(lone.id());
    assert_eq!(lone.account().read().await?, None);
    Ok(())
}

#[tokio::test]
async fn followers_can_be_added_and_removed() -> Result<(), Error> {
    let (sim, _) = start().await;
    let crm = crm(&sim, |user| user.type_ == "regular");
    let acme = crm.create(AccountNew::new("Acme")).await?;
    let acme = crm.record(acme.id());
    let names = async || -> Result<Vec<String>, Error> {
        let page = acme.followers().await?;
        let names = page.records.into_iter().map(|user| user.user_name);
        Ok(names.flatten().collect())
    };
    assert!(names().await?.is_empty());
    acme.follow().await?;
    assert_eq!(names().await?, ["regular"]);
    assert_eq!(acme.read().await?.is_followed, Some(true));
    acme.unfollow().await?;
    assert!(names().await?.is_empty());
    let notes = acme.stream().await?;
    assert!(!notes.notes.is_empty(), "the note of its creation");
    assert!(acme.posts().await?.notes.is_empty());
    let gone = crm.record::<Account>(Id::new("0000000000000none"));
    assert!(gone.follow().await.expect_err("no record").is_not_found());
    Ok(())
}

#[tokio::test]
async fn api_users_cannot_star_records() -> Result<(), Error> {
    let (sim, api) = start().await;
    let crm = crm(&sim, |user| user.type_ == "regular");
    let acme = crm.create(AccountNew::new("Acme")).await?;
    let id = acme.id();
    let starred =
        async || -> Result<Option<bool>, Error> { Ok(crm.read::<Account>(id).await?.is_starred) };
    assert_eq!(starred().await?, Some(false));
    crm.record(id).star().await?;
    assert_eq!(starred().await?, Some(true));
    let listed = crm
        .list::<Account>()
        .filter(account::NAME.eq("Acme"))
        .await?;
    assert_eq!(listed.records[0].is_starred, Some(true));
    crm.record(id).unstar().await?;
    assert_eq!(starred().await?, Some(false));
    let error = api.record(id).star().await.expect_err("an API user");
    assert!(error.is_forbidden(), "{error}");
    Ok(())
}
