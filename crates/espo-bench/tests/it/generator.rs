//! Limits of the load generator and empty instances are not errors of the target.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::cli::{accounts, bench, folder_with};
#[cfg(target_os = "linux")]
use crate::recovery::{end, interrupt, start, wait_for};
use crate::support::{Behaviour, Server};

const LISTS: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";

fn out(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat());
    (output.status.code().unwrap(), said.unwrap())
}

fn report(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("r.json")).unwrap()).unwrap()
}

/// Returns the program in a shell that has run `ulimit` with these arguments.
#[cfg(unix)]
fn limited(folder: &Path, ulimit: &str, line: &str) -> Command {
    let program = bench(folder, line);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("ulimit {ulimit}; exec \"$@\""), "sh"])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(folder)
        .env("ESPO_API_KEY", "key")
        .env_remove("ESPO_SECRET_KEY");
    shell
}

#[cfg(unix)]
#[test]
fn soft_descriptor_limits_are_raised_for_the_load() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(LISTS));
    let line = format!(
        "run w.toml --url {} --concurrency 150 --requests 600 --json r.json",
        server.url
    );
    let (code, said) = out(&mut limited(folder.path(), "-Sn 100", &line));
    assert_eq!(code, 0, "{said}");
    let totals = report(folder.path())["totals"].clone();
    assert_eq!(totals["requests"], 600, "{said}");
    assert_eq!(totals["failed"], 0, "{said}");
    assert_eq!(totals["generator_errors"], 0, "{said}");
}

#[cfg(unix)]
#[test]
fn loads_beyond_the_hard_limit_are_rejected_before_they_start() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(LISTS));
    for load in ["--concurrency 150", "--rate 50 --max-in-flight 150"] {
        let line = format!(
            "run w.toml --url {} {load} --requests 600 --tag-requests",
            server.url
        );
        let (code, said) = out(&mut limited(folder.path(), "-n 100", &line));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("150 connections need 222 file"), "{said}");
        assert!(said.contains("ulimit -Hn 222"), "{said}");
    }
    assert!(server.seen().is_empty());
}

#[cfg(unix)]
#[test]
fn default_limits_in_flight_are_lowered_to_the_hard_limit() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(LISTS));
    let line = format!(
        "run w.toml --url {} --rate 50 --requests 20 --json r.json",
        server.url
    );
    let (code, said) = out(&mut limited(folder.path(), "-n 100", &line));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("lowered --max-in-flight to 28"), "{said}");
    assert_eq!(report(folder.path())["run"]["model"]["max_in_flight"], 28);
}

/// Hundreds of workers share the timer of their thread.
#[cfg(target_os = "linux")]
#[test]
fn workers_need_one_descriptor_each() {
    let server = accounts(Behaviour {
        delay: Some(std::sync::Arc::new(|_: &str, _| {
            std::time::Duration::from_millis(200)
        })),
        ..Behaviour::default()
    });
    let folder = folder_with(LISTS);
    let line = format!(
        "run w.toml --url {} --concurrency 120 --duration 10m --tag-requests",
        server.url
    );
    let mut child = bench(folder.path(), &line).spawn().unwrap();
    let descriptors = format!("/proc/{}/fd", child.id());
    let open = || std::fs::read_dir(&descriptors).unwrap().count();
    wait_for("not all workers are connected", || {
        server.seen().len() >= 360 && open() >= 120
    });
    let open = open();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(open < 160, "{open}");
}

/// Returns the processor time of a process in ticks of the kernel's clock.
#[cfg(target_os = "linux")]
fn cpu_ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name of the program, in parentheses, may contain spaces.
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = rest.split(' ').collect();
    fields[11..13]
        .iter()
        .map(|ticks| ticks.parse::<u64>().unwrap())
        .sum()
}

#[cfg(target_os = "linux")]
#[test]
fn descriptors_that_run_out_are_not_errors_of_the_target() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let server = accounts(Behaviour {
        closes: true,
        ..Behaviour::default()
    });
    let folder = folder_with(LISTS);
    let line = format!(
        "run w.toml --url {} --concurrency 2 --duration 10m --max-error-share 1 --tag-requests --json r.json",
        server.url
    );
    let child = start(&mut bench(folder.path(), &line));
    wait_for("nothing was sent", || server.seen().len() >= 20);
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let set = |current| {
        let limit = Rlimit {
            current: Some(current),
            maximum: Some(1_024),
        };
        prlimit(pid, Resource::Nofile, limit).unwrap();
    };
    // The limit is lower than the number of open descriptors, so each new connection fails; the rest of the process is
    // not affected.
    set(4);
    // Workers that cannot connect try again at once, so their attempts use the processor.
    let before = cpu_ticks(child.id());
    wait_for("no attempts", || cpu_ticks(child.id()) >= before + 30);
    set(1_024);
    let after = server.seen().len();
    wait_for("no recovery", || server.seen().len() >= after + 20);
    interrupt(&child);
    let (_, said) = end(child);
    let report = report(folder.path());
    assert!(report["totals"]["generator_errors"].as_u64() > Some(0));
    assert_eq!(report["totals"]["failed"], 0, "{said}");
    assert_eq!(report["generator"]["verdict"], "generator_saturated");
    let reasons = report["generator"]["reasons"].to_string();
    assert!(reasons.contains("Too many open files"), "{reasons}");
    assert_eq!(report["errors"][0]["outcome"], "generator");
}

#[test]
fn operations_without_records_are_left_out_and_named() {
    let server = Server::start(Behaviour::default());
    let folder = folder_with(LISTS);
    let line = format!("run sync --url {} --requests 60 --json r.json", server.url);
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 0, "{said}");
    let report = report(folder.path());
    assert_eq!(report["totals"]["requests"], 60);
    assert_eq!(report["totals"]["failed"], 0, "{said}");
    let left_out = report["nothing_to_read"].as_array().unwrap();
    let names: Vec<_> = left_out.iter().map(|o| &o["operation"]).collect();
    assert_eq!(names, ["read:Account", "read:Contact"]);
    for expected in [
        "warning: the target has no records of Account, so read:Account has nothing to read",
        "[setup] records = { Contact = 50 }",
        "nothing to read: read:Contact",
    ] {
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn runs_with_nothing_to_read_end_before_the_load() {
    let server = Server::start(Behaviour::default());
    let folder = folder_with(
        "[[operation]]\nkind = \"read\"\nentity = \"Account\"\n[[chain]]\nname = \"open\"\n\
         [[chain.step]]\nkind = \"stream\"\nentity = \"Contact\"\n",
    );
    let line = format!(
        "run w.toml --url {} --requests 60 --tag-requests",
        server.url
    );
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("nothing to read: the target has no records of Account, Contact"),
        "{said}"
    );
    assert!(server.seen().is_empty());
}
