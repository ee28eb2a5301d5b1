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
        "--program {program} --url {} --shards 3 --wait 60s -- --rate 30 --requests 60 --seed 5 --slo rate>0.1 --slo=list.p99<1h",
        server.url
    );
    let text = script(folder.path(), &options).unwrap();
    // A task has only a part of the rate, so SLOs are checked on the merged result.
    assert!(
        text.contains("report.html --slo 'rate>0.1' --slo 'list.p99<1h'\n"),
        "{text}"
    );
    assert_eq!(text.matches("--slo").count(), 2, "{text}");
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

/// Options, paths and files with the shell's special characters arrive at the program unchanged.
#[cfg(unix)]
#[test]
fn the_shell_executes_no_text_of_the_options() {
    use std::os::unix::fs::PermissionsExt as _;
    let evil = [
        "$(touch pwned)",
        "`touch pwned`",
        "'; touch pwned; '",
        "\"; touch pwned #",
        "a\ntouch pwned\nb",
        "\\",
        "* ~ $HOME ${x} && touch pwned",
        "größe \u{1b}[2J",
        "\u{1f468}\u{200d}\u{1f469} it's \\ 0\u{7}1\n",
    ];
    let folder = folder_with(&format!(
        "# $(touch pwned)\n# EOF\n# END_\n[[data.csv]]\nfile = \"it's $(touch pwned).csv\"\nentity = \"Account\"\n\
         columns = {{ name = \"N\" }}\n[[operation]]\nkind = \"create\"\nentity = \"Account\"\n{READS}"
    ));
    let csv = "N\n'$(touch pwned)'\n\u{feff}\\\nEND_0\n";
    std::fs::write(folder.path().join("it's $(touch pwned).csv"), csv).unwrap();
    let programs = folder.path().join("it's $(touch pwned)`touch pwned`");
    std::fs::create_dir(&programs).unwrap();
    let program = programs.join("espo bench");
    let arguments = folder.path().join("arguments");
    let text = format!(
        "#!/bin/sh\nprintf '%s\\0' \"$@\" >'{}'\n",
        arguments.display()
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let url = "http://127.0.0.1:9/$(touch%20pwned)'`x`";
    let mut command = bench(folder.path(), "slurm w.toml --shards 1 --wait 20s");
    command
        .arg("--program")
        .arg(&program)
        .args(["--url", url, "--"]);
    command.args(["--requests", "5", "--allow-writes", "127.0.0.1"]);
    command.args(evil.iter().flat_map(|label| ["--label", label]).take(2));
    command.args(evil.iter().flat_map(|limit| ["--header-env", limit]));
    let made = command.output().unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    std::fs::write(folder.path().join("job.sh"), made.stdout).unwrap();
    assert!(task(folder.path(), 0).wait().unwrap().success());
    let given = std::fs::read_to_string(&arguments).unwrap();
    let given: Vec<&str> = given.split('\0').collect();
    assert!(given.contains(&url), "{given:?}");
    for text in evil {
        assert!(given.contains(&text), "{text:?} in {given:?}");
    }
    let task = folder.path().join("espo-bench-7/shard-0");
    let arrived = std::fs::read_to_string(task.join("it's $(touch pwned).csv"));
    assert_eq!(arrived.unwrap(), csv);
    for place in [folder.path(), &task, &programs] {
        assert!(!place.join("pwned").exists(), "{}", place.display());
    }
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
        (
            format!("{url} --shards 2 --program ./espo-bench"),
            "absolute path",
        ),
        (
            format!("{url} --shards 2 -- --users users.csv"),
            "absolute path",
        ),
        (
            format!("{url} --shards 2 -- --ca-certificate=ca.pem"),
            "absolute path",
        ),
        (format!("{url} --shards 2 -- --dry-run"), "--dry-run"),
        (
            format!("{url} --shards 2 --time-limit 6m -- --duration 5m"),
            "--time-limit 6m00s is too short",
        ),
        (format!("{url} --shards 2 -- --dashboard"), "--dashboard"),
        (
            format!("{url} --shards 2 -- --concurrency 1"),
            "1 worker cannot be split",
        ),
        (
            format!("{url} --shards 8 -- --people=4"),
            "4 workers cannot be split",
        ),
        (
            format!("{url} --shards 17"),
            "16 workers cannot be split over 17 shards",
        ),
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
