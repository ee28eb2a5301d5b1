//! Tasks of a larger program: imports, jobs over any entity type, time limits, a receiver of webhooks.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use espo_core::actions::Selection;
use espo_core::futures_util::{StreamExt as _, stream};
use espo_core::typed::{Editable, Records, Write, Written};
use espo_core::webhook::{Event, verify};
use espo_sim::{FaultKind, FaultRule, Latency, Operation, Sim};
use espo_typed::opportunity::{self, Stage};
use espo_typed::prelude::*;
use espo_typed::{account, contact};

async fn start() -> (Sim, Client) {
    let sim = Sim::start().await.expect("the embedded server starts");
    let client = Client::builder(sim.url()).auth(Auth::api_key(sim.api_key()));
    let crm = client.build().expect("a client");
    (sim, crm)
}

fn person(address: &str) -> ContactNew {
    ContactNew::new("Lee")
        .first_name("Ann")
        .email_address(address)
}

#[tokio::test]
async fn contacts_with_equal_names_are_imported_separately() -> Result<(), Error> {
    let (sim, crm) = start().await;
    let key = contact::EMAIL_ADDRESS;
    assert!(crm.upsert(key, person("ann@a.example")).await?.is_created());
    // Another person with that name: the server's duplicate check compares only names.
    let refused = crm.upsert(key, person("ann@b.example")).await;
    assert!(refused.expect_err("refused").is_duplicate());
    let made = crm
        .upsert(key, person("ann@b.example"))
        .skip_duplicate_check();
    assert!(made.timeout(Duration::from_secs(20)).await?.is_created());
    let again = crm
        .upsert(key, person("ann@b.example").title("Buyer"))
        .skip_duplicate_check();
    let again = again.await?;
    assert!(!again.is_created());
    assert_eq!(again.into_record().title.as_deref(), Some("Buyer"));
    assert_eq!(sim.count("Contact"), 2);

    let rows = ["ann@c.example", "ann@d.example"]
        .map(|address| (address.to_owned(), Write::Create(person(address))));
    let many = crm.records::<Contact>().write_many().skip_duplicate_check();
    let outcomes: Vec<_> = many.run(stream::iter(rows)).collect().await;
    assert!(
        outcomes
            .iter()
            .all(|(_, outcome)| matches!(outcome, Ok(Written::Created(_))))
    );
    Ok(())
}

#[tokio::test]
async fn mass_actions_change_the_records_of_a_typed_filter() -> Result<(), Error> {
    let (_sim, crm) = start().await;
    for (name, stage) in [
        ("A", Stage::ClosedWon),
        ("B", Stage::ClosedWon),
        ("C", Stage::Proposal),
    ] {
        crm.create(
            OpportunityNew::new(OpportunityRequired {
                name: name.into(),
                amount: 5.into(),
                close_date: date(2026, 1, 31),
            })
            .stage(stage),
        )
        .await?;
    }
    let won = Selection::matching([opportunity::STAGE.eq(Stage::ClosedWon)]);
    let patch = OpportunityPatch::new().description("settled");
    let done = crm.records::<Opportunity>().mass(won).update(patch).await?;
    assert_eq!(done.count, 2);
    let settled = crm
        .list::<Opportunity>()
        .filter(opportunity::DESCRIPTION.eq("settled"));
    assert_eq!(settled.count().await?, 2);
    Ok(())
}

/// A job over an entity type that is chosen at run time.
trait Job: Send + Sync {
    fn run<'a>(
        &'a self,
        crm: &'a Client,
    ) -> Pin<Box<dyn Future<Output = Result<u64, Error>> + Send + 'a>>;
}

struct Count<E>(std::marker::PhantomData<fn() -> E>);

impl<E: Entity> Job for Count<E> {
    fn run<'a>(
        &'a self,
        crm: &'a Client,
    ) -> Pin<Box<dyn Future<Output = Result<u64, Error>> + Send + 'a>> {
        Box::pin(crm.list::<E>().count())
    }
}

async fn delete_all<R: Editable>(records: Records<R>) -> Result<usize, Error> {
    let (mut all, mut count) = (records.list().stream(), 0);
    while let Some(record) = all.try_next().await? {
        records.delete(record.record_id().expect("an id")).await?;
        count += 1;
    }
    Ok(count)
}

async fn copy<E: Entity>(from: &Client, to: &Client) -> Result<usize, Error> {
    let (mut all, mut count) = (from.list::<E>().read_ahead(2).stream(), 0);
    while let Some(record) = all.try_next().await? {
        to.untyped(E::ENTITY_TYPE)
            .create(record.to_json())
            .skip_duplicate_check()
            .await?;
        count += 1;
    }
    Ok(count)
}

#[tokio::test]
async fn generic_code_runs_in_separate_tasks() -> Result<(), Error> {
    let (sim, crm) = start().await;
    let (other, target) = start().await;
    for name in ["A", "B", "C"] {
        crm.create(AccountNew::new(name)).await?;
    }
    crm.create(ContactNew::new("Lee")).await?;
    let jobs: [Box<dyn Job>; 2] = [
        Box::new(Count::<Account>(std::marker::PhantomData)),
        Box::new(Count::<Contact>(std::marker::PhantomData)),
    ];
    let mut counts = Vec::new();
    for job in jobs {
        let crm = crm.clone();
        let task = tokio::spawn(async move { job.run(&crm).await });
        counts.push(task.await.expect("no panic")?);
    }
    assert_eq!(counts, [3, 1]);
    let (from, to) = (crm.clone(), target.clone());
    let task = tokio::spawn(async move { copy::<Account>(&from, &to).await });
    assert_eq!(task.await.expect("no panic")?, 3);
    assert_eq!(other.count("Account"), 3);
    assert_eq!(delete_all(crm.records::<Account>()).await?, 3);
    assert_eq!(delete_all(crm.untyped("Contact")).await?, 1);
    assert_eq!((sim.count("Account"), sim.count("Contact")), (0, 0));
    Ok(())
}

#[tokio::test]
async fn calls_have_their_own_time_limit() {
    let (sim, crm) = start().await;
    let slow = |operation| {
        FaultRule::always(
            operation,
            FaultKind::Latency(Latency::Constant(Duration::from_secs(30))),
        )
    };
    sim.set_faults(vec![slow(Operation::List), slow(Operation::Create)]);
    let limit = Duration::from_millis(50);
    let list = crm.list::<Account>().timeout(limit);
    let errors = [
        list.clone().no_total().first().await.expect_err("late"),
        list.collect().await.expect_err("late"),
        crm.create(AccountNew::new("A"))
            .timeout(limit)
            .await
            .expect_err("late"),
        crm.upsert(account::NAME, AccountNew::new("A"))
            .timeout(limit)
            .await
            .expect_err("late"),
    ];
    for error in errors {
        assert!(error.is_timeout(), "{error}");
    }
}

#[tokio::test]
async fn webhook_records_are_typed_for_either_signature() -> Result<(), Error> {
    use axum::body::Bytes;
    use axum::http::{HeaderMap, StatusCode};
    let (_sim, crm) = start().await;
    let secret = Arc::new(Mutex::new((String::new(), String::new())));
    let (sender, mut received) = tokio::sync::mpsc::channel::<(Vec<String>, Vec<String>)>(10);
    let known = secret.clone();
    let receive = async move |mut headers: HeaderMap, body: Bytes| {
        let mut names = Vec::new();
        for without in ["x-none", "signature"] {
            headers.remove(without);
            let (id, key) = known.lock().expect("no panic").clone();
            let Ok(delivery) = verify(&headers, &body, |signed| (signed == id).then_some(key))
            else {
                return StatusCode::FORBIDDEN;
            };
            let records = delivery.records::<Account>().expect("an array").into_iter();
            names.push(
                records
                    .filter_map(|record| record.expect("an account").name)
                    .collect::<String>(),
            );
        }
        let headers = headers.keys().map(ToString::to_string).collect();
        sender.send((names, headers)).await.expect("the test waits");
        StatusCode::OK
    };
    let app = axum::Router::new().route("/hook", axum::routing::post(receive));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let event = Event::create::<Account>();
    let hook = crm.records::<Webhook>().ensure(&event, &url).await?;
    let id = hook.id().to_string();
    *secret.lock().expect("no panic") = (id, hook.secret_key.expect("a key"));
    crm.create(AccountNew::new("Told")).await?;
    let (names, headers) = received.recv().await.expect("a delivery");
    assert_eq!(names, ["Told", "Told"]);
    assert!(headers.contains(&"x-signature".to_owned()));
    Ok(())
}
