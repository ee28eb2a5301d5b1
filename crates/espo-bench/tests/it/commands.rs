//! The commands, run as a user runs them, over sockets.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::cli::{accounts, bench, folder_with};
use crate::support::{Behaviour, Server};
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
        "capacity w.toml --url {url} --tag-requests --from 60 --to 2000 --precision 15 --probe 1s --drain 1s --quiet --json c.json --html c.html --slo"
    );
    let (code, stdout, stderr) = out(bench(folder.path(), &line).arg("p90 < 150ms"));
    let said = format!("{stdout}{stderr}");
    let report = json(&folder.path().join("c.json"));
    let none = Vec::new();
    let probes = report["capacity"].as_array().unwrap_or(&none);
    let loads: Vec<f64> = probes.iter().map(|p| p["load"].as_f64().unwrap()).collect();
    assert!(loads.is_sorted(), "{loads:?}");
    let best = report["capacity_result"]["load"].as_f64();
    // Each try has its own row; the majority of a load's tries decides.
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
        // 215: slightly more than 200/s can meet the SLO in a probe of one second.
        assert!((90.0..=215.0).contains(&best), "{best} of 200: {said}");
        assert!(
            best < broken && broken - best <= 0.15 * broken,
            "{best}, {broken}: {said}"
        );
    } else {
        // On a busy machine the generator may be saturated. The search must then report this and end instead of showing
        // a knee. The tests of `capacity` check the precision of the search without a clock.
        assert!(stdout.contains("the load generator saturated"), "{said}");
        assert!(stderr.contains("load generator saturated: "), "{said}");
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
    std::fs::write(folder.path().join("w.toml"), &workload).unwrap();
    let line = format!("run w.toml --url {url} --concurrency 4 --requests 300 --json r.json");
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

#[test]
fn compare_exit_codes_distinguish_verdicts() {
    let folder = folder_with(READS);
    let other = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";
    std::fs::write(folder.path().join("other.toml"), other).unwrap();
    let server = |micros: u64| {
        accounts(Behaviour {
            delay: Some(Arc::new(move |_: &str, n| {
                Duration::from_micros(micros + n % 7 * 100)
            })),
            ..Behaviour::default()
        })
    };
    // The runs are concurrent, because each server sleeps for most of the time.
    let (fast, slow) = (server(20_000), server(45_000));
    let run = |server: &Server, workload: &str, report: &str| {
        let url = &server.url;
        let line = format!(
            "run {workload} --url {url} --concurrency 8 --duration 8s --tag-requests --quiet --json {report}"
        );
        bench(folder.path(), &line).spawn().unwrap()
    };
    let runs = [
        run(&fast, "w.toml", "a.json"),
        run(&slow, "w.toml", "b.json"),
        run(&fast, "other.toml", "other.json"),
    ];
    for mut child in runs {
        assert!(child.wait().unwrap().success());
    }
    // The same reports again instead of three runs per side: the variation between runs is not tested here.
    let compare = |line: &str| out(&mut bench(folder.path(), &format!("compare {line}")));
    let (code, stdout, stderr) =
        compare("--force --json d.json --markdown d.md a.json a.json -- b.json b.json");
    assert_eq!(code, 1, "{stdout}{stderr}");
    assert!(stdout.contains("WORSE"), "{stdout}");
    let difference = json(&folder.path().join("d.json"));
    assert_eq!(difference["operations"][0]["verdict"], "worse");
    assert_eq!(difference["all"]["verdict"], "worse");
    assert!(folder.path().join("d.md").exists());
    let (code, stdout, _) = compare("--force b.json b.json -- a.json a.json");
    assert_eq!((code, stdout.contains("BETTER")), (0, true), "{stdout}");
    let (code, stdout, _) = compare("--force a.json a.json -- a.json a.json");
    assert_eq!(code, 0, "{stdout}");
    for one in ["a.json b.json", "b.json a.json", "a.json a.json"] {
        let (code, stdout, _) = compare(&format!("{one} --force"));
        assert_eq!(code, 4, "one run per side: {stdout}");
        assert!(stdout.contains("UNDECIDED"), "{stdout}");
        assert!(stdout.contains("in 3 runs per side"), "{stdout}");
    }

    let (code, _, stderr) = compare("a.json other.json");
    assert_eq!(
        (code, stderr.contains("different workloads")),
        (2, true),
        "{stderr}"
    );
    for wrong in ["a.json", "a.json b.json other.json", "a.json nothing.json"] {
        let (code, _, stderr) = compare(wrong);
        assert_eq!((code, stderr.is_empty()), (2, false), "{wrong}");
    }
}

/// Runs the command lines of the containers as local processes.
#[test]
fn reports_of_manifest_pods_can_be_merged() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let start_at = jiff::Timestamp::try_from(SystemTime::now() + Duration::from_secs(4)).unwrap();
    let url = &server.url;
    let (code, manifest, stderr) = out(&mut bench(
        folder.path(),
        &format!(
            "k8s w.toml --name night --image bench:1 --url {url} --shards 3 --start-at {start_at} -- --rate 90 --duration 2s --tag-requests"
        ),
    ));
    assert_eq!(code, 0, "{stderr}");
    let (map, job) = manifest.split_once("\n---\n").unwrap();
    let map: ConfigMap = serde_saphyr::from_str(map).unwrap();
    let job: Job = serde_saphyr::from_str(job).unwrap();
    std::fs::write(
        folder.path().join("workload.toml"),
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
            bench(folder.path(), "")
                .args(args.iter().map(here))
                .env("JOB_COMPLETION_INDEX", index.to_string())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for (index, pod) in pods.into_iter().enumerate() {
        let output = pod.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        std::fs::write(
            folder.path().join(format!("shard-{index}.json")),
            output.stdout,
        )
        .unwrap();
    }
    let merge = |line: &str| out(&mut bench(folder.path(), &format!("merge {line}")));
    let (code, stdout, stderr) =
        merge("shard-0.json shard-1.json shard-2.json --json all.json --csv all.csv");
    assert_eq!(code, 0, "{stdout}{stderr}");
    let all = json(&folder.path().join("all.json"));
    assert_eq!(
        (all["totals"]["requests"].as_u64(), server.seen().len()),
        (Some(180), 180)
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
