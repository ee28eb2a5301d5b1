//! `pull`, `codegen`, `diff` and `drift` with the configuration of this workspace, as `cargo xtask` runs them.

use std::path::Path;

use espo_schema::Schema;
use espo_sim::Sim;
use serde_json::{Value, json};

use crate::support::{admin, api_user, beside, text, workspace, xtask};

#[tokio::test(flavor = "multi_thread")]
async fn administrators_pull_the_complete_metadata() {
    let sim = Sim::start().await.expect("the server starts");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("metadata.json");
    let arguments = crate::support::words(&format!(
        "pull --url {} --out {}",
        sim.url(),
        path.display()
    ));
    let ran = beside(arguments.clone(), admin(&sim)).await;
    assert!(ran.status.success(), "{}", text(&ran));
    let first = std::fs::read(&path).expect("the file");
    let pulled = Schema::load(&[&path]).expect("the file is metadata");
    assert_eq!(Schema::diff(Schema::stock(), &pulled), []);
    assert_eq!(pulled.entity_types.len(), 91);

    // A second pull writes identical bytes and leaves no other files in the directory.
    beside(arguments, admin(&sim)).await;
    assert_eq!(std::fs::read(&path).expect("the file"), first);
    assert_eq!(
        std::fs::read_dir(folder.path())
            .expect("the folder")
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_exports_of_api_users_are_reported() {
    let sim = Sim::start().await.expect("the server starts");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("metadata.json");
    let ran = beside(
        crate::support::words(&format!(
            "pull --no-labels --url {} --out {}",
            sim.url(),
            path.display()
        )),
        api_user(&sim),
    )
    .await;
    assert!(ran.status.success(), "{}", text(&ran));
    assert!(
        text(&ran).contains("the user is not an administrator"),
        "{}",
        text(&ran)
    );
    let pulled = Schema::load(&[&path]).expect("the file is metadata");
    espo_codegen::Generator::new()
        .generate(&pulled)
        .expect("Rust");
}

#[tokio::test(flavor = "multi_thread")]
async fn split_pulls_are_small_files_that_drift_accepts() {
    let sim = Sim::start().await.expect("the server starts");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("crm");
    let pull = crate::support::words(&format!(
        "pull --split --url {} --out {}",
        sim.url(),
        path.display()
    ));
    let ran = beside(pull.clone(), admin(&sim)).await;
    assert!(ran.status.success(), "{}", text(&ran));
    assert!(text(&ran).contains("91 entity types, "), "{}", text(&ran));
    assert!(text(&ran).contains("as admin"), "{}", text(&ran));
    let account = path.join("entityDefs/Account.json");
    let before = std::fs::metadata(&account).expect("a file per entity type");
    assert!(path.join("i18n/Account.json").exists(), "labels as well");
    // As if the entity type had existed at the time of the first export.
    let gone = "entityDefs/CGone.json";
    std::fs::write(path.join(gone), "{}").expect("written");
    let list = path.join("espo-export.txt");
    let listed = std::fs::read_to_string(&list).expect("the list of the files");
    std::fs::write(&list, format!("{listed}{gone}\n")).expect("written");

    // A pull into an existing directory keeps unchanged files and deletes files of removed entity types.
    let again: Vec<String> = pull.into_iter().filter(|word| word != "--split").collect();
    let ran = beside(again, admin(&sim)).await;
    assert!(ran.status.success(), "{}", text(&ran));
    let after = std::fs::metadata(&account).expect("still there");
    assert_eq!(before.modified().ok(), after.modified().ok());
    assert!(!path.join(gone).exists());

    let drift = crate::support::words(&format!(
        "drift --url {} --metadata {}",
        sim.url(),
        path.display()
    ));
    let ran = beside(drift, admin(&sim)).await;
    assert!(ran.status.success(), "{}", text(&ran));
    assert!(
        text(&ran).contains("0 breaking, 0 other differences"),
        "{}",
        text(&ran)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_of_a_restricted_user_is_partial() {
    let sim = Sim::start().await.expect("the server starts");
    let weak = sim
        .users()
        .find(|user| user.user_name == "api-weak")
        .expect("a restricted user");
    let key = vec![("ESPO_API_KEY", weak.api_key.clone().expect("a key"))];
    let metadata = concat!(env!("CARGO_MANIFEST_DIR"), "/../../metadata");
    let drift = |json: &str| {
        crate::support::words(&format!(
            "drift --url {} --metadata {metadata}{json}",
            sim.url()
        ))
    };
    let ran = beside(drift(""), key.clone()).await;
    assert!(ran.status.success(), "{}", text(&ran));
    assert!(text(&ran).contains("hidden  Lead"), "{}", text(&ran));
    assert!(
        text(&ran).contains("0 breaking, 0 other differences; partial comparison: "),
        "{}",
        text(&ran)
    );
    let ran = beside(drift(" --json"), key).await;
    let report: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    assert_eq!(report["partial"], true);
    assert!(
        report["hiddenEntities"]
            .as_array()
            .is_some_and(|list| list.len() > 20)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_pulls_leave_the_file_unchanged() {
    let sim = Sim::start().await.expect("the server starts");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("metadata.json");
    std::fs::write(&path, "earlier").expect("written");
    let arguments = crate::support::words(&format!(
        "pull --url {} --out {}",
        sim.url(),
        path.display()
    ));
    let ran = beside(
        arguments.clone(),
        vec![("ESPO_API_KEY", "wrong".to_owned())],
    )
    .await;
    assert_eq!(ran.status.code(), Some(3), "{}", text(&ran));
    let ran = beside(arguments, vec![]).await;
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    assert!(text(&ran).contains("ESPO_API_KEY"), "{}", text(&ran));
    let nobody = crate::support::words(&format!(
        "pull --url http://127.0.0.1:9 --out {}",
        path.display()
    ));
    let ran = beside(nobody, vec![("ESPO_API_KEY", "a".to_owned())]).await;
    assert_eq!(ran.status.code(), Some(3), "{}", text(&ran));
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "earlier");
}

/// An instance with a custom entity type, including labels and filters.
fn custom() -> Value {
    json!({
        "entityDefs": {"CProject": {
            "fields": {
                "name": {"type": "varchar", "required": true},
                "status": {"type": "enum", "options": ["Draft", "On Hold"], "default": "Draft"},
                "budget": {"type": "currency"},
                "account": {"type": "link"},
            },
            "links": {"account": {"type": "belongsTo", "entity": "Account"}},
        }},
        "scopes": {"CProject": {"entity": true, "object": true, "acl": true, "isCustom": true, "type": "Base"}},
        "clientDefs": {"CProject": {"filterList": ["active", {"name": "lateOnes"}], "boolFilterList": ["onlyMy"]}},
        "i18n": {"CProject": {"fields": {"budget": "Approved sum"}, "links": {}}},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn pulled_metadata_becomes_names_types_and_docs() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let (layer, pulled) = (
        folder.path().join("layer.json"),
        folder.path().join("pulled.json"),
    );
    write(&layer, &custom());
    let sim = Sim::builder()
        .schema(Schema::stock().overlay(&[&layer]).expect("a layer"))
        .start()
        .await
        .expect("a server");
    let pull = crate::support::words(&format!(
        "pull --url {} --out {}",
        sim.url(),
        pulled.display()
    ));
    let ran = beside(pull, admin(&sim)).await;
    assert!(ran.status.success(), "{}", text(&ran));

    let made = folder.path().join("my-crm");
    let codegen = |more: &str| {
        let arguments = crate::support::words(&format!(
            "codegen --metadata {} --out {} --crate-name my-crm {more}",
            pulled.display(),
            made.display()
        ));
        beside(arguments, vec![])
    };
    let ran = codegen("").await;
    assert!(ran.status.success(), "{}", text(&ran));
    let module =
        std::fs::read_to_string(made.join("src/generated/c_project.rs")).expect("the module");
    for line in [
        "Approved sum",
        "pub const ACTIVE: PrimaryFilter<CProject> = PrimaryFilter::new(\"active\");",
        "pub const LATE_ONES: PrimaryFilter<CProject> = PrimaryFilter::new(\"lateOnes\");",
        "pub const ONLY_MY: BoolFilter<CProject> = BoolFilter::new(\"onlyMy\");",
        "OnHold = \"On Hold\",",
        "pub account_id: Option<Id<Account>>,",
        "pub fn new(name: impl Into<String>) -> Self {",
    ] {
        assert!(module.contains(line), "{line}");
    }

    // Only the features of the manifest are generated, and its path to `espo-core` is relative to the output.
    let path = made.join("Cargo.toml");
    let manifest = std::fs::read_to_string(&path).expect("the manifest");
    let (_, core) = manifest
        .split_once("espo-core = { path = \"")
        .expect("the dependency");
    let core = made.join(core.split('"').next().expect("a path"));
    let wanted = workspace().join("crates/espo-core");
    assert_eq!(
        core.canonicalize().expect("a folder"),
        wanted.canonicalize().expect("a folder")
    );
    let edited = manifest.replace("0.1.0", "2.5.0") + "\n[lints.rust]\nunused = \"deny\"\n";
    assert_ne!(edited, manifest);
    std::fs::write(&path, &edited).expect("written");
    for more in ["", "--check"] {
        let ran = codegen(more).await;
        assert!(ran.status.success(), "{}", text(&ran));
        assert_eq!(
            std::fs::read_to_string(&path).expect("the manifest"),
            edited
        );
    }
    let ran = codegen("--only Account --check").await;
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran));
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_reports_changes_of_the_instance() {
    let folder = tempfile::tempdir().expect("a folder");
    let layer = folder.path().join("layer.json");
    let changed = json!({"entityDefs": {"Account": {"fields": {"cRegion": {"type": "varchar"}, "website": {"type": "int"}}}}});
    write(&layer, &changed);
    let sim = Sim::builder()
        .schema(Schema::stock().overlay(&[&layer]).expect("a layer"))
        .start()
        .await
        .expect("a server");
    let ran = beside(
        crate::support::words(&format!("drift --url {}", sim.url())),
        admin(&sim),
    )
    .await;
    let told = text(&ran);
    assert_eq!(ran.status.code(), Some(1), "{told}");
    assert!(
        told.contains("breaks  Account.website: field type changed from url to int"),
        "{told}"
    );
    assert!(
        told.contains("        Account.cRegion: field of type varchar added"),
        "{told}"
    );

    let same = crate::support::words(&format!(
        "drift --url {} --metadata {} --metadata {}",
        sim.url(),
        stock().display(),
        layer.display()
    ));
    for credentials in [admin(&sim), api_user(&sim)] {
        let ran = beside(same.clone(), credentials).await;
        assert!(ran.status.success(), "{}", text(&ran));
        assert!(
            text(&ran).contains("0 breaking, 0 other differences"),
            "{}",
            text(&ran)
        );
    }
}

#[test]
fn diff_separates_breaking_from_other_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (
        folder.path().join("old.json"),
        folder.path().join("new.json"),
    );
    let fields = json!({"varchar": {}, "enum": {}});
    write(
        &old,
        &json!({"fields": fields, "entityDefs": {"A": {"fields": {"foo_bar": {"type": "varchar"}}}}}),
    );
    write(
        &new,
        &json!({"fields": fields, "entityDefs": {"A": {"fields": {"foo_bar": {"type": "varchar"}, "fooBar": {"type": "varchar"}}}}}),
    );
    let shown = |a: &Path, b: &Path| [a.display().to_string(), b.display().to_string()];
    let [a, b] = shown(&old, &new);
    let ran = xtask(&["diff", &a, &b], &[]);
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran));
    assert!(
        text(&ran).contains("breaks  A.foo_bar: attribute is called `foo_bar_x"),
        "{}",
        text(&ran)
    );
    assert!(
        text(&ran).contains("        A.fooBar: field of type varchar added"),
        "{}",
        text(&ran)
    );
    let ran = xtask(&["diff", "--json", &a, &b], &[]);
    let report: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    assert_eq!(
        (&report["version"], &report["breaking"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(report["rustNames"][0]["from"], "foo_bar");
    assert_eq!(report["changes"][0]["kind"], "fieldAdded");

    let ran = xtask(&["diff", &a, &a], &[]);
    assert!(ran.status.success(), "{}", text(&ran));
    let missing = xtask(&["diff", &a, "no-such-file.json"], &[]);
    assert_eq!(missing.status.code(), Some(2), "{}", text(&missing));
}

fn write(path: &Path, value: &Value) {
    std::fs::write(path, value.to_string()).expect("written");
}

fn stock() -> std::path::PathBuf {
    workspace().join("metadata")
}

/// Requests whose responses depend on rights: status and reason of each.
fn rights(sim: &Sim, user: &espo_sim::User) -> Vec<(String, u16, Option<String>)> {
    let requests = [
        ("GET", "Account", "{}"),
        ("POST", "Account", r#"{"name":"A"}"#),
        ("GET", "Contact", "{}"),
        ("POST", "Contact", r#"{"lastName":"A"}"#),
        (
            "POST",
            "Opportunity",
            r#"{"name":"O","amount":1,"amountCurrency":"EUR","closeDate":"2030-01-01"}"#,
        ),
        ("POST", "Export", r#"{"entityType":"Account"}"#),
        (
            "GET",
            "Account?where[0][type]=isNull&where[0][attribute]=website",
            "{}",
        ),
        ("GET", "Role", "{}"),
        ("GET", "Kanban/Lead", "{}"),
    ];
    let key = user.api_key.as_deref().expect("a key");
    requests
        .iter()
        .map(|(method, path, body)| {
            let (status, reason) = crate::support::ask(sim, key, method, path, body);
            (format!("{method} {path}"), status, reason)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pulled_users_have_the_rights_of_the_instance_and_new_credentials() {
    let mut users = espo_sim::Users::sample();
    // The rights of this user come from the team.
    let weak = users
        .users
        .iter_mut()
        .find(|u| u.user_name == "api-weak")
        .expect("a user");
    users.teams.push(espo_sim::Team {
        id: "6500000000000b002".to_owned(),
        name: "Limited".to_owned(),
        roles_ids: std::mem::take(&mut weak.roles_ids),
    });
    weak.teams_ids.push("6500000000000b002".to_owned());
    let secrets: Vec<String> = users
        .users
        .iter()
        .flat_map(|u| [&u.password, &u.api_key, &u.secret_key])
        .flatten()
        .cloned()
        .collect();
    let settings = json!({"currencyList": ["USD", "EUR"], "currencyRates": {"EUR": 1.25}});
    let instance = Sim::builder()
        .users(users)
        .settings(settings.as_object().cloned().expect("an object"))
        .start()
        .await
        .expect("the server starts");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("users.json");
    let arguments = crate::support::words(&format!(
        "pull --no-labels --url {} --out {} --users {}",
        instance.url(),
        folder.path().join("metadata.json").display(),
        path.display()
    ));
    let ran = beside(arguments.clone(), api_user(&instance)).await;
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    assert!(
        text(&ran).contains("log in as an administrator"),
        "{}",
        text(&ran)
    );
    assert!(!path.exists());
    let ran = beside(arguments, admin(&instance)).await;
    assert!(ran.status.success(), "{}", text(&ran));
    assert!(
        text(&ran).contains(": 2 roles, 2 teams and 5 users"),
        "{}",
        text(&ran)
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path)
            .expect("the file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let file = std::fs::read_to_string(&path).expect("the file");
    assert!(secrets.len() > 5);
    assert!(
        secrets.iter().all(|secret| !file.contains(secret)),
        "{file}"
    );

    let double = Sim::builder()
        .users_file(&path)
        .start()
        .await
        .expect("the simulator starts");
    let of = |sim: &Sim, name: &str| {
        sim.users()
            .find(|u| u.user_name == name)
            .cloned()
            .expect("the user")
    };
    let (compared, allowed) = tokio::task::spawn_blocking(move || {
        for name in ["api-weak", "api-key"] {
            let there = rights(&instance, &of(&instance, name));
            assert_eq!(rights(&double, &of(&double, name)), there, "{name}");
        }
        let weak = rights(&double, &of(&double, "api-weak"));
        (
            weak.len(),
            weak.iter().filter(|(_, status, _)| *status < 300).count(),
        )
    })
    .await
    .expect("the requests");
    assert!(0 < allowed && allowed < compared, "{allowed} of {compared}");
}
