//! The commands, run as a user runs them, over sockets.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::cli::{accounts, bench, folder_with};
use crate::support::Behaviour;
use base64::Engine as _;
use espo_bench::hdrhistogram::Histogram;
use espo_bench::hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

const READS: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n[[operation]]\nkind = \"read\"\nentity = \"Account\"\n";

fn out(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn capacity_finds_the_knee_and_reports_the_curve() {
    // Four requests at a time, 20 ms each, give at most 200 per second.
    let server = accounts(Behaviour {
        delay: Some(Arc::new(|_: &str, _| Duration::from_millis(20))),
        places: Some(4),
        ..Behaviour::default()
    });
    let folder = folder_with(READS);
    let url = &server.url;
    let line = format!(
        "capacity w.toml --url {url} --tag-requests --from 100 --to 2000 --precision 15 --probe 500ms --drain 1s --quiet --json c.json --html c.html --slo"
    );
    let (code, stdout, stderr) = out(bench(folder.path(), &line).arg("p90 < 150ms"));
    let said = format!("{stdout}{stderr}");
    let report = json(&folder.path().join("c.json"));
    let none = Vec::new();
    let probes = report["capacity"].as_array().unwrap_or(&none);
    let loads: Vec<f64> = probes.iter().map(|p| p["load"].as_f64().unwrap()).collect();
    assert!(loads.is_sorted(), "{loads:?}");
    let best = report["capacity_result"]["load"].as_f64();
    // Each probe has a separate row; the majority of a load's probes decides.
    let met = |load: f64| {
        let of: Vec<_> = probes.iter().filter(|p| p["load"] == load).collect();
        let met = of.iter().filter(|p| p["held"] == true).count();
        for (index, probe) in of.iter().enumerate() {
            assert_eq!(probe["attempt"], index + 1, "{of:?}");
            assert_eq!(probe["judged"][0]["expression"], "p90 < 150ms", "{probe}");
        }
        of.len() > 1 && 2 * met > of.len()
    };
    assert!(best.is_none_or(met), "{said}");
    assert!(
        loads
            .iter()
            .all(|l| best.is_some_and(|b| *l <= b) || !met(*l)),
        "{said}"
    );
    // The printed capacity is the highest load of the curve that met the SLOs.
    let printed = match best {
        Some(best) => format!("capacity: {best:.1} iterations/s; "),
        None => "capacity: none; ".to_owned(),
    };
    assert!(stdout.starts_with(&printed), "{best:?}: {said}");
    assert_eq!(code, i32::from(best.is_none()), "{said}");
    let broken = loads.iter().copied().find(|l| best.is_none_or(|b| *l > b));
    if stdout.contains("the next higher load tested missed the SLOs") {
        let (Some(best), Some(broken)) = (best, broken) else {
            panic!("no knee in the curve: {said}")
        };
        assert!(stderr.contains("p90 < 150ms missed ("), "{stderr}");
        // More than 200/s can meet the SLO in a probe of 500 ms. There is no lower bound: a busy machine slows the
        // server down as well.
        assert!(best <= 300.0, "{best} of 200: {said}");
        assert!(
            best < broken && broken - best <= 0.15 * broken,
            "{best}, {broken}: {said}"
        );
    } else {
        // On a busy machine the generator may be saturated. The search must then report this and end instead of showing
        // a knee. The tests of `capacity` check the precision of the search without a clock.
        assert!(
            stdout.contains("the load generator was saturated"),
            "{said}"
        );
        assert!(stderr.contains("load generator was saturated: "), "{said}");
    }
    let page = std::fs::read_to_string(folder.path().join("c.html")).unwrap();
    assert_eq!(page.contains("Capacity"), !probes.is_empty());

    // The search requires an SLO.
    let (code, _, stderr) = out(&mut bench(
        folder.path(),
        &format!("capacity w.toml --url {url}"),
    ));
    assert_eq!((code, stderr.contains("--slo")), (2, true), "{stderr}");
}

#[test]
fn init_writes_a_runnable_workload() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let start = espo_sim::Sim::builder()
        .records("Account", 30)
        .records("Contact", 30)
        .start();
    let sim = runtime.block_on(start).unwrap();
    let key = sim
        .users()
        .api_key_user()
        .and_then(|u| u.api_key.clone())
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = sim.url();
    let (code, workload, stderr) =
        out(bench(folder.path(), &format!("init --url {url}")).env("ESPO_API_KEY", &key));
    assert_eq!(code, 0, "{stderr}");
    // Fewer records and no think times only save time.
    assert!(workload.contains("\"Account\" = 100"), "{workload}");
    let workload = workload.replace(" = 100", " = 10");
    std::fs::write(folder.path().join("w.toml"), &workload).unwrap();
    let line = format!(
        "run w.toml --url {url} --concurrency 4 --requests 300 --think 0s --warmup 0s --json r.json"
    );
    let (code, stdout, stderr) = out(bench(folder.path(), &line).env("ESPO_API_KEY", &key));
    assert_eq!(code, 0, "{stdout}{stderr}{workload}");
    let report = json(&folder.path().join("r.json"));
    assert_eq!(report["totals"]["failed"], 0, "{stdout}{workload}");

    let wrong = format!("init --url {url} --entity Acount");
    let (code, _, stderr) = out(bench(folder.path(), &wrong).env("ESPO_API_KEY", &key));
    assert_eq!((code, stderr.contains("'Account'")), (2, true), "{stderr}");
    let (code, _, stderr) = out(bench(folder.path(), &wrong).env("ESPO_API_KEY", "nobody"));
    assert_eq!(code, 3, "{stderr}");
    drop(sim);
}

/// Returns a report with response times of about this many microseconds, for a comparison that does not depend on the
/// speed of the machine.
fn with_times(template: &Value, run: u64, micros: u64) -> Value {
    let block = |block: u64| {
        let mut times = Histogram::<u64>::new(3).unwrap();
        for n in 0..40 {
            times
                .record(micros + micros / 100 * ((n * 7 + block + run) % 9))
                .unwrap();
        }
        let mut bytes = Vec::new();
        let mut serializer = V2DeflateSerializer::new();
        serializer.serialize(&times, &mut bytes).unwrap();
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    let mut report = template.clone();
    report["run"]["id"] = format!("{run:08x}").into();
    report["generator"]["verdict"] = "trustworthy".into();
    for operation in report["operations"].as_array_mut().unwrap() {
        operation["blocks"] = (0..12).map(block).collect();
        operation["outcomes"][0]["count"] = (12 * 40).into();
    }
    report
}

#[test]
fn compare_exit_codes_distinguish_verdicts() {
    let folder = folder_with(READS);
    let other = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";
    std::fs::write(folder.path().join("other.toml"), other).unwrap();
    let server = accounts(Behaviour::default());
    for (workload, file) in [("w.toml", "a.json"), ("other.toml", "other.json")] {
        let line = format!(
            "run {workload} --url {} --requests 20 --quiet --json {file}",
            server.url
        );
        let (code, _, stderr) = out(&mut bench(folder.path(), &line));
        assert_eq!(code, 0, "{stderr}");
    }
    let template = json(&folder.path().join("a.json"));
    for run in 0..3 {
        for (side, micros) in [("a", 20_000), ("b", 45_000), ("c", 20_000)] {
            let number = run + 10 * u64::from(side.as_bytes()[0]);
            let text = with_times(&template, number, micros).to_string();
            std::fs::write(folder.path().join(format!("{side}{run}.json")), text).unwrap();
        }
    }
    let (a, b, c) = (
        "a0.json a1.json a2.json",
        "b0.json b1.json b2.json",
        "c0.json c1.json c2.json",
    );
    let compare = |line: &str| out(&mut bench(folder.path(), &format!("compare {line}")));
    let (code, stdout, stderr) = compare(&format!("--json d.json --markdown d.md {a} -- {b}"));
    assert_eq!(code, 1, "{stdout}{stderr}");
    assert!(stdout.contains("WORSE"), "{stdout}");
    let difference = json(&folder.path().join("d.json"));
    assert_eq!(difference["operations"][0]["verdict"], "worse");
    assert_eq!(difference["all"]["verdict"], "worse");
    assert!(folder.path().join("d.md").exists());
    let (code, stdout, _) = compare(&format!("{b} -- {a}"));
    assert_eq!((code, stdout.contains("BETTER")), (0, true), "{stdout}");
    let (code, stdout, _) = compare(&format!("{a} -- {c}"));
    assert_eq!(code, 0, "{stdout}");
    for one in ["a0.json b0.json", "b0.json a0.json", "a0.json c0.json"] {
        let (code, stdout, _) = compare(one);
        assert_eq!(code, 4, "one run per side: {stdout}");
        assert!(stdout.contains("UNDECIDED"), "{stdout}");
        assert!(stdout.contains("needs 3 runs per side"), "{stdout}");
    }

    // If a report goes to standard output, the reasons are on standard error.
    let mut check = bench(folder.path(), "report a.json --csv - --slo");
    for ((code, stdout, stderr), expected, reason) in [
        (
            compare(&format!("--json - {a} -- {b}")),
            1,
            "all requests: WORSE",
        ),
        (
            compare("--json - a0.json b0.json"),
            4,
            "needs 3 runs per side",
        ),
        (out(check.arg("p99 < 1us")), 1, "SLO missed"),
    ] {
        assert_eq!(code, expected, "{stderr}");
        assert!(stderr.contains(reason), "{stderr}");
        assert!(!stdout.contains(reason), "{stdout}");
    }

    let (code, _, stderr) = compare("a0.json other.json");
    assert_eq!(
        (code, stderr.contains("different workloads")),
        (2, true),
        "{stderr}"
    );
    for wrong in [
        "a0.json",
        "a0.json b0.json other.json",
        "a0.json nothing.json",
    ] {
        let (code, _, stderr) = compare(wrong);
        assert_eq!((code, stderr.is_empty()), (2, false), "{wrong}");
    }
}

/// Runs the command lines of the containers as local processes with a common start in some seconds. Returns `None` if
/// the processes had not logged in by then.
fn run_pods(folder: &Path, url: &str, lead: Duration) -> Option<()> {
    let start_at = jiff::Timestamp::try_from(SystemTime::now() + lead).unwrap();
    let (code, manifest, stderr) = out(&mut bench(
        folder,
        &format!(
            "k8s w.toml --name night --image bench:1 --url {url} --shards 3 --start-at {start_at} -- --rate 90 --requests 90 --tag-requests"
        ),
    ));
    assert_eq!(code, 0, "{stderr}");
    let (map, job) = manifest.split_once("\n---\n").unwrap();
    let map: ConfigMap = serde_saphyr::from_str(map).unwrap();
    let job: Job = serde_saphyr::from_str(job).unwrap();
    std::fs::write(
        folder.join("workload.toml"),
        &map.data.unwrap()["workload.toml"],
    )
    .unwrap();
    let container = &job.spec.unwrap().template.spec.unwrap().containers[0];
    let args = container.args.clone().unwrap();
    let pods: Vec<_> = (0..3)
        .map(|index: u32| {
            let here = |arg: &String| {
                // Replaces what Kubernetes provides: the variable and the mounted directories.
                arg.replace("$(JOB_COMPLETION_INDEX)", &index.to_string())
                    .replace("/workload/", "")
                    .replace("/ledger/", &format!("{index}-"))
            };
            bench(folder, "")
                .args(args.iter().map(here))
                .env("JOB_COMPLETION_INDEX", index.to_string())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let ended = pods.into_iter().map(|pod| pod.wait_with_output().unwrap());
    let ended: Vec<Output> = ended.collect();
    for (index, output) in ended.into_iter().enumerate() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if said.contains("pass a later time to all shards") {
            return None;
        }
        assert!(output.status.success(), "{said}");
        std::fs::write(folder.join(format!("shard-{index}.json")), output.stdout).unwrap();
    }
    Some(())
}

#[test]
fn reports_of_manifest_pods_can_be_merged() {
    let folder = folder_with(READS);
    // A busy machine needs longer to start the processes.
    let server = [2, 10, 60].into_iter().find_map(|seconds| {
        let server = accounts(Behaviour::default());
        run_pods(folder.path(), &server.url, Duration::from_secs(seconds)).map(|()| server)
    });
    let server = server.expect("the pods log in within a minute");
    let merge = |line: &str| out(&mut bench(folder.path(), &format!("merge {line}")));
    let (code, stdout, stderr) =
        merge("shard-0.json shard-1.json shard-2.json --json all.json --csv all.csv");
    assert_eq!(code, 0, "{stdout}{stderr}");
    let all = json(&folder.path().join("all.json"));
    assert_eq!(
        (all["totals"]["requests"].as_u64(), server.seen().len()),
        (Some(90), 90)
    );
    let (code, ..) = out(bench(
        folder.path(),
        "merge shard-0.json shard-1.json shard-2.json --slo",
    )
    .arg("p50 < 1us"));
    assert_eq!(code, 1, "an SLO missed by the merged result");
    for wrong in [
        "shard-0.json shard-2.json",
        "shard-0.json shard-1.json shard-1.json",
        "w.toml",
    ] {
        let (code, _, stderr) = merge(wrong);
        assert_eq!((code, stderr.is_empty()), (2, false), "{wrong}: {stderr}");
    }
}
