//! The data that a command considers: the generated entity types, the previous export, and the response of an instance.

use std::fs;
use std::path::{Path, PathBuf};

use espo_schema::Schema;
use serde_json::{Value, json};

use crate::server::{Server, response};
use crate::support::{run_in, text};

fn admin() -> Vec<(&'static str, String)> {
    vec![
        ("ESPO_USERNAME", "admin".to_owned()),
        ("ESPO_PASSWORD", "password".to_owned()),
    ]
}

/// A server with this response to `GET Metadata`, and this status of `GET I18n`.
fn server(metadata: &str, i18n: &'static str) -> Server {
    let metadata = metadata.to_owned();
    Server::start(move |path| match path.split('?').next().unwrap_or(path) {
        "/api/v1/App/user" => {
            let user =
                json!({"user": {"id": "1", "userName": "admin", "type": "admin"}, "token": "t"});
            response("200 OK", "", &user.to_string())
        }
        "/api/v1/Metadata" => response("200 OK", "", &metadata),
        _ => response(i18n, "", "{}"),
    })
}

/// Metadata in which two entity types have a field that the argument names.
fn metadata(field: &str) -> Value {
    let entity = json!({"fields": {"name": {"type": "varchar"}, field: {"type": "varchar"}}});
    json!({
        "entityDefs": {"CThing": entity, "COther": entity},
        "scopes": {"CThing": {"entity": true, "object": true}, "COther": {"entity": true, "object": true}},
        "fields": Schema::stock().raw["fields"].clone(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn only_generated_entity_types_are_compared() {
    let folder = tempfile::tempdir().expect("a directory");
    fs::write(
        folder.path().join("metadata.json"),
        metadata("new").to_string(),
    )
    .expect("written");
    fs::write(folder.path().join("old.json"), metadata("old").to_string()).expect("written");
    let server = server(&metadata("old").to_string(), "200 OK");
    let drift = format!("drift --url {}", server.url());
    for (only, all, things, others) in [
        ("entity-types = [\"CThing\"]", "", true, false),
        ("entity-types = [\"CThing\"]", " --all", true, true),
        ("", "", true, true),
    ] {
        let config = format!(
            "[metadata]\nexport = \"metadata.json\"\n[generate]\ncrate = \"crm\"\n{only}\n"
        );
        fs::write(folder.path().join("espo.toml"), config).expect("written");
        for command in ["diff --against old.json", &drift] {
            let ran = run_in(folder.path(), &format!("{command}{all}"), &admin()).await;
            assert_eq!(ran.status.code(), Some(1), "{command}: {}", text(&ran));
            assert_eq!(
                text(&ran).contains("CThing."),
                things,
                "{command}: {}",
                text(&ran)
            );
            assert_eq!(
                text(&ran).contains("COther."),
                others,
                "{command}: {}",
                text(&ran)
            );
            assert_eq!(
                text(&ran).contains("in entity types that are not generated"),
                !others,
                "{command}: {}",
                text(&ran)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_that_are_not_metadata_are_the_fault_of_the_instance() {
    let folder = tempfile::tempdir().expect("a directory");
    for body in [
        "[]",
        "null",
        "{}",
        "false",
        "\"x\"",
        "7",
        "{\"entityDefs\":{\"A\":{}}}",
        "{\"entityDefs\":[1]}",
    ] {
        let server = server(body, "200 OK");
        let init = format!("init --force --url {}", server.url());
        run_in(folder.path(), &init, &[]).await;
        fs::write(
            folder.path().join("metadata.json"),
            metadata("a").to_string(),
        )
        .expect("written");
        for command in ["pull", "pull --no-labels", "update", "drift"] {
            let ran = run_in(folder.path(), command, &admin()).await;
            assert_eq!(
                ran.status.code(),
                Some(3),
                "{command}, {body}: {}",
                text(&ran)
            );
            assert!(
                text(&ran).contains("the response to GET Metadata is not EspoCRM's metadata"),
                "{command}, {body}: {}",
                text(&ran)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_exports_of_labels_suggest_an_export_without_them() {
    let folder = tempfile::tempdir().expect("a directory");
    let server = server(&metadata("a").to_string(), "403 Forbidden");
    let pull = format!("pull --url {}", server.url());
    let ran = run_in(folder.path(), &pull, &admin()).await;
    assert_eq!(ran.status.code(), Some(3), "{}", text(&ran));
    for way in ["--no-labels", "labels = false"] {
        assert!(text(&ran).contains(way), "{}", text(&ran));
    }
    let ran = run_in(folder.path(), &format!("{pull} --no-labels"), &admin()).await;
    assert!(ran.status.success(), "{}", text(&ran));
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_exports_are_replaced_by_update() {
    let folder = tempfile::tempdir().expect("a directory");
    let server = server(&metadata("a").to_string(), "200 OK");
    let init = format!("init --url {} --crate crm", server.url());
    run_in(folder.path(), &init, &[]).await;
    let export = folder.path().join("metadata.json");
    for damaged in ["", "<<<<<<< HEAD\n{}\n=======\n", "{\"entityDefs\"", "[]"] {
        fs::write(&export, damaged).expect("written");
        let ran = run_in(folder.path(), "update", &admin()).await;
        assert!(ran.status.success(), "{damaged}: {}", text(&ran));
        assert!(
            text(&ran).contains("the previous export could not be read"),
            "{damaged}: {}",
            text(&ran)
        );
        assert!(Schema::load(&[&export]).is_ok(), "{damaged}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_whose_path_ends_with_a_slash_are_directories() {
    let server = server(&metadata("a").to_string(), "200 OK");
    let config = format!(
        "[instance]\nurl = \"{}\"\n[metadata]\nexport = \"sub/../crm-metadata/\"\nlayers = [\"crm-metadata\"]\n\
         [generate]\ncrate = \"crm\"\n",
        server.url()
    );
    for (command, exists) in [("update", false), ("pull", false), ("update", true)] {
        let folder = tempfile::tempdir().expect("a directory");
        fs::create_dir(folder.path().join("sub")).expect("created");
        fs::write(folder.path().join("espo.toml"), &config).expect("written");
        if exists {
            fs::create_dir(folder.path().join("crm-metadata")).expect("created");
        }
        let ran = run_in(folder.path(), command, &admin()).await;
        assert!(ran.status.success(), "{command}: {}", text(&ran));
        let file = folder.path().join("crm-metadata/entityDefs/CThing.json");
        assert!(file.is_file(), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_credentials_are_named() {
    let folder = tempfile::tempdir().expect("a directory");
    for (name, missing) in [
        ("ESPO_USERNAME", "ESPO_PASSWORD is not"),
        ("ESPO_PASSWORD", "ESPO_USERNAME is not"),
        ("ESPO_SECRET_KEY", "ESPO_API_KEY is not"),
    ] {
        let variables = [(name, "x".to_owned())];
        let ran = run_in(folder.path(), "pull --url http://127.0.0.1:9", &variables).await;
        assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
        assert!(text(&ran).contains(missing), "{}", text(&ran));
    }
}

/// The files below a directory with their contents, sorted.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text = fs::read_to_string(&path).expect("a file");
            found.push((path, text));
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_delete_no_files_of_others() {
    let folder = tempfile::tempdir().expect("a directory");
    let old = server(&metadata("a").to_string(), "200 OK");
    let mut fewer = metadata("a");
    fewer["entityDefs"]
        .as_object_mut()
        .expect("an object")
        .remove("COther");
    let new = server(&fewer.to_string(), "200 OK");
    let pull =
        |server: &Server, options: &str| format!("pull --out crm --url {} {options}", server.url());

    // A directory with another purpose, which contains names that metadata also has.
    for (file, text) in [
        ("app/config.json", "{}"),
        ("entityDefs/CMine.json", "{}"),
        ("entityDefs/CThing.json", "{\"fields\": {}}"),
        ("README.md", "mine"),
    ] {
        let path = folder.path().join("crm").join(file);
        fs::create_dir_all(path.parent().expect("a directory")).expect("created");
        fs::write(path, text).expect("written");
    }
    let before = files(folder.path());
    let ran = run_in(folder.path(), &pull(&old, ""), &admin()).await;
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    for name in [
        "app/config.json",
        "entityDefs/CMine.json",
        "entityDefs/CThing.json",
        "--force",
    ] {
        assert!(text(&ran).contains(name), "{name}: {}", text(&ran));
    }
    assert_eq!(files(folder.path()), before);

    // With --force it becomes an export, next to which other files are kept.
    let ran = run_in(folder.path(), &pull(&old, "--force"), &admin()).await;
    assert!(ran.status.success(), "{}", text(&ran));
    let path = |name: &str| folder.path().join("crm").join(name);
    assert!(!path("entityDefs/CMine.json").exists() && path("README.md").exists());
    fs::write(path("entityDefs/CMine.json"), "{}").expect("written");
    let ran = run_in(folder.path(), &pull(&new, ""), &admin()).await;
    assert!(ran.status.success(), "{}", text(&ran));
    assert!(
        text(&ran).contains("entityDefs/CMine.json"),
        "{}",
        text(&ran)
    );
    assert!(path("entityDefs/CMine.json").exists() && path("entityDefs/CThing.json").exists());
    assert!(!path("entityDefs/COther.json").exists());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn exports_can_be_piped() {
    let folder = tempfile::tempdir().expect("a directory");
    let server = server(&metadata("a").to_string(), "200 OK");
    for out in ["-", "/dev/stdout"] {
        let pull = format!("pull --no-labels --out {out} --url {}", server.url());
        let ran = run_in(folder.path(), &pull, &admin()).await;
        assert!(ran.status.success(), "{}", text(&ran));
        let export: Value = serde_json::from_slice(&ran.stdout).expect("the export alone");
        assert_eq!(export, metadata("a"));
        assert_eq!(files(folder.path()), []);
    }
    let ran = run_in(
        folder.path(),
        &format!("pull --out /dev/null --url {}", server.url()),
        &admin(),
    )
    .await;
    assert!(ran.status.success(), "{}", text(&ran));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn empty_variables_do_not_hide_the_credentials_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a directory");
    let server = server(&metadata("a").to_string(), "200 OK");
    let file = folder.path().join("c.env");
    fs::write(&file, "ESPO_USERNAME=admin\nESPO_PASSWORD=password\n").expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("set");
    let mut variables: Vec<(&'static str, String)> = [
        "ESPO_API_KEY",
        "ESPO_SECRET_KEY",
        "ESPO_USERNAME",
        "ESPO_PASSWORD",
    ]
    .map(|name| (name, String::new()))
    .to_vec();
    variables.push(("ESPO_CREDENTIALS", file.display().to_string()));
    let ran = run_in(
        folder.path(),
        &format!("pull --out a.json --url {}", server.url()),
        &variables,
    )
    .await;
    assert!(ran.status.success(), "{}", text(&ran));
}

#[cfg(unix)]
#[test]
fn few_descriptors_suffice_for_many_files() {
    let folder = tempfile::tempdir().expect("a directory");
    let ran = std::process::Command::new("sh")
        .current_dir(folder.path())
        .args([
            "-c",
            r#"ulimit -n 40; exec "$0" codegen --out crm --metadata "$1""#,
        ])
        .arg(env!("CARGO_BIN_EXE_espo"))
        .arg(crate::support::workspace().join("metadata"))
        .output()
        .expect("a shell");
    assert!(ran.status.success(), "{}", text(&ran));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_entity_types_of_the_configuration_are_named() {
    let folder = tempfile::tempdir().expect("a directory");
    let server = server(&metadata("a").to_string(), "200 OK");
    let init = format!("init --url {} --only CThing,CGone", server.url());
    run_in(folder.path(), &init, &[]).await;
    let ran = run_in(folder.path(), "update", &admin()).await;
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    for part in ["no entity type `CGone`", "entity-types"] {
        assert!(text(&ran).contains(part), "{}", text(&ran));
    }
    assert!(!folder.path().join("crm").exists());
}
