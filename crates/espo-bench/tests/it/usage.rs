//! Usage errors and how a run reports them.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::cli::{accounts, bench, folder_with};
use crate::support::Behaviour;

const READS: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";

pub(crate) fn out(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(said).unwrap(),
    )
}

/// A real instance locks out an address after more than ten failed logins.
#[test]
fn wrong_credentials_are_tried_only_once() {
    let server = accounts(Behaviour::default());
    let users = "[[credentials]]\napi_key_env = \"GOOD\"\n[[credentials]]\napi_key_env = \"BAD\"\n";
    let folder = folder_with(&format!("{users}{READS}"));
    let line = format!("run w.toml --url {} --threads 12 --requests 50", server.url);
    let mut command = bench(folder.path(), &line);
    let (code, said) = out(command.env("GOOD", "key").env("BAD", "secret-of-mine"));
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("user 2"), "{said}");
    assert!(!said.contains("secret-of-mine"), "{said}");
    assert_eq!(server.refused(), 1);
    assert!(server.seen().is_empty());
}

#[test]
fn contradictory_options_are_rejected_before_the_load() {
    let stages = format!("[[stage]]\nduration = \"1s\"\nrate = 5\n{READS}");
    let folder = folder_with(&stages);
    std::fs::write(folder.path().join("plain.toml"), READS).unwrap();
    let server = accounts(Behaviour::default());
    let url = &server.url;
    let with_password = url.replace("http://", "http://me:topsecret@");
    for (line, expected) in [
        (
            format!("run w.toml --url {url} --duration 2s"),
            "stages of the workload",
        ),
        (
            format!("run w.toml --url {url} --warmup 2s"),
            "stages of the workload",
        ),
        (
            format!("run plain.toml --url {url} --concurrency 2 --arrivals poisson"),
            "open model",
        ),
        (
            format!("run plain.toml --url {url} --max-in-flight 0"),
            "--max-in-flight",
        ),
        (
            format!("run plain.toml --url {url} --threads 0"),
            "--threads",
        ),
        (
            format!("run plain.toml --url {url} --max-error-share 7"),
            "invalid fraction",
        ),
        (
            format!("run plain.toml --url {url} --shard 4/4"),
            "invalid shard",
        ),
        (
            format!("run plain.toml --url {url} --metadata x"),
            "cannot be used with",
        ),
        (
            format!("capacity plain.toml --url {url} --slo p99<1s --rate 5"),
            "--rate",
        ),
        ("merge a.json --hdr x".to_owned(), "--hdr"),
        (
            format!("run plain.toml --url {with_password} --requests 1"),
            "URL contains credentials",
        ),
        (
            format!("init --url {with_password}"),
            "URL contains credentials",
        ),
    ] {
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!(code, 2, "{line}: {said}");
        assert!(said.contains(expected), "{line}: {said}");
        assert!(!said.contains("topsecret"), "{line}: {said}");
    }
    assert!(server.seen().is_empty());
}

/// Every option with a number or a duration has a lower and an upper end.
#[test]
fn values_beyond_their_range_are_rejected_before_the_load() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let compare = "compare w.toml w.toml";
    for (name, bytes) in [
        ("w.json.gz", &[0x1f, 0x8b, 8, 0][..]),
        ("list.json", b"[1]"),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let earlier = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/earlier/0.1.0");
    for (options, expected) in [
        ("--rate nan", "invalid rate"),
        ("--rate inf", "invalid rate"),
        ("--rate 1e300", "up to 1000000"),
        ("--rate=-1", "invalid rate"),
        ("--rate 0", "invalid rate"),
        ("--concurrency 0", "'0'"),
        ("--people 0", "'0'"),
        ("--concurrency 99999999", "file descriptors"),
        ("--requests 0", "1 or more"),
        ("--requests 1e4", "expected an integer"),
        ("--rate 1k", "expected a number"),
        ("--users 10", "cannot read 10"),
        ("--duration 0s", "above 0"),
        ("--duration 367d", "at most 366 days"),
        ("--duration 99999999999d", "too long"),
        ("--duration 1y", "no fixed length"),
        ("--duration=-1s", "negative"),
        ("--duration 5", "(the unit is missing)"),
        ("--warmup 367d", "at most 366 days"),
        ("--timeout 0s", "above 0"),
        ("--cleanup-timeout 0s", "above 0"),
        ("--max-error-share nan", "0 to 1"),
        ("--max-error-share 101%", "0 to 1"),
        ("--connect-to localhost:80", "an IP address and a port"),
        ("--think 5s..1s", "longer than the second"),
        ("--shard 4/4", "0/4 to 3/4"),
        ("--start-at 1999-01-01T00:00:00Z", "has passed"),
        ("--run-id zz", "hexadecimal"),
        ("--dry-run=0", "'0'"),
    ] {
        let line = format!("run w.toml --url {} --tag-requests {options}", server.url);
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!(code, 2, "{options}: {said}");
        assert!(said.contains(expected), "{options}: {said}");
    }
    for (line, expected) in [
        (format!("{compare} --threshold 0"), "above 0"),
        (format!("{compare} --threshold nan"), "above 0"),
        (format!("{compare} -- --html x"), "options must precede"),
        ("trend w.toml --threshold inf".into(), "above 0"),
        ("clean nothing.ledger".into(), "cannot read the ledger"),
        ("report nothing.json".into(), "cannot read nothing.json"),
        ("trend .".into(), "this is a directory"),
        (
            "run https://crm.example.com".into(),
            "pass the URL with --url",
        ),
        ("report w.json.gz".into(), "decompress it with gunzip"),
        ("report list.json".into(), "expected a JSON object"),
        (
            format!("report {}/closed.json --slo lst.p99<1s", earlier.display()),
            "no operation 'lst'",
        ),
        (
            format!("capacity w.toml --url {} --slo p99<1s --to inf", server.url),
            "search range",
        ),
        (
            format!(
                "capacity w.toml --url {} --slo p99<1s --precision nan",
                server.url
            ),
            "search range",
        ),
    ] {
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!(code, 2, "{line}: {said}");
        assert!(said.contains(expected), "{line}: {said}");
    }
    assert!(server.seen().is_empty());
}

/// Paths need not be UTF-8, and the command line in the report must not end the run.
#[cfg(target_os = "linux")]
#[test]
fn paths_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStrExt as _;
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let name = std::ffi::OsStr::from_bytes(b"r\xff.json");
    let line = format!("run w.toml --url {} --requests 5 --json", server.url);
    let (code, said) = out(bench(folder.path(), &line).arg(name));
    assert_eq!(code, 0, "{said}");
    assert!(folder.path().join(name).is_file());
}

/// At a rate far beyond the target's, the iterations that are not started are counted without sending them.
#[test]
fn rates_far_beyond_the_target_end_with_the_run() {
    let server = accounts(Behaviour {
        delay: Some(std::sync::Arc::new(|_: &str, _| Duration::from_millis(20))),
        ..Behaviour::default()
    });
    let folder = folder_with(READS);
    let line = format!(
        "run w.toml --url {} --rate 1000000 --max-in-flight 4 --duration 400ms --drain 0s --tag-requests --json r.json",
        server.url
    );
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert!(code == 0 || code == 1, "{said}");
    let bytes = std::fs::read(folder.path().join("r.json")).unwrap();
    let report: Value = serde_json::from_slice(&bytes).unwrap();
    let unsent = report["totals"]["unsent"].as_u64().unwrap();
    assert!((399_000..=400_000).contains(&unsent), "{unsent}: {said}");
    let offered = report["totals"]["offered_rate"].as_f64().unwrap();
    assert!((offered - 1e6).abs() < 1e4, "{offered}");
}

#[test]
fn arrivals_can_be_set_in_file_or_option() {
    let folder = folder_with(&format!("rate = 20\narrivals = \"poisson\"\n{READS}"));
    let server = accounts(Behaviour::default());
    for (more, rate, arrivals) in [
        ("", 20.0, "poisson"),
        ("--arrivals constant", 20.0, "constant"),
        ("--rate 40", 40.0, "poisson"),
        ("--rate 40 --arrivals constant", 40.0, "constant"),
    ] {
        let line = format!(
            "run w.toml --url {} --requests 3 --quiet --json r.json {more}",
            server.url
        );
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!(code, 0, "{said}");
        let text = std::fs::read(folder.path().join("r.json")).unwrap();
        let model = serde_json::from_slice::<Value>(&text).unwrap()["run"]["model"].clone();
        assert_eq!(
            (model["rate"].as_f64(), model["arrivals"].as_str()),
            (Some(rate), Some(arrivals)),
            "{more}"
        );
    }
}

#[test]
fn servers_that_close_connections_are_reported() {
    let folder = folder_with(READS);
    for closes in [false, true] {
        let server = accounts(Behaviour {
            closes,
            ..Behaviour::default()
        });
        let line = format!(
            "run w.toml --url {} --concurrency 2 --requests 150 --json r.json --html r.html",
            server.url
        );
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!(code, 0, "{said}");
        let text = std::fs::read(folder.path().join("r.json")).unwrap();
        let report: Value = serde_json::from_slice(&text).unwrap();
        let connections = &report["connections"];
        let opened = connections["opened"].as_u64().unwrap();
        assert_eq!(connections["micros"]["count"].as_u64(), Some(opened));
        assert_eq!(connections["failed"], 0);
        if closes {
            assert!(opened >= 150, "{connections}");
        } else {
            // Two workers need two; on a busy machine, a connection can be opened before another one is free again.
            assert!((1..20).contains(&opened), "{connections}");
        }
        assert!(said.contains("the load opened"), "{said}");
        assert_eq!(said.contains("often closes connections"), closes, "{said}");
        let page = std::fs::read_to_string(folder.path().join("r.html")).unwrap();
        assert!(page.contains("the load opened"));
    }
}

#[test]
fn nothing_measured_is_shown_as_nothing() {
    let server = accounts(Behaviour {
        status: Some(503),
        ..Behaviour::default()
    });
    let folder = folder_with(READS);
    let line = format!(
        "capacity w.toml --url {} --workers --from 1 --to 2 --probe 200ms --tag-requests --max-error-share 1 --slo errors<1%",
        server.url
    );
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 1, "{said}");
    // On a busy machine the search ends at once, without a line per probe.
    let is_busy = said.contains("load generator was saturated at the lowest load");
    assert!(is_busy || said.contains("p50 –  p99 –"), "{said}");
    assert!(!said.contains("p50 0 µs"), "{said}");
}

#[test]
fn dry_runs_report_requests_that_cannot_be_sent() {
    let folder = folder_with("[[operation]]\nkind = \"read\"\nentity = \"Case\"\n");
    let server = accounts(Behaviour::default());
    let line = format!("run w.toml --url {} --dry-run 1", server.url);
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("cannot be sent: there is no Case record"),
        "{said}"
    );
}

/// A warm-up that the target cannot keep up with stops at its scheduled end.
#[test]
fn slow_warm_ups_do_not_affect_the_measurement() {
    let folder = folder_with(READS);
    let server = accounts(Behaviour {
        delay: Some(std::sync::Arc::new(|_: &str, _| Duration::from_millis(50))),
        ..Behaviour::default()
    });
    // The server processes 20 requests per second, so 400 iterations of the warm-up would delay the measurement.
    let line = format!(
        "run w.toml --url {} --rate 400 --tag-requests --max-in-flight 1 --warmup 1s --duration 1s --drain 1s --quiet --json r.json",
        server.url
    );
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 0, "{said}");
    let text = std::fs::read(folder.path().join("r.json")).unwrap();
    let report: Value = serde_json::from_slice(&text).unwrap();
    let totals = &report["totals"];
    assert!(totals["requests"].as_u64() > Some(0), "{totals}");
    assert!(totals["unsent"].as_u64() > Some(0), "{totals}");
    // The rate is not sustained or, on a busy machine, the generator is saturated; the figures are never trusted.
    assert_ne!(report["generator"]["verdict"], "trustworthy", "{report}");
}

#[test]
fn chains_use_one_record_in_all_steps() {
    let folder = folder_with(
        "[[chain]]\nname = \"open\"\n[[chain.step]]\nkind = \"read\"\nentity = \"Account\"\n\
         [[chain.step]]\nkind = \"stream\"\nentity = \"Account\"\n\
         [[chain.step]]\nkind = \"related\"\nentity = \"Account\"\nlink = \"contacts\"\n",
    );
    let server = accounts(Behaviour::default());
    let line = format!(
        "run w.toml --url {} --concurrency 1 --requests 30 --tag-requests",
        server.url
    );
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 0, "{said}");
    let seen = server.seen();
    assert_eq!(seen.len(), 90);
    let id = |target: &str| {
        target
            .split('/')
            .nth(4)
            .unwrap()
            .split('?')
            .next()
            .unwrap()
            .to_owned()
    };
    let ids: Vec<String> = seen.iter().map(|s| id(&s.target)).collect();
    assert!(
        ids.chunks(3).all(|c| c[0] == c[1] && c[1] == c[2]),
        "{ids:?}"
    );
    assert!(ids.iter().any(|id| *id != ids[0]));
}

#[test]
fn workloads_from_metadata_run_embedded() {
    let folder = tempfile::tempdir().unwrap();
    let extra = r#"{"entityDefs":{"CProject":{"fields":{"name":{"type":"varchar","required":true},"description":{"type":"text"},"stage":{"type":"enum","options":["Plan","Build"]}}}},"scopes":{"CProject":{"entity":true,"object":true,"isCustom":true,"acl":true,"module":"Custom"}}}"#;
    std::fs::write(folder.path().join("extra.json"), extra).unwrap();
    let stock = espo_schema::Schema::stock().raw.to_string();
    std::fs::write(folder.path().join("stock.json"), stock).unwrap();
    let layers = "--metadata stock.json --metadata extra.json";
    let (code, workload) = out(&mut bench(
        folder.path(),
        &format!("init {layers} --entity CProject --entity Account"),
    ));
    assert_eq!(code, 0, "{workload}");
    assert!(workload.contains("entity = \"CProject\""), "{workload}");
    std::fs::write(
        folder.path().join("w.toml"),
        workload.replace(" = 100", " = 10"),
    )
    .unwrap();
    let line = format!(
        "run w.toml --embedded {layers} --concurrency 2 --requests 60 --think 0s --warmup 0s --json r.json"
    );
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 0, "{said}");
    let text = std::fs::read(folder.path().join("r.json")).unwrap();
    let report: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(report["totals"]["failed"], 0, "{said}");
}

/// The command lines of the READMEs that need an instance fail only because there is none at that address.
#[cfg(unix)]
#[test]
fn documented_command_lines_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("users.csv"), "api_key\nkey\n").unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_espo-bench"));
    let mut path = program.parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readmes = ["README.md", "../../README.md"]
        .map(|file| std::fs::read_to_string(package.join(file)).unwrap());
    let mut count = 0;
    for line in readmes.concat().replace("\\\n", "").lines() {
        let line = line.trim().trim_start_matches("target/release/");
        if !line.starts_with("espo-bench ") || !line.contains("--url https://crm.example.com") {
            continue;
        }
        let line = line
            .replace("crm.example.com", "crm.invalid")
            .replace(" &  ", "  ");
        let mut command = Command::new("bash");
        command
            .args(["-c", &line])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("ESPO_API_KEY", "key")
            .env("NO_PROXY", "*")
            .env("i", "0")
            .env("start", "2999-01-31T08:15:00Z")
            .env_remove("ESPO_SECRET_KEY");
        let (code, said) = out(&mut command);
        assert_eq!(code, 3, "{line}: {said}");
        count += 1;
    }
    assert!(count >= 5, "only {count} command lines");
}
