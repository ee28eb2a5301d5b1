//! Results are written to their files and to the terminal, even if one of them fails.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::{accounts, bench, folder_with};
use crate::support::Behaviour;

const READS: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";

/// Returns the exit code and the standard error of a command with this standard output.
fn with_stdout(command: &mut Command, stdout: Stdio) -> (Option<i32>, String) {
    let output = command.stdout(stdout).stderr(Stdio::piped());
    let output = output.spawn().unwrap().wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), stderr)
}

/// Returns the writing end of a pipe whose reader has ended.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Returns every command that prints, with the files that it must have written.
fn printing_commands(folder: &Path, url: &str) -> Vec<(String, &'static [&'static str])> {
    let shards = format!("run w.toml --url {url} --rate 200 --requests 20 --quiet");
    let both = [0, 1].map(|shard| {
        let line = format!("{shards} --shard {shard}/2 --json s{shard}.json");
        bench(folder, &line).spawn().unwrap()
    });
    for mut shard in both {
        assert!(shard.wait().unwrap().success());
    }
    let later = "2999-01-31T08:15:00Z";
    vec![
        (
            format!(
                "run w.toml --url {url} --requests 40 --json r.json --html r.html --csv r.csv --markdown r.md --prometheus r.prom --junit r.xml --hdr r.hlog"
            ),
            &[
                "r.json", "r.html", "r.csv", "r.md", "r.prom", "r.xml", "r.hlog",
            ],
        ),
        (format!("run w.toml --url {url} --dry-run 3"), &[]),
        (
            format!(
                "capacity w.toml --url {url} --from 20 --to 21 --probe 100ms --slo p99<10s --json c.json"
            ),
            &["c.json"],
        ),
        ("report s0.json --html again.html".into(), &["again.html"]),
        (
            "compare s0.json s0.json --force --json d.json --markdown d.md --html d.html --junit d.xml".into(),
            &["d.json", "d.md", "d.html", "d.xml"],
        ),
        (
            "merge s0.json s1.json --json all.json".into(),
            &["all.json"],
        ),
        (format!("init --url {url}"), &[]),
        ("workload".into(), &[]),
        ("workload browse".into(), &[]),
        (
            "trend s0.json s1.json --html t.html --csv t.csv --json t.json".into(),
            &["t.html", "t.csv", "t.json"],
        ),
        (
            format!("slurm w.toml --url {url} --shards 2 -- --rate 5"),
            &[],
        ),
        (
            format!("run w.toml --url {url} --requests 5 --quiet --json -"),
            &[],
        ),
        ("--help".into(), &[]),
        ("run --help".into(), &[]),
        ("help capacity".into(), &[]),
        ("--version".into(), &[]),
        (
            format!(
                "k8s w.toml --image bench:1 --url http://crm.internal --shards 2 --start-at {later}"
            ),
            &[],
        ),
    ]
}

#[test]
fn files_are_complete_when_standard_output_is_closed() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    for (line, files) in printing_commands(folder.path(), &server.url) {
        let (code, stderr) = with_stdout(&mut bench(folder.path(), &line), closed_pipe());
        assert!(!stderr.contains("panicked"), "{line}: {stderr}");
        assert!(
            !stderr.contains("standard output"),
            "a closed pipe is not an error: {line}: {stderr}"
        );
        // On a busy machine a search or a comparison may fail, which is not tested here.
        assert!(matches!(code, Some(0 | 1 | 4)), "{line}: {code:?} {stderr}");
        for file in files {
            let length = folder.path().join(file).metadata().map(|m| m.len());
            assert!(length.unwrap_or(0) > 0, "{line}: {file}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn full_standard_output_is_reported_and_files_are_complete() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    for (line, files) in printing_commands(folder.path(), &server.url) {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let command = &mut bench(folder.path(), &line);
        let (code, stderr) = with_stdout(command, full.unwrap().into());
        assert_eq!(code, Some(2), "{line}: {stderr}");
        assert!(
            stderr.contains("cannot write to standard output"),
            "{line}: {stderr}"
        );
        assert!(!stderr.contains("panicked"), "{line}: {stderr}");
        for file in files {
            let length = folder.path().join(file).metadata().map(|m| m.len());
            assert!(length.unwrap_or(0) > 0, "{line}: {file}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn full_standard_error_does_not_end_a_run() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let line = format!(
        "capacity w.toml --url {} --from 20 --to 21 --probe 100ms --slo p99<10s --json c.json",
        server.url
    );
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let status = bench(folder.path(), &line)
        .stdout(Stdio::null())
        .stderr(full.unwrap())
        .status()
        .unwrap();
    assert!(matches!(status.code(), Some(0 | 1)), "{status}");
    assert!(folder.path().join("c.json").exists());
}

#[test]
fn outputs_that_cannot_be_written_are_rejected_before_the_load() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    std::fs::create_dir(folder.path().join("directory")).unwrap();
    #[cfg(unix)]
    for (name, target) in [("link.txt", "same.txt"), ("link2.txt", "link.txt")] {
        std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("one.txt"), "").unwrap();
    std::fs::hard_link(folder.path().join("one.txt"), folder.path().join("two.txt")).unwrap();
    for outputs in [
        "--csv one.txt --json two.txt",
        #[cfg(unix)]
        "--csv same.txt --json link2.txt",
        "--json directory --html ok.html",
        "--json nowhere/r.json",
        "--html w.toml/r.html",
        "--csv same.txt --json same.txt",
        "--hdr directory",
        "--csv same.txt --json ./same.txt",
        "--csv directory/../same.txt --junit same.txt",
        "--html w.toml",
        "--json l --ledger directory/../l",
    ] {
        let line = format!(
            "run w.toml --url {} --requests 5 --tag-requests {outputs}",
            server.url
        );
        let (code, stderr) = with_stdout(&mut bench(folder.path(), &line), Stdio::null());
        assert_eq!(code, Some(2), "{outputs}: {stderr}");
        assert!(stderr.contains("cannot write"), "{outputs}: {stderr}");
    }
    assert!(server.seen().is_empty());
    assert!(!folder.path().join("ok.html").exists());
}

/// A run that counts twice would make a verdict.
#[test]
fn the_same_run_is_not_accepted_twice() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let run = |line: &str| with_stdout(&mut bench(folder.path(), line), Stdio::null());
    let line = format!("run w.toml --url {} --requests 5 --json r.json", server.url);
    assert_eq!(run(&line).0, Some(0));
    std::fs::copy(
        folder.path().join("r.json"),
        folder.path().join("copy.json"),
    )
    .unwrap();
    for line in [
        "compare r.json copy.json",
        "compare r.json r.json -- r.json",
        "trend r.json copy.json",
    ] {
        let (code, stderr) = run(line);
        assert_eq!(code, Some(2), "{line}: {stderr}");
        assert!(
            stderr.contains("several times") || stderr.contains("same run"),
            "{stderr}"
        );
    }
}

/// Neither the report nor another input may be replaced by an output.
#[test]
fn outputs_do_not_replace_inputs() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let run = |line: &str| with_stdout(&mut bench(folder.path(), line), Stdio::null());
    let url = &server.url;
    let (code, stderr) = run(&format!(
        "run w.toml --url {url} --requests 5 --json r.json"
    ));
    assert_eq!(code, Some(0), "{stderr}");
    let report = std::fs::read(folder.path().join("r.json")).unwrap();
    std::fs::write(folder.path().join("users.csv"), "api_key\nkey\n").unwrap();
    for line in [
        "report r.json --html r.json",
        "merge r.json --json r.json",
        "compare r.json r.json --html ./r.json",
        "trend r.json --csv r.json",
        &format!("run w.toml --url {url} --requests 5 --users users.csv --csv users.csv"),
    ] {
        let (code, stderr) = run(line);
        assert_eq!(code, Some(2), "{line}: {stderr}");
        assert!(stderr.contains("use a different file"), "{line}: {stderr}");
    }
    assert_eq!(std::fs::read(folder.path().join("r.json")).unwrap(), report);
}

/// A file is replaced only when its new content is complete, and keeps its mode; a link keeps its target.
#[cfg(unix)]
#[test]
fn outputs_keep_mode_and_links() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("old.json"), "old").unwrap();
    let mode_640 = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(path("old.json"), mode_640).unwrap();
    symlink("old.json", path("link.json")).unwrap();
    symlink("later.md", path("dangling.md")).unwrap();
    let line = format!(
        "run w.toml --url {} --requests 5 --json link.json --csv new.csv --markdown dangling.md",
        server.url
    );
    let (code, stderr) = with_stdout(&mut bench(folder.path(), &line), Stdio::null());
    assert_eq!(code, Some(0), "{stderr}");
    assert!(path("link.json").is_symlink() && path("dangling.md").is_symlink());
    assert!(path("later.md").is_file());
    let mode = |name: &str| path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("old.json"), 0o640);
    assert!(mode("new.csv") & 0o400 != 0);
    assert!(
        std::fs::read_to_string(path("old.json"))
            .unwrap()
            .starts_with('{')
    );
    let names = std::fs::read_dir(folder.path()).unwrap();
    let hidden = names.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with(".espo-bench")
    });
    assert_eq!(hidden.count(), 0, "temporary files remain");
}

/// Links such as `/dev/stdout` and `/dev/fd/63` lead to pipes that have no name.
#[cfg(target_os = "linux")]
#[test]
fn outputs_can_be_pipes_without_a_name() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let run = |script: &str| {
        Command::new("bash")
            .args(["-c", script, "bash"])
            .arg(env!("CARGO_BIN_EXE_espo-bench"))
            .current_dir(folder.path())
            .env("ESPO_API_KEY", "key")
            .env("NO_PROXY", "*")
            .output()
            .unwrap()
    };
    let url = &server.url;
    let output = run(&format!(
        "\"$1\" run w.toml --url {url} --requests 5 --quiet --json /dev/stdout --markdown >(cat >m; : >done) --csv /dev/fd/2"
    ));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["totals"]["requests"], 5);
    assert!(stderr.contains("list:Account"), "{stderr}");
    crate::recovery::wait_for("no end of the pipe", || folder.path().join("done").exists());
    let markdown = std::fs::read_to_string(folder.path().join("m")).unwrap();
    assert!(markdown.contains("list:Account"), "{markdown}");
}

/// The check neither empties existing files nor leaves new ones behind.
#[test]
fn checking_outputs_changes_no_file() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    std::fs::write(folder.path().join("old.json"), "old").unwrap();
    let line = format!(
        "run w.toml --url {} --requests 5 --json old.json --csv new.csv --slo nothing.p99<1s",
        server.url
    );
    let (code, stderr) = with_stdout(&mut bench(folder.path(), &line), Stdio::null());
    assert_eq!(code, Some(2), "{stderr}");
    let old = std::fs::read_to_string(folder.path().join("old.json"));
    assert_eq!(old.unwrap(), "old");
    assert!(!folder.path().join("new.csv").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn failed_outputs_do_not_stop_the_others() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let line = format!(
        "run w.toml --url {} --requests 5 --json /dev/full --hdr /dev/full --html ok.html --markdown ok.md",
        server.url
    );
    let output = bench(folder.path(), &line).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_ne!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("cannot write /dev/full"), "{stderr}");
    assert!(stdout.contains("cannot write the interval log"), "{stdout}");
    for file in ["ok.html", "ok.md"] {
        let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(text.contains("cannot write the interval log"), "{file}");
    }
}

/// A reader may never come, so the wait is bounded.
#[cfg(target_os = "linux")]
#[test]
fn named_pipes_without_a_reader_are_failures() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    named_pipe(&folder.path().join("pipe"));
    let line = format!(
        "run w.toml --url {} --requests 5 --json pipe --markdown ok.md",
        server.url
    );
    let (code, stderr) = with_stdout(&mut bench(folder.path(), &line), Stdio::null());
    assert_eq!(code, Some(2), "{stderr}");
    assert!(
        stderr.contains("cannot write pipe: no program reads this pipe"),
        "{stderr}"
    );
    assert!(folder.path().join("ok.md").exists());
}

/// After the load, no cleanup waits for the process, so signals end it.
#[cfg(target_os = "linux")]
#[test]
fn signals_end_a_write_that_waits_for_its_reader() {
    use std::io::Write as _;
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let pipe = folder.path().join("pipe");
    named_pipe(&pipe);
    // Reads nothing, and the pipe is full.
    let mut reader = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&pipe)
        .unwrap();
    let size = std::fs::read_to_string("/proc/sys/fs/pipe-max-size").unwrap();
    assert!(size.trim().parse::<usize>().unwrap() >= 65_536);
    reader.write_all(&[b'x'; 65_536]).unwrap();
    let line = format!(
        "run w.toml --url {} --requests 5 --tag-requests --json pipe --markdown ok.md",
        server.url
    );
    let mut run = crate::recovery::start(&mut bench(folder.path(), &line));
    crate::recovery::wait_for("no load", || !server.seen().is_empty());
    crate::recovery::wait_for("no end after signals", || {
        crate::recovery::signal(&run, "TERM");
        run.try_wait().unwrap().is_some()
    });
    let code = run.wait().unwrap().code();
    assert!([Some(130), Some(1)].contains(&code), "{code:?}");
}

#[cfg(target_os = "linux")]
fn named_pipe(path: &std::path::Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn quiet_runs_print_what_restricts_an_slo() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let line = format!(
        "run w.toml --url {} --requests 5 --quiet --slo p99.9<1h",
        server.url
    );
    let (code, stderr) = with_stdout(&mut bench(folder.path(), &line), Stdio::null());
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stderr.contains("the slowest of 5 requests, because p99.9 needs 1,000"),
        "{stderr}"
    );
}
