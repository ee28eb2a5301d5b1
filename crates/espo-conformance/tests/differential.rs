//! Comparisons of one simulator with another.

use espo_conformance::{Comparison, Differential, Instance, Users};
use espo_sim::{Sim, Version};

fn users(sim: &Sim) -> Users {
    Users::from_declaration(&serde_json::to_value(sim.users()).unwrap())
}

/// A simulator of the instance `real`.
async fn twin(real: &Sim, version: Version) -> (Sim, Instance) {
    let mut instance = Instance::fetch(&real.url(), &users(real)).await.unwrap();
    instance.declaration = serde_json::to_value(real.users()).unwrap();
    let schema =
        espo_schema::Schema::from_value(instance.metadata.clone(), "the instance").unwrap();
    let sim = Sim::builder()
        .schema(schema)
        .version(version)
        .users(real.users().clone())
        .settings(instance.settings.as_object().cloned().unwrap_or_default())
        .start()
        .await
        .unwrap();
    (sim, instance)
}

async fn compare(real: &Sim, other: &Sim, instance: Instance, requests: usize) -> Comparison {
    Differential::new(real.url(), other.url(), users(real), instance)
        .requests(requests)
        .seed(3)
        .run(std::future::pending())
        .await
        .unwrap()
}

#[tokio::test]
async fn equal_servers_do_not_differ_and_keep_no_records() {
    let real = Sim::start().await.unwrap();
    let (other, instance) = twin(&real, real.version()).await;
    let report = compare(&real, &other, instance, 400).await;
    assert!(report.requests >= 400, "{}", report.requests);
    assert_eq!(
        report.identical.agree,
        report.identical.of,
        "{}",
        report.text()
    );
    assert!(report.entity_types.len() >= 12, "{:?}", report.entity_types);
    assert_eq!(report.left_behind, [] as [String; 0]);
    for sim in [&real, &other] {
        for entity in &report.entity_types {
            assert_eq!(sim.count(entity), 0, "{entity}");
        }
    }
}

#[tokio::test]
async fn differences_are_grouped_and_shortened() {
    let real = Sim::start().await.unwrap();
    let (other, instance) = twin(&real, real.version()).await;
    other.set_faults(vec!["update:status 500".parse().unwrap()]);
    let report = compare(&real, &other, instance, 300).await;
    assert!(report.identical.agree < report.identical.of);
    let cause = report
        .causes
        .iter()
        .find(|c| c.operation == "update" && c.simulator.starts_with("500"))
        .unwrap_or_else(|| panic!("{}", report.text()));
    assert!(cause.count > 1, "{cause:?}");
    let last = cause.sequence.last().unwrap();
    assert!(last.contains("PUT "), "{last}");
    assert!(
        cause.sequence.len() < 12,
        "not shortened: {:?}",
        cause.sequence
    );
}

#[tokio::test]
async fn read_only_comparisons_write_nothing() {
    let real = Sim::builder().records("Account", 4).start().await.unwrap();
    let mut instance = Instance::fetch(&real.url(), &users(&real)).await.unwrap();
    instance.declaration = serde_json::to_value(real.users()).unwrap();
    instance
        .add_records(&real.url(), &users(&real), &["Account"])
        .await
        .unwrap();
    assert_eq!(
        instance.declaration["records"]["Account"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    let other = Sim::builder()
        .users(serde_json::from_value(instance.declaration.clone()).unwrap())
        .start()
        .await
        .unwrap();
    real.clear_requests();
    let report = Differential::new(real.url(), other.url(), users(&real), instance)
        .requests(100)
        .read_only(true)
        .only("Account")
        .shrink(false)
        .run(std::future::pending())
        .await
        .unwrap();
    assert!(report.requests >= 100);
    let writes: Vec<_> = real
        .requests()
        .into_iter()
        .filter(|r| r.method != "GET")
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
}

#[tokio::test]
async fn rights_are_read_from_the_session_of_each_user() {
    let real = Sim::start().await.unwrap();
    let instance = Instance::fetch(&real.url(), &users(&real)).await.unwrap();
    let declared: espo_sim::Users = serde_json::from_value(instance.declaration).unwrap();
    assert!(declared.users.len() >= 4, "{declared:?}");
    let weak = declared.users.iter().find(|u| u.user_name == "api-weak");
    let role = &declared
        .roles
        .iter()
        .find(|r| weak.is_some_and(|w| w.roles_ids.contains(&r.id)))
        .unwrap();
    // Closed scopes are not part of the session.
    assert!(role.data.get("Contact").is_none(), "{role:?}");
    assert_eq!(role.data["Account"]["edit"], serde_json::json!("no"));
}
