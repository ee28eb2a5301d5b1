//! A user's own project: `init`, `update`, `codegen --check`, `diff --against` with an `espo.toml`.

use std::fs;
use std::path::Path;
use std::process::Command;

use espo_schema::Schema;
use espo_sim::Sim;
use serde_json::{Value, json};

use crate::support::{admin, api_user, espo, run_in, text};

/// A server with a changed schema.
async fn server(layer: &Value) -> Sim {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), layer.to_string()).expect("written");
    let schema = Schema::stock().overlay(&[file.path()]).expect("a layer");
    Sim::builder()
        .schema(schema)
        .start()
        .await
        .expect("a server")
}

fn region() -> Value {
    json!({"entityDefs": {"Account": {"fields": {"cRegion": {"type": "varchar"}}}}})
}

/// All files below a directory, with their contents.
fn snapshot(folder: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(folder: &Path, top: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(folder).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, top, found);
            } else {
                let name = path.strip_prefix(top).expect("below").display().to_string();
                found.push((name, fs::read(&path).expect("a file")));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn init_and_update_create_an_up_to_date_project() {
    let sim = server(&region()).await;
    let folder = tempfile::tempdir().expect("a directory");
    let init = format!(
        "init --url {} --crate sdk --only Account,Contact",
        sim.url()
    );
    let ran = run_in(folder.path(), &init, &[]).await;
    assert!(ran.status.success(), "{}", text(&ran));
    let again = run_in(folder.path(), &init, &[]).await;
    assert_eq!(again.status.code(), Some(2), "{}", text(&again));

    let ran = run_in(folder.path(), "update", &admin(&sim)).await;
    assert!(ran.status.success(), "{}", text(&ran));
    assert!(text(&ran).contains("first export from"), "{}", text(&ran));
    let module = folder.path().join("sdk/src/generated/account.rs");
    assert!(
        fs::read_to_string(&module)
            .expect("the module")
            .contains("c_region")
    );
    assert!(!folder.path().join("sdk/src/generated/lead.rs").exists());
    let manifest = fs::read_to_string(folder.path().join("sdk/Cargo.toml")).expect("the manifest");
    assert!(
        manifest.contains("espo-core = { version = \"0.1\""),
        "{manifest}"
    );

    // Neither the network nor credentials are needed for the check, from any directory of the project.
    let ran = run_in(&folder.path().join("sdk/src"), "codegen --check", &[]).await;
    assert!(ran.status.success(), "{}", text(&ran));
    let before = snapshot(folder.path());
    let ran = run_in(folder.path(), "update", &admin(&sim)).await;
    assert!(text(&ran).contains("no schema changes"), "{}", text(&ran));
    assert_eq!(snapshot(folder.path()), before);

    let mut edited = fs::read_to_string(&module).expect("the module");
    edited.push_str("// edited\n");
    fs::write(&module, edited).expect("written");
    let ran = run_in(folder.path(), "codegen --check", &[]).await;
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran));
    assert!(text(&ran).contains("account.rs differs"), "{}", text(&ran));
    assert!(text(&ran).contains("run `espo codegen`"), "{}", text(&ran));
}

#[tokio::test(flavor = "multi_thread")]
async fn update_reports_changes_and_writes_all_or_nothing() {
    let old = server(&region()).await;
    let folder = tempfile::tempdir().expect("a directory");
    let init = format!("init --url {} --crate sdk --only Account", old.url());
    run_in(folder.path(), &init, &[]).await;
    run_in(folder.path(), "update", &admin(&old)).await;
    let before = snapshot(folder.path());

    let changed = json!({"entityDefs": {"Account": {"fields": {"cRegion": {"type": "int"}, "cTier": {"type": "int"}}}}});
    let new = server(&changed).await;
    let update = format!("update --url {}", new.url());

    let ran = run_in(folder.path(), &format!("{update} --dry-run"), &admin(&new)).await;
    assert!(ran.status.success(), "{}", text(&ran));
    assert!(
        text(&ran).contains("breaks  Account.cRegion"),
        "{}",
        text(&ran)
    );
    assert_eq!(snapshot(folder.path()), before);

    // A file that was not generated stops the command if it is in the place of a generated one.
    let module = folder.path().join("sdk/src/generated/account.rs");
    fs::write(&module, "// written by hand\n").expect("written");
    let blocked = snapshot(folder.path());
    let ran = run_in(folder.path(), &update, &admin(&new)).await;
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    assert!(
        text(&ran).contains("account.rs") && text(&ran).contains("--force"),
        "{}",
        text(&ran)
    );
    assert_eq!(snapshot(folder.path()), blocked);

    let ran = run_in(folder.path(), &format!("{update} --force"), &admin(&new)).await;
    assert!(ran.status.success(), "{}", text(&ran));
    assert!(
        fs::read_to_string(&module)
            .expect("the module")
            .contains("c_tier")
    );
    let ran = run_in(folder.path(), "codegen --check", &[]).await;
    assert!(ran.status.success(), "{}", text(&ran));
}

#[tokio::test(flavor = "multi_thread")]
async fn update_keeps_entity_types_that_the_user_cannot_see() {
    let sim = Sim::start().await.expect("a server");
    let folder = tempfile::tempdir().expect("a directory");
    let init = format!("init --url {} --crate sdk", sim.url());
    run_in(folder.path(), &init, &[]).await;
    run_in(folder.path(), "update", &admin(&sim)).await;
    let before = snapshot(folder.path());
    let ran = run_in(folder.path(), "update", &api_user(&sim)).await;
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    assert!(text(&ran).contains("--allow-hidden"), "{}", text(&ran));
    assert_eq!(snapshot(folder.path()), before);
    let ran = run_in(folder.path(), "update --allow-hidden", &api_user(&sim)).await;
    assert!(ran.status.success(), "{}", text(&ran));
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_against_git_compares_with_a_commit() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = |name: &str| folder.path().join(name);
    let git = |arguments: &[&str]| {
        let ran = Command::new("git")
            .arg("-C")
            .arg(folder.path())
            .args([
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.com",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(arguments)
            .output()
            .expect("git runs");
        assert!(ran.status.success(), "{}", text(&ran));
    };
    let layer = |field: &str| {
        json!({"entityDefs": {"Account": {"fields": {field: {"type": "varchar"}}}}, "fields": {"varchar": {}}}).to_string()
    };
    // A directory and a file, to see both forms in a commit.
    fs::create_dir_all(path("crm/base/entityDefs")).expect("created");
    fs::create_dir_all(path("crm/base/fields")).expect("created");
    fs::write(
        path("crm/base/entityDefs/Lead.json"),
        json!({"fields": {"name": {"type": "varchar"}}}).to_string(),
    )
    .expect("written");
    fs::write(path("crm/base/fields/varchar.json"), "{}").expect("written");
    fs::write(path("crm/layer.json"), layer("first")).expect("written");
    fs::write(
        path("crm/espo.toml"),
        "[metadata]\nlayers = [\"base\", \"layer.json\"]\n",
    )
    .expect("written");
    git(&["init", "--quiet"]);
    let ran = run_in(&path("crm"), "diff", &[]).await;
    assert!(text(&ran).contains("has no commit yet"), "{}", text(&ran));
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "one"]);
    let unchanged = run_in(&path("crm"), "diff", &[]).await;
    assert!(unchanged.status.success(), "{}", text(&unchanged));
    fs::write(path("crm/layer.json"), layer("second")).expect("written");
    fs::write(
        path("crm/base/entityDefs/Lead.json"),
        json!({"fields": {}}).to_string(),
    )
    .expect("written");

    let ran = run_in(
        &path("crm"),
        "diff --against git:HEAD --format markdown",
        &[],
    )
    .await;
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran));
    for line in [
        "### EspoCRM schema: ",
        "**Breaking**",
        "- `Account.first`",
        "- `Lead.name`",
    ] {
        assert!(text(&ran).contains(line), "{line}: {}", text(&ran));
    }
    let ran = run_in(&path("crm"), "diff --json", &[]).await;
    let report: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    assert_eq!(report["breaking"], true);

    // A layer that the change adds is not in the commit.
    fs::write(path("crm/new.json"), layer("third")).expect("written");
    fs::write(
        path("crm/espo.toml"),
        "[metadata]\nlayers = [\"base\", \"layer.json\", \"new.json\"]\n",
    )
    .expect("written");
    let ran = run_in(&path("crm"), "diff --against git:HEAD", &[]).await;
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran));
    for line in ["HEAD does not contain crm/new.json", "Account.third"] {
        assert!(text(&ran).contains(line), "{line}: {}", text(&ran));
    }
    // Names in messages are those in the commit.
    fs::write(path("crm/layer.json"), "<<<<<<< HEAD\n").expect("written");
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "two"]);
    fs::write(path("crm/layer.json"), layer("second")).expect("written");
    let ran = run_in(&path("crm"), "diff --against git:HEAD", &[]).await;
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    let expected = "git:HEAD:crm/layer.json: line 1: unresolved merge conflict";
    assert!(text(&ran).contains(expected), "{}", text(&ran));

    for (state, reason) in [
        ("git:origin/main", "git fetch origin main"),
        (
            "git:no-such-branch",
            "no commit, branch or tag `no-such-branch`",
        ),
        ("git:HEAD:crm/layer.json", "invalid Git reference"),
        ("git:", "invalid Git reference"),
    ] {
        let ran = run_in(&path("crm"), &format!("diff --against {state}"), &[]).await;
        assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
        assert!(text(&ran).contains(reason), "{}", text(&ran));
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn credentials_files_must_be_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let sim = Sim::start().await.expect("a server");
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("crm.env");
    let lines: String = admin(&sim)
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    fs::write(&file, lines).expect("written");
    let config = format!(
        "[instance]\nurl = \"{}\"\ncredentials = \"crm.env\"\n",
        sim.url()
    );
    fs::write(folder.path().join("espo.toml"), config).expect("written");

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
    let ran = run_in(folder.path(), "pull --no-labels", &[]).await;
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    assert!(text(&ran).contains("chmod 600"), "{}", text(&ran));

    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("set");
    let ran = run_in(folder.path(), "pull --no-labels", &[]).await;
    assert!(ran.status.success(), "{}", text(&ran));
    assert!(folder.path().join("metadata.json").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_settings_are_applied() {
    let sim = Sim::start().await.expect("a server");
    let folder = tempfile::tempdir().expect("a directory");
    let url = sim.url();
    for (arguments, code, reason) in [
        // A proxy that is set explicitly is used even for this machine.
        ("--proxy http://127.0.0.1:9", 3, "127.0.0.1:9"),
        ("--no-proxy", 0, "entity types"),
        ("--ca missing.pem", 2, "missing.pem"),
        ("--header-from-env X-Gateway=NOT_SET", 2, "NOT_SET"),
        ("--header-from-env X-Gateway", 2, "NAME=VARIABLE"),
        ("--header-from-env X-Gateway=", 2, "NAME=VARIABLE"),
        ("--header-from-env host=PATH", 2, "--connect-to"),
        ("--connect-to localhost:80", 2, "an IP address and a port"),
        ("--header-from-env X-Gateway=PATH", 0, "entity types"),
        ("--gateway-auth-env NOT_SET", 2, "NOT_SET"),
        ("--gateway-auth-env HOME", 2, "user:password"),
        ("--gateway-auth-env PATH", 0, "entity types"),
    ] {
        let ran = run_in(
            folder.path(),
            &format!("pull --no-labels --url {url} {arguments}"),
            &admin(&sim),
        )
        .await;
        assert_eq!(ran.status.code(), Some(code), "{arguments}: {}", text(&ran));
        assert!(text(&ran).contains(reason), "{arguments}: {}", text(&ran));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_configuration_is_explained() {
    let folder = tempfile::tempdir().expect("a directory");
    for (command, remedy) in [
        ("codegen", "--metadata PATH"),
        ("update", "espo init"),
        ("drift", "--metadata PATH"),
        ("pull", "--url URL"),
        ("conformance", "--embedded"),
        ("--config missing.toml codegen", "missing.toml"),
    ] {
        let ran = run_in(folder.path(), command, &[]).await;
        assert_eq!(ran.status.code(), Some(2), "{command}: {}", text(&ran));
        assert!(text(&ran).contains(remedy), "{command}: {}", text(&ran));
    }
}

/// Runs espo without credentials or a server.
fn offline(folder: &Path, arguments: &[&str]) -> std::process::Output {
    espo(folder).args(arguments).output().expect("espo runs")
}

#[test]
fn init_rejects_values_that_later_commands_reject() {
    let folder = tempfile::tempdir().expect("a directory");
    for (arguments, word) in [
        (["--url", "foo"], "invalid URL"),
        (["--url", "ftp://x"], "invalid URL"),
        (["--url", "http://h/a?b=1"], "invalid URL"),
        (["--crate", ""], "invalid crate name"),
        (["--crate", "123"], "invalid crate name"),
        (["--crate", "self"], "keyword"),
        (["--only", "Account,"], "empty name"),
    ] {
        let ran = offline(folder.path(), &[&["init"], &arguments[..]].concat());
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {}", text(&ran));
        assert!(text(&ran).contains(word), "{arguments:?}: {}", text(&ran));
        assert_eq!(snapshot(folder.path()), [], "{arguments:?}");
    }
}

/// Generates one stock entity type into the directory `crm`.
fn codegen_of_account(folder: &Path) -> Command {
    let mut command = espo(folder);
    command.args(["codegen", "--only", "Account", "--out", "crm", "--metadata"]);
    command.arg(crate::support::workspace().join("metadata"));
    command
}

#[test]
fn unreadable_dependencies_are_rejected_and_kept_ones_are_reported() {
    let folder = tempfile::tempdir().expect("a directory");
    let codegen = |dependency: &str| {
        let mut command = codegen_of_account(folder.path());
        command.args(["--espo-core", dependency]);
        command.output().expect("espo runs")
    };
    for dependency in ["{ path = ", "'zzz'", "{}", "\"0.1\"\n[x]"] {
        let ran = codegen(dependency);
        assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
        assert!(
            text(&ran).contains("invalid dependency on espo-core"),
            "{}",
            text(&ran)
        );
        assert!(!folder.path().join("crm").exists());
    }
    // The default is replaced, because a crate in a clone gets it before its owner knows that it needs a path.
    assert!(codegen("0.1").status.success());
    for (dependency, is_kept) in [
        ("{ path = \"../core\" }", false),
        ("{ path = \"../core\" }", false),
        ("{ path = \"../other\" }", true),
    ] {
        let ran = codegen(dependency);
        assert!(ran.status.success(), "{}", text(&ran));
        assert_eq!(
            text(&ran).contains("keeps its dependency on espo-core"),
            is_kept,
            "{dependency}: {}",
            text(&ran)
        );
        let manifest =
            fs::read_to_string(folder.path().join("crm/Cargo.toml")).expect("a manifest");
        assert!(manifest.contains("path = \"../core\""), "{manifest}");
    }
}

#[test]
fn the_name_that_the_owner_gave_the_crate_is_kept() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("crm/Cargo.toml");
    assert!(
        codegen_of_account(folder.path())
            .status()
            .expect("espo runs")
            .success()
    );
    let manifest = fs::read_to_string(&path).expect("a manifest");
    fs::write(
        &path,
        manifest.replace("name = \"crm\"", "name = \"acme-crm\""),
    )
    .expect("written");
    for (arguments, name) in [
        (&[][..], "name = \"acme-crm\""),
        (&["--crate-name", "other"], "name = \"other\""),
    ] {
        let ran = codegen_of_account(folder.path())
            .args(arguments)
            .output()
            .expect("espo runs");
        assert!(ran.status.success(), "{}", text(&ran));
        let manifest = fs::read_to_string(&path).expect("a manifest");
        assert!(manifest.contains(name), "{manifest}");
    }
}

#[test]
fn empty_variables_count_as_unset_and_long_lines_are_cut() {
    let folder = tempfile::tempdir().expect("a directory");
    let line = format!("{{\"entityDefs\": \"{}\"}}", "x".repeat(100_000));
    fs::write(folder.path().join("long.toml"), line).expect("written");
    let ran = codegen_of_account(folder.path())
        .args(["--overrides", "long.toml"])
        .env("ESPO_CONFIG", "")
        .output()
        .expect("espo runs");
    assert_eq!(ran.status.code(), Some(2));
    assert!(text(&ran).contains("long.toml"), "{}", text(&ran));
    assert!(text(&ran).len() < 10_000, "{}", text(&ran).len());
}
