//! The batch script for Slurm, run by a shell instead of the scheduler.

use std::path::Path;
use std::process::{Child, Command};

use crate::cli::{accounts, bench, folder_with};
use crate::support::Behaviour;

const READS: &str =
    "# it's \"quoted\" $HOME `id` \\\n[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";

fn script(folder: &Path, options: &str) -> Result<String, String> {
    let output = bench(folder, &format!("slurm w.toml {options}"))
        .output()
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

/// Starts a task as Slurm does.
fn task(folder: &Path, index: u32) -> Child {
    Command::new("bash")
        .arg("job.sh")
        .current_dir(folder)
        .env("ESPO_API_KEY", "key")
        .env("SLURM_ARRAY_TASK_ID", index.to_string())
        .env("SLURM_ARRAY_JOB_ID", "7")
        .env("SLURM_SUBMIT_DIR", folder)
        .spawn()
        .unwrap()
}

#[test]
fn tasks_start_together_and_their_reports_can_be_merged() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let program = env!("CARGO_BIN_EXE_espo-bench");
    let options = format!(
        "--program {program} --url {} --shards 3 --wait 60s -- --rate 30 --requests 60 --seed 5",
        server.url
    );
    let text = script(folder.path(), &options).unwrap();
    std::fs::write(folder.path().join("job.sh"), text).unwrap();
    let mut tasks = [0, 1, 2].map(|index| task(folder.path(), index));
    for task in &mut tasks {
        assert!(task.wait().unwrap().success());
    }
    let job = folder.path().join("espo-bench-7");
    let written = std::fs::read_to_string(job.join("shard-1/workload.toml")).unwrap();
    assert_eq!(written, READS, "the workload arrives unchanged");
    let line = "merge espo-bench-7/shard-0.json espo-bench-7/shard-1.json espo-bench-7/shard-2.json --json all.json";
    assert!(
        bench(folder.path(), line)
            .output()
            .unwrap()
            .status
            .success()
    );
    let merged = espo_bench::Report::load(&folder.path().join("all.json")).unwrap();
    assert_eq!(merged.totals.requests, 60);
    assert_eq!(merged.totals.failed, 0);
}

#[test]
fn tasks_without_the_others_time_out() {
    let folder = folder_with(READS);
    let options = "--url http://127.0.0.1:9 --shards 2 --wait 1s";
    let text = script(folder.path(), options).unwrap();
    std::fs::write(folder.path().join("job.sh"), text).unwrap();
    assert_eq!(task(folder.path(), 0).wait().unwrap().code(), Some(1));
    assert_eq!(task(folder.path(), 1).wait().unwrap().code(), Some(1));
}

#[test]
fn invalid_options_are_rejected_before_anything_is_submitted() {
    let folder = folder_with(READS);
    let url = "--url http://crm.example.com";
    for (options, expected) in [
        (format!("{url} --shards 0"), "--shards"),
        (format!("{url} --shards 2 --name a;b"), "invalid job name"),
        (
            format!("{url} --shards 2 --partition a$b"),
            "invalid partition",
        ),
        (
            format!("{url} --shards 2 -- --nonsense"),
            "invalid options for the tasks",
        ),
        ("--url nonsense --shards 2".to_owned(), "URL"),
    ] {
        let error = script(folder.path(), &options).unwrap_err();
        assert!(error.contains(expected), "{options}: {error}");
    }
    let output = bench(folder.path(), &format!("slurm mixed {url} --shards 2"))
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("--allow-writes crm.example.com"), "{error}");
}
