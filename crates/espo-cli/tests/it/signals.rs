//! Signals during commands that create records.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use espo_sim::Sim;

use crate::support::{admin, espo};

/// A server on which the checks take long enough to be interrupted.
async fn slow() -> Sim {
    let sim = Sim::builder()
        .fault("any:latency 10ms".parse().expect("a fault"))
        .start();
    sim.await.expect("a server")
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
}

/// Starts the conformance suite; signals in `ignored` are ignored as a shell or `nohup` does it.
fn start(sim: &Sim, ignored: &str, only: &str) -> Child {
    let folder = std::env::temp_dir();
    let program = espo(&folder);
    let script = format!("trap '' {ignored}; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    if ignored.is_empty() {
        shell.args(["-c", "exec \"$0\" \"$@\""]);
    } else {
        shell.args(["-c", &script]);
    }
    shell
        .arg(program.get_program())
        .args(["conformance", "--only", only, "--url", &sim.url()])
        .envs(admin(sim))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ESPO_") {
            shell.env_remove(name);
        }
    }
    shell.envs(admin(sim)).spawn().expect("the program starts")
}

async fn wait_for_a_record(sim: &Sim) {
    for _ in 0..3_000 {
        if sim.requests().iter().any(|r| r.method == "POST") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no record was created");
}

/// CI systems end a job with SIGTERM, and a terminal that is closed ends its programs with SIGHUP.
#[tokio::test(flavor = "multi_thread")]
async fn termination_signals_end_a_run_after_its_cleanup() {
    for name in ["INT", "TERM", "HUP"] {
        let sim = slow().await;
        let child = start(&sim, "", "");
        wait_for_a_record(&sim).await;
        signal(&child, name);
        let output = tokio::task::spawn_blocking(|| child.wait_with_output());
        let output = output.await.expect("no panic").expect("the output");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains("interrupted; deleting"), "{name}: {said}");
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(report.contains("; interrupted"), "{name}: {report}");
        assert!(!report.contains("not deleted"), "{name}: {report}");
    }
}

/// `nohup`, and a shell without job control for commands in the background.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn ignored_signals_do_not_end_a_run() {
    for name in ["INT", "HUP"] {
        let sim = slow().await;
        let mut child = start(&sim, name, "create");
        wait_for_a_record(&sim).await;
        signal(&child, name);
        let stderr = child.stderr.take().expect("piped");
        let (output, said) = tokio::task::spawn_blocking(move || {
            let said: Vec<String> = BufReader::new(stderr)
                .lines()
                .map_while(Result::ok)
                .collect();
            (child.wait_with_output(), said)
        })
        .await
        .expect("no panic");
        let output = output.expect("the output");
        assert_eq!(output.status.code(), Some(0), "{name}: {said:?}");
        assert!(said.is_empty(), "{name}: {said:?}");
    }
}
