//! Credentials are in no output, no file, no argument and no environment of another program.

use std::fs;
use std::path::{Path, PathBuf};

use espo_sim::Sim;

use crate::server::{Server, response};
use crate::support::{espo, run_in, text};

const SECRETS: [&str; 8] = [
    "canary-api-key-5d1f",
    "canary-hmac-9b02",
    "canary-password-77ce",
    "canary-header-3fa4",
    "canary-client-key-a8d1",
    "canary-file-c0de",
    "canary-url-4e11",
    "canary-proxy-b5b5",
];

/// The secrets as they are and as HTTP sends them.
fn forms() -> Vec<String> {
    let base64 = |text: &str| {
        // The middle of the text in each of the three alignments.
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let encode = |bytes: &[u8]| -> String {
            let whole = bytes.chunks_exact(3).flat_map(|c| {
                let n = u32::from(c[0]) << 16 | u32::from(c[1]) << 8 | u32::from(c[2]);
                [18, 12, 6, 0].map(|shift| char::from(DIGITS[(n >> shift & 63) as usize]))
            });
            whole.collect()
        };
        (0..3)
            .map(move |skip| encode(&text.as_bytes()[skip..]))
            .collect::<Vec<String>>()
    };
    let mut forms: Vec<String> = SECRETS.iter().map(|secret| (*secret).to_owned()).collect();
    forms.extend(SECRETS.iter().flat_map(|secret| base64(secret)));
    forms
}

fn assert_absent(what: &str, text: &str) {
    for form in forms() {
        assert!(!text.contains(&form), "{form} in {what}: {text}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// The ways to pass credentials.
fn environments(folder: &Path) -> Vec<Vec<(&'static str, String)>> {
    let secret = |index: usize| SECRETS[index].to_owned();
    let file = folder.join("credentials-given-by-the-user");
    vec![
        vec![("ESPO_API_KEY", secret(0))],
        vec![("ESPO_API_KEY", secret(0)), ("ESPO_SECRET_KEY", secret(1))],
        vec![
            ("ESPO_USERNAME", "admin".into()),
            ("ESPO_PASSWORD", secret(2)),
        ],
        vec![("ESPO_CREDENTIALS", file.display().to_string())],
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_writes_or_passes_on_credentials() {
    let sim = Sim::start().await.expect("a server");
    let page = Server::start(|_| response("502 Bad Gateway", "", "<html>gateway</html>"));
    let gate = Server::start(|_| {
        response(
            "401 Unauthorized",
            "WWW-Authenticate: Basic realm=\"gate\"\r\n",
            "",
        )
    });
    let folder = tempfile::tempdir().expect("a directory");
    let (project, temporary) = (folder.path().join("project"), folder.path().join("tmp"));
    let programs = folder.path().join("programs");
    for path in [&project, &temporary, &programs] {
        fs::create_dir(path).expect("created");
    }
    given_files(folder.path(), &project);
    let dump = folder.path().join("environment-of-git");
    stand_in_for_git(&programs, &dump);

    let (url, broken, gated) = (sim.url(), page.url(), gate.url());
    let with_secret = url.replace("http://", &format!("http://admin:{}@", SECRETS[6]));
    let header = "--header-from-env X-Gate=CANARY_HEADER";
    let commands = [
        format!("pull --url {url} --out new.json {header}"),
        format!("pull --url {url} --out split --split"),
        format!("pull --url {broken} --out new.json {header}"),
        format!("pull --url {gated} --out new.json"),
        format!("pull --url http://127.0.0.1:9 --out new.json {header}"),
        format!("pull --url {with_secret} --out new.json"),
        format!("pull --url {url} --client-certificate key.pem --client-key key.pem"),
        format!(
            "pull --url {url} --proxy http://bob:{}@127.0.0.1:9",
            SECRETS[7]
        ),
        format!("pull --url {url} --proxy bob:{}@:9:9", SECRETS[7]),
        format!("drift --url {url} --metadata old.json {header}"),
        format!("drift --url {with_secret} --metadata old.json"),
        format!("conformance --url {gated}"),
        format!("conformance --url {with_secret}"),
        format!("differential --real {gated} --requests 2"),
        format!("differential --real {with_secret} --requests 2"),
        "codegen --metadata old.json --out sdk --crate-name sdk".to_owned(),
        "diff --against git:HEAD --metadata old.json".to_owned(),
        format!("init --url {with_secret} --crate sdk2"),
        format!("update --url {broken}"),
        "completions bash".to_owned(),
    ];
    for variables in environments(folder.path()) {
        for arguments in &commands {
            let mut command = espo(&project);
            let path = std::env::var("PATH").unwrap_or_default();
            command
                .args(arguments.split_whitespace())
                .envs(variables.iter().cloned())
                .env("TMPDIR", &temporary)
                .env("PATH", format!("{}:{path}", programs.display()));
            if arguments.contains(header) {
                command.env("CANARY_HEADER", SECRETS[3]);
            }
            let ran =
                tokio::task::spawn_blocking(move || command.output().expect("the program runs"))
                    .await
                    .expect("no panic");
            let printed = text(&ran);
            assert!(!printed.contains("panicked"), "{arguments}: {printed}");
            assert_absent(&format!("the output of `{arguments}`"), &printed);
        }
    }
    assert!(dump.exists(), "git was started");
    for path in files(folder.path()) {
        let is_given = path.ends_with("key.pem") || path.ends_with("credentials-given-by-the-user");
        let contents = fs::read(&path).expect("the file");
        if !is_given {
            let name = path.display().to_string();
            assert_absent(&name, &String::from_utf8_lossy(&contents));
        }
    }
    assert_eq!(
        files(&temporary),
        Vec::<PathBuf>::new(),
        "temporary files are removed"
    );
}

/// Other users of the machine can read the titles of processes and threads.
#[cfg(target_os = "linux")]
#[test]
fn process_titles_contain_no_credentials() {
    let folder = tempfile::tempdir().expect("a directory");
    given_files(folder.path(), folder.path());
    for variables in environments(folder.path()) {
        // A server that never responds, so that the program can be examined.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", silent.local_addr().expect("an address"));
        let mut child = espo(folder.path())
            .args(["pull", "--out", "new.json", "--url", &url])
            .args(["--header-env", "Authorization=CANARY_HEADER"])
            .env("CANARY_HEADER", format!("Bearer {}", SECRETS[3]))
            .envs(variables)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the program runs");
        silent.set_nonblocking(true).expect("a mode");
        // It either connects, or has ended because the header belongs to a password, too.
        while silent.accept().is_err() && child.try_wait().expect("a child").is_none() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let process = format!("/proc/{}", child.id());
        let title = fs::read_to_string(format!("{process}/cmdline")).unwrap_or_default();
        assert_absent("the process list", &title);
        let threads = fs::read_dir(format!("{process}/task"))
            .into_iter()
            .flatten();
        for thread in threads.flatten() {
            let title = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
            assert_absent("the title of a thread", &title);
        }
        let _ = child.kill();
        let output = child.wait_with_output().expect("ended");
        assert_absent("standard error", &String::from_utf8_lossy(&output.stderr));
    }
}

fn given_files(folder: &Path, project: &Path) {
    let credentials = folder.join("credentials-given-by-the-user");
    let text = format!("ESPO_USERNAME=admin\nESPO_PASSWORD={}\n", SECRETS[5]);
    fs::write(&credentials, text).expect("written");
    private(&credentials);
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        SECRETS[4]
    );
    fs::write(project.join("key.pem"), pem).expect("written");
    let stock = serde_json::to_string(&espo_schema::Schema::stock().raw).expect("JSON");
    fs::write(project.join("old.json"), stock).expect("written");
    fs::write(
        project.join("espo.toml"),
        "[metadata]\nexport = \"old.json\"\n[generate]\ncrate = \"sdk\"\n",
    )
    .expect("written");
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("set");
}

/// A program that writes its environment and arguments to a file, and fails.
fn stand_in_for_git(programs: &Path, dump: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let script = format!(
        "#!/bin/sh\n{{ env; echo \"$@\"; }} >>'{}'\nexit 1\n",
        dump.display()
    );
    let path = programs.join("git");
    fs::write(&path, script).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_files_are_not_shown_in_errors() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("credentials");
    for (contents, mode) in [
        (format!("ESPO_PASSWORD={}\n", SECRETS[5]), 0o644),
        (format!("{}\n", SECRETS[5]), 0o600),
        (format!("ESPO_PASWORD={}\n", SECRETS[5]), 0o600),
        (format!("ESPO_PASSWORD={}\n", SECRETS[5]), 0o600),
    ] {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(&path, contents).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        let file = vec![("ESPO_CREDENTIALS", path.display().to_string())];
        let ran = run_in(folder.path(), "pull --url http://127.0.0.1:9", &file).await;
        assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
        assert_absent("the error", &text(&ran));
    }
}
