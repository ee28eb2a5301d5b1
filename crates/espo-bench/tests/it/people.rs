//! People: think times, several users, and warnings about small data.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::cli::{accounts, bench, folder_with};
use crate::support::{Behaviour, Server};

const READS: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n[[operation]]\nkind = \"related\"\nentity = \"Account\"\nlink = \"contacts\"\n";

fn out(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat());
    (output.status.code().unwrap(), said.unwrap())
}

fn report(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("r.json")).unwrap()).unwrap()
}

#[test]
fn the_rate_of_people_is_shown_per_person() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(READS));
    let url = &server.url;
    for (options, think) in [
        ("--people 8 --think 200ms..400ms", (0.2, 0.4)),
        ("--concurrency 8 --think 300ms", (0.3, 0.3)),
    ] {
        let line = format!("run w.toml --url {url} {options} --duration 2s --json r.json");
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!(code, 0, "{said}");
        let report = report(folder.path());
        let seconds = report["run"]["think_seconds"].as_array().unwrap();
        assert_eq!(seconds[0].as_f64(), Some(think.0));
        assert_eq!(seconds[1].as_f64(), Some(think.1));
        // At most what the think times allow, on any machine: eight people, 2 s.
        let requests = report["totals"]["requests"].as_u64().unwrap();
        let most = 8 * ((2.0 / think.0) as u64 + 1);
        assert!(requests > 0 && requests <= most, "{requests} of {most}");
        assert!(said.contains("requests/s per person"), "{said}");
        assert!(said.contains("8 people with think times"), "{said}");
    }
    // If the workload has no think times, people get the default ones.
    let line = format!("run w.toml --url {url} --people 3 --duration 300ms --json r.json");
    let (_, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(report(folder.path())["run"]["think_seconds"][0], 5.0);
    assert!(said.contains("too few for percentiles"), "{said}");

    for (wrong, expected) in [
        ("--rate 5 --people 3", "cannot be used with"),
        ("--rate 5 --think 1s", "cannot be used with"),
        ("--people 3 --think 5s..1s", "longer than the second"),
        ("--people 3 --think soon", "invalid duration"),
    ] {
        let line = format!("run w.toml --url {url} {wrong} --duration 1s");
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!((code, said.contains(expected)), (2, true), "{said}");
    }
}

#[test]
fn people_act_as_the_users_of_a_file() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(READS));
    let write = |text: &str| std::fs::write(folder.path().join("users.csv"), text).unwrap();
    let line = format!(
        "run w.toml --url {} --people 4 --think 50ms --requests 12 --users users.csv --json r.json",
        server.url
    );
    write("api_key\nkey\nkey\n");
    let mut command = bench(folder.path(), &line);
    let (code, said) = out(command.env_remove("ESPO_API_KEY"));
    assert_eq!(code, 0, "{said}");
    assert_eq!(report(folder.path())["run"]["users"], 2);
    assert!(!said.contains("act as the same user"), "{said}");
    write("api_key\nkey\nwrong-and-secret\n");
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("user 2"), "{said}");
    assert!(!said.contains("wrong-and-secret"), "{said}");
    for (text, expected) in [
        ("api_key\n", "the file has no users"),
        ("username,password\nme,\n", "user 1 has no credentials"),
        ("name\nme\n", "expected the columns api_key"),
        ("canary-key\n", "expected the columns api_key"),
        ("username;password\nme;secret\n", "separated by commas"),
        (
            "username,password\nme\n",
            "row 1 has 1 column, the first line 2 columns",
        ),
        (
            "username,password\n\nme,se,cret\n",
            "row 1 has 3 columns, the first line 2 columns",
        ),
    ] {
        write(text);
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!((code, said.contains(expected)), (2, true), "{said}");
        assert!(!said.contains("canary"), "{said}");
    }
    for text in [&b"username,password\nJos\xe9,x\n"[..], b"\xff\xfea\0p\0i\0"] {
        std::fs::write(folder.path().join("users.csv"), text).unwrap();
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!((code, said.contains("is not UTF-8")), (2, true), "{said}");
    }
    // As spreadsheets save them.
    for text in [
        "\u{feff}api_key\r\nkey\r\n",
        "\"api_key\"\n\"key\"\n",
        "api_key\n\nkey\n\n",
    ] {
        write(text);
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!(code, 0, "{text:?}: {said}");
    }
}

/// Otherwise the logins would use up the warm-up and delay the first requests of the measurement.
#[test]
fn all_users_log_in_before_the_load() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    const USERS: usize = 20;
    let logins = std::sync::Arc::new(AtomicUsize::new(0));
    let at_first = std::sync::Arc::new(AtomicUsize::new(usize::MAX));
    let (count, first) = (logins.clone(), at_first.clone());
    let server = accounts(Behaviour {
        evil: Some(std::sync::Arc::new(move |request: &str, is_load| {
            if request == "GET App/user" {
                std::thread::sleep(std::time::Duration::from_millis(50));
                count.fetch_add(1, Ordering::SeqCst);
            }
            if is_load {
                first.fetch_min(count.load(Ordering::SeqCst), Ordering::SeqCst);
            }
            None
        })),
        ..Behaviour::default()
    });
    let folder = folder_with(READS);
    let users = format!("api_key\n{}", "key\n".repeat(USERS));
    std::fs::write(folder.path().join("users.csv"), users).unwrap();
    for (load, threads) in [("--rate 40", 1), ("--concurrency 4", 2)] {
        let line = format!(
            "run w.toml --url {} {load} --threads {threads} --requests 20 --warmup 100ms --users users.csv --tag-requests --json r.json",
            server.url
        );
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!(code, 0, "{said}");
        // Each user is checked once, and then logs in on each thread.
        let expected = USERS * (1 + threads);
        assert_eq!(logins.swap(0, Ordering::SeqCst), expected, "{load}");
        assert_eq!(
            at_first.swap(usize::MAX, Ordering::SeqCst),
            expected,
            "{load}"
        );
        let totals = report(folder.path())["totals"].clone();
        assert_eq!(
            (&totals["requests"], &totals["failed"]),
            (&20.into(), &0.into())
        );
    }
}

#[test]
fn small_data_is_reported_next_to_the_figures() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(READS));
    let line = format!(
        "run w.toml --url {} --people 2 --think 1ms --requests 40 --json r.json --markdown r.md --html r.html",
        server.url
    );
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 0, "{said}");
    let page = std::fs::read_to_string(folder.path().join("r.html")).unwrap();
    let markdown = std::fs::read_to_string(folder.path().join("r.md")).unwrap();
    for text in [said, page, markdown] {
        assert!(text.contains("Account/contacts (21 bytes)"), "{text}");
        assert!(text.contains("few records of Account (20)"), "{text}");
        assert!(text.contains("act as the same user"), "{text}");
    }
}

/// Panels of the setup's records are not empty, because contacts and opportunities belong to accounts.
#[test]
fn records_of_the_setup_refer_to_each_other() {
    let server = Server::start(Behaviour::default());
    let folder = folder_with(
        "[setup]\nrecords = { Account = 3, Contact = 9 }\n[[operation]]\nkind = \"read\"\nentity = \"Account\"\n\
         [[operation]]\nkind = \"read\"\nentity = \"Contact\"\n",
    );
    let line = format!(
        "run w.toml --url {} --requests 3 --keep --ledger l",
        server.url
    );
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 0, "{said}");
    let accounts = server.ids("Account");
    let contacts = server.records("Contact");
    assert_eq!((accounts.len(), contacts.len()), (3, 9));
    for contact in contacts {
        let account = contact["accountId"].as_str().unwrap();
        assert!(accounts.iter().any(|id| id == account), "{contact:?}");
    }
}

#[test]
fn preparation_is_not_part_of_the_load() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(
        "[[operation]]\nkind = \"update\"\nentity = \"Account\"\nfields = [\"description\"]\n",
    );
    let line = format!(
        "run w.toml --url {} --concurrency 3 --requests 30 --json r.json --slo create.p99<10s",
        server.url
    );
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 2, "no operation of the load creates: {said}");
    let line = line.replace("--slo create.p99<10s", "");
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 0, "{said}");
    let report = report(folder.path());
    assert_eq!(report["totals"]["requests"], 30, "{said}");
    let operations = report["operations"].as_array().unwrap();
    assert_eq!(operations[1]["kind"], "preparation");
    assert!(
        said.contains("prepare:Account (not in all requests)"),
        "{said}"
    );
}

#[test]
fn builtin_workloads_can_be_printed_and_used() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(READS));
    let (code, list) = out(&mut bench(folder.path(), "workload"));
    assert_eq!(code, 0);
    for name in espo_bench::Workload::builtin_names() {
        assert!(list.contains(name), "{list}");
        let (code, text) = out(&mut bench(folder.path(), &format!("workload {name}")));
        assert_eq!(code, 0);
        std::fs::write(folder.path().join("printed.toml"), text).unwrap();
        let line = format!("run printed.toml --url {} --dry-run 3", server.url);
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!(code, 0, "{name}: {said}");
    }
    let (code, said) = out(&mut bench(folder.path(), "workload brwose"));
    assert_eq!((code, said.contains("'browse'")), (2, true), "{said}");
}

#[test]
fn saved_reports_can_be_checked_against_slos() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(READS));
    let line = format!(
        "run w.toml --url {} --requests 20 --json r.json",
        server.url
    );
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 0, "{said}");
    let judge = |limit: &str| out(bench(folder.path(), "report r.json --slo").arg(limit));
    assert_eq!(judge("p99 < 1m").0, 0);
    let (code, said) = judge("list.p50 < 1us");
    assert_eq!((code, said.contains("MISSED")), (1, true), "{said}");
    let (code, said) = judge("errors < 1");
    assert_eq!((code, said.contains("1%")), (2, true), "{said}");
}

/// PowerShell writes UTF-16 for `>`, editors on Windows write a byte order mark, and logs of containers contain standard
/// error too.
#[test]
fn saved_reports_are_read_from_windows_from_logs_and_from_standard_input() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(READS));
    let line = format!("run w.toml --url {} --requests 5 --json r.json", server.url);
    assert_eq!(out(&mut bench(folder.path(), &line)).0, 0);
    let text = std::fs::read_to_string(folder.path().join("r.json")).unwrap();
    let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let marked = format!("\u{feff}{text}");
        marked.encode_utf16().flat_map(bytes).collect()
    };
    for (name, content, expected) in [
        ("utf-8.json", format!("\u{feff}{text}").into_bytes(), None),
        (
            "log.json",
            format!("warning: a\n{text}\nespo-bench: b\n").into_bytes(),
            None,
        ),
        (
            "within.json",
            text.replacen('\n', "\r\nwarning: a\r\nwarning: b\r\n", 1)
                .into_bytes(),
            None,
        ),
        (
            "messages.json",
            b"warning: a\nespo-bench: cannot connect\n".to_vec(),
            Some("wrote no report: warning: a"),
        ),
        ("le.json", utf16(u16::to_le_bytes), None),
        ("be.json", utf16(u16::to_be_bytes), None),
        (
            "cut.json",
            text.as_bytes()[..text.len() / 2].to_vec(),
            Some("is incomplete"),
        ),
        (
            "twice.json",
            format!("{text}{text}").into_bytes(),
            Some("more text follows the report"),
        ),
    ] {
        std::fs::write(folder.path().join(name), content).unwrap();
        let (code, said) = out(&mut bench(folder.path(), &format!("report {name}")));
        match expected {
            None => assert_eq!(
                (code, said.contains("list:Account")),
                (0, true),
                "{name}: {said}"
            ),
            Some(why) => assert_eq!((code, said.contains(why)), (2, true), "{name}: {said}"),
        }
    }
    let input = std::fs::File::open(folder.path().join("r.json")).unwrap();
    let (code, said) = out(bench(folder.path(), "report -").stdin(input));
    assert_eq!((code, said.contains("list:Account")), (0, true), "{said}");
}

#[test]
fn labels_are_short_and_on_one_line() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(READS));
    let line = format!("run w.toml --url {} --requests 5 --json r.json", server.url);
    let long = "x".repeat(201);
    for (label, expected) in [
        ("a\nb", "control character"),
        ("\u{1b}[31m", "control character"),
        (" ", "it is empty"),
        (&*long, "longer than 200"),
    ] {
        let (code, said) = out(bench(folder.path(), &line).args(["--label", label]));
        assert_eq!((code, said.contains(expected)), (2, true), "{said}");
    }
    let (code, said) = out(bench(folder.path(), &line).args(["--label", " v1.2 – größer "]));
    assert_eq!(code, 0, "{said}");
    assert_eq!(report(folder.path())["run"]["label"], "v1.2 – größer");
}
