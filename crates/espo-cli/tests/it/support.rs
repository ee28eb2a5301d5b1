//! Helpers that run the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use espo_sim::Sim;

/// The directory of the workspace.
pub(crate) fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .ancestors()
        .nth(2)
        .expect("the workspace")
        .to_path_buf()
}

/// `espo`, without the environment variables that affect it.
pub(crate) fn espo(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_espo"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ESPO_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder);
    command
}

/// Runs `espo` as `cargo xtask` does, with these credentials and no others.
pub(crate) fn xtask(arguments: &[&str], credentials: &[(&str, &str)]) -> Output {
    espo(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env("ESPO_CONFIG", workspace().join("espo.toml"))
        .env("ESPO_PROGRAM", "cargo xtask")
        .args(arguments)
        .envs(credentials.iter().copied())
        .output()
        .expect("the program runs")
}

/// Everything that a program printed.
pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs [`xtask`] in another thread, so that the server of the test keeps responding.
pub(crate) async fn beside(
    arguments: Vec<String>,
    credentials: Vec<(&'static str, String)>,
) -> Output {
    let run = move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let credentials: Vec<(&str, &str)> =
            credentials.iter().map(|(k, v)| (*k, v.as_str())).collect();
        xtask(&arguments, &credentials)
    };
    tokio::task::spawn_blocking(run).await.expect("no panic")
}

/// Runs `espo` in a directory, in another thread.
pub(crate) async fn run_in(
    folder: &Path,
    arguments: &str,
    variables: &[(&'static str, String)],
) -> Output {
    let mut command = espo(folder);
    command
        .args(words(arguments))
        .envs(variables.iter().cloned());
    tokio::task::spawn_blocking(move || command.output().expect("the program runs"))
        .await
        .expect("no panic")
}

pub(crate) fn admin(sim: &Sim) -> Vec<(&'static str, String)> {
    let admin = sim.users().admin().expect("an administrator");
    let password = admin.password.clone().expect("a password");
    vec![
        ("ESPO_USERNAME", admin.user_name.clone()),
        ("ESPO_PASSWORD", password),
    ]
}

pub(crate) fn api_user(sim: &Sim) -> Vec<(&'static str, String)> {
    let user = sim.users().api_key_user().expect("an API user");
    vec![("ESPO_API_KEY", user.api_key.clone().expect("a key"))]
}

pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Sends a request with an API key. Returns status and `X-Status-Reason`.
pub(crate) fn ask(
    sim: &Sim,
    key: &str,
    method: &str,
    path: &str,
    body: &str,
) -> (u16, Option<String>) {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(sim.address()).expect("a connection");
    write!(
        stream,
        "{method} /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Api-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    let mut response = Vec::new();
    stream.read_to_end(&mut response).expect("a response");
    let response = String::from_utf8_lossy(&response);
    let head = response.split("\r\n\r\n").next().unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    let reason = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let found = name.eq_ignore_ascii_case("x-status-reason");
        found.then(|| value.trim().to_owned())
    });
    (status.expect("a status"), reason)
}
