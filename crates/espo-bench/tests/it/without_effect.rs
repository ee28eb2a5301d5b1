//! Settings without an effect: options are rejected, and settings of the workload cause a warning.

use crate::cli::{accounts, bench, folder_with};
use crate::support::{Behaviour, Server};
use crate::usage::out;

const READS: &str = "[[operation]]\nkind = \"read\"\nentity = \"Account\"\n";
const LISTS: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";

/// Runs a command line with a workload. `URL` is the server.
fn said(server: &Server, workload: &str, line: &str) -> (i32, String) {
    let folder = folder_with(workload);
    let users = "api_key\nkey\nkey\nkey\n";
    std::fs::write(folder.path().join("users.csv"), users).unwrap();
    std::fs::write(
        folder.path().join("ca.pem"),
        crate::authority::authority().1,
    )
    .unwrap();
    let mut command = bench(folder.path(), &line.replace("URL", &server.url));
    out(command.env("KEY", "key"))
}

#[test]
fn options_without_effect_are_rejected_before_the_load() {
    let server = accounts(Behaviour::default());
    let rate = &format!("rate = 5\n{READS}");
    let steps = &format!("[[stage]]\nduration = \"1s\"\nconcurrency = 5\n{READS}");
    let rises = &format!("[[stage]]\nduration = \"1s\"\nrate = 5\n{READS}");
    for (workload, line, expected) in [
        (
            READS,
            "run w.toml --url URL --arrivals poisson",
            "open model",
        ),
        (
            READS,
            "run w.toml --url URL --max-in-flight 5",
            "open model",
        ),
        (
            READS,
            "run w.toml --url URL --people 5 --max-in-flight 5",
            "this load has workers",
        ),
        (
            rate,
            "run w.toml --url URL --concurrency 5 --arrivals poisson",
            "open model",
        ),
        (rate, "run w.toml --url URL --think 1s", "closed model"),
        (READS, "run w.toml --url URL --rate 5 --think 1s", "--think"),
        (
            READS,
            "run w.toml --url URL --rate 5 --people 5",
            "--people",
        ),
        (
            steps,
            "run w.toml --url URL --arrivals constant",
            "open model",
        ),
        (
            steps,
            "run w.toml --url URL --max-in-flight 5",
            "open model",
        ),
        (rises, "run w.toml --url URL --think 1s", "closed model"),
        (
            rises,
            "run w.toml --url URL --requests 5",
            "stages of the workload",
        ),
        (
            READS,
            "capacity w.toml --url URL --slo p99<1s --workers --arrivals poisson",
            "open model",
        ),
        (
            READS,
            "capacity w.toml --url URL --slo p99<1s --workers --max-in-flight 5",
            "open model",
        ),
        (READS, "run w.toml --url URL --abort-when-hopeless", "--slo"),
        (
            READS,
            "run w.toml --url URL --shard 0/2 --slo rate>5",
            "merged result",
        ),
        (
            READS,
            "run w.toml --url URL --requests 5 --duration 5s",
            "--duration",
        ),
        (
            READS,
            "run w.toml --url URL --client-key ca.pem",
            "--client-certificate",
        ),
        (READS, "run w.toml --metadata ca.pem", "--embedded"),
        (
            READS,
            "run w.toml --embedded --users users.csv",
            "cannot be used with",
        ),
        (
            READS,
            "run w.toml --embedded --url URL",
            "cannot be used with",
        ),
        (
            READS,
            "run w.toml --embedded --connect-to 127.0.0.1:1",
            "cannot be used with",
        ),
        (
            READS,
            "run w.toml --embedded --proxy http://127.0.0.1:1",
            "cannot be used with",
        ),
        (
            READS,
            "run w.toml --embedded --no-proxy",
            "cannot be used with",
        ),
        (
            READS,
            "run w.toml --embedded --ca-certificate ca.pem",
            "cannot be used with",
        ),
        (
            READS,
            "run w.toml --embedded --client-certificate ca.pem",
            "cannot be used with",
        ),
        (
            READS,
            "init --metadata ca.pem --url URL",
            "cannot be used with",
        ),
        (
            READS,
            "init --metadata ca.pem --proxy http://127.0.0.1:1",
            "cannot be used with",
        ),
        (
            READS,
            "init --metadata ca.pem --timeout 5s",
            "cannot be used with",
        ),
    ] {
        let (code, said) = said(&server, workload, line);
        assert_eq!(code, 2, "{line}: {said}");
        assert!(said.contains(expected), "{line}: {said}");
    }
    assert!(server.seen().is_empty());
}

#[test]
fn an_order_is_sent_without_order_by() {
    let server = accounts(Behaviour::default());
    let line = "run w.toml --url URL --dry-run 1";
    for (order, expected) in [("order = \"desc\"\n", true), ("", false)] {
        let (code, said) = said(&server, &format!("{LISTS}{order}"), line);
        assert_eq!(code, 0, "{said}");
        assert_eq!(said.contains("desc"), expected, "{said}");
        assert!(!said.contains("orderBy"), "{said}");
    }
}

#[test]
fn settings_of_the_workload_without_effect_cause_one_warning() {
    let server = accounts(Behaviour::default());
    let user = "[[credentials]]\napi_key_env = \"KEY\"\n";
    let run = "run w.toml --url URL --requests 5";
    for (workload, line, expected) in [
        (
            format!("think = \"1ms\"\n{READS}"),
            format!("{run} --rate 500"),
            "think time has no effect",
        ),
        (
            format!("rate = 500\nthink = \"1ms\"\n{READS}"),
            run.into(),
            "think time has no effect",
        ),
        (
            format!("pacing = \"1ms\"\n{READS}"),
            format!("{run} --rate 500"),
            "pacing has no effect",
        ),
        (
            format!("concurrency = 2\nmax_in_flight = 5\n{READS}"),
            run.into(),
            "'max_in_flight' has no effect",
        ),
        (
            format!("concurrency = 2\nthink = \"1ms\"\n{READS}"),
            "capacity w.toml --url URL --slo p99<9s --from 200 --to 201 --probe 200ms --drain 1s --tag-requests"
                .into(),
            "think time has no effect",
        ),
        (
            format!("arrivals = \"poisson\"\n{READS}"),
            run.into(),
            "'arrivals' has no effect",
        ),
        (
            format!("rate = 5\narrivals = \"poisson\"\n{READS}"),
            format!("{run} --concurrency 2"),
            "'arrivals' has no effect",
        ),
        (
            format!("rate = 5\nmax_in_flight = 5\n{READS}"),
            format!("{run} --people 2 --think 1ms"),
            "'max_in_flight' has no effect",
        ),
        (
            format!("[data]\nskew = {{ hot = 0.1, share = 0.9 }}\n{LISTS}"),
            run.into(),
            "'skew' has no effect",
        ),
        (
            format!("[data]\nprefix = \"mine\"\n{READS}"),
            run.into(),
            "'prefix' has no effect",
        ),
        (
            READS.into(),
            format!("{run} --users users.csv --concurrency 2"),
            "only 2 of 3 users are used",
        ),
        (
            format!("{user}{LISTS}"),
            "run w.toml --embedded --concurrency 1 --requests 1".into(),
            "credentials have no effect",
        ),
        (
            READS.into(),
            format!("{run} --ca-certificate ca.pem"),
            "--ca-certificate has no effect",
        ),
        (
            READS.into(),
            "run w.toml --url URL --dry-run 1 --json r.json".into(),
            "--json has no effect with --dry-run",
        ),
        (
            READS.into(),
            "run w.toml --url URL --dry-run 1 --dashboard".into(),
            "--dashboard has no effect with --dry-run",
        ),
    ] {
        let (code, said) = said(&server, &workload, &line);
        // On a busy machine, a capacity search finds nothing.
        assert!(code == 0 || code == 1 && line.starts_with("capacity"), "{line}: {said}");
        let warnings: Vec<&str> = said
            .lines()
            .filter(|l| l.starts_with("warning: "))
            .collect();
        let about: Vec<_> = warnings
            .iter()
            .filter(|w| w.contains("no effect") || w.contains("are used"))
            .collect();
        assert_eq!(about.len(), 1, "{line}: {said}");
        assert!(about[0].contains(expected), "{line}: {said}");
    }
}

#[test]
fn settings_with_an_effect_cause_no_warning() {
    let server = accounts(Behaviour::default());
    let run = "run w.toml --url URL --requests 5";
    for (workload, line) in [
        (
            format!("think = \"1ms\"\n{READS}"),
            format!("{run} --people 2"),
        ),
        (
            format!("pacing = \"1ms\"\n{READS}"),
            format!("{run} --people 2"),
        ),
        (
            format!("pacing = \"1h\"\n{READS}"),
            format!("{run} --concurrency 2 --think 1ms"),
        ),
        (
            format!("arrivals = \"poisson\"\nmax_in_flight = 5\n{READS}"),
            format!("{run} --rate 500"),
        ),
        (
            format!("[data]\nskew = {{ hot = 0.1, share = 0.9 }}\n{READS}"),
            format!("{run} --users users.csv --concurrency 3 --slo p99<9s --abort-when-hopeless"),
        ),
        (READS.into(), format!("{run} --shard 0/2 --slo p99<9s")),
    ] {
        let (code, said) = said(&server, &workload, &line);
        assert_eq!(code, 0, "{line}: {said}");
        assert!(
            !said.contains("no effect") && !said.contains("are used"),
            "{line}: {said}"
        );
    }
}

#[test]
fn missing_targets_are_reported_with_every_way_to_give_one() {
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    for (line, ways) in [
        ("run sync", ["--url", "ESPO_URL", "--embedded"]),
        ("run w.toml --dry-run", ["--url", "ESPO_URL", "--embedded"]),
        (
            "capacity sync --slo p99<1s",
            ["--url", "ESPO_URL", "--embedded"],
        ),
        ("init", ["--url", "ESPO_URL", "--metadata"]),
    ] {
        // CI systems set variables without a value.
        for variable in [None, Some("")] {
            let mut command = bench(folder.path(), line);
            variable.map(|value| command.env("ESPO_URL", value));
            let (code, said) = out(&mut command);
            assert_eq!(code, 2, "{line}: {said}");
            assert!(ways.iter().all(|way| said.contains(way)), "{line}: {said}");
        }
    }
    // The option and the embedded server take precedence over the variable.
    for (line, variable) in [
        ("run w.toml --requests 5", server.url.as_str()),
        ("init --entity Account", server.url.as_str()),
        ("run w.toml --requests 5 --url URL", "http://127.0.0.1:1"),
        ("run sync --requests 1 --embedded", "http://127.0.0.1:1"),
    ] {
        let mut command = bench(folder.path(), &line.replace("URL", &server.url));
        let (code, said) = out(command.env("ESPO_URL", variable));
        assert_eq!(code, 0, "{line}: {said}");
    }
}

/// The commands in the help and the guide, with the credentials and files that they name, for an instance that cannot
/// be reached.
#[test]
fn commands_of_the_help_and_the_guide_are_accepted() {
    let folder = folder_with(READS);
    let path = folder.path();
    std::fs::write(path.join("users.csv"), "api_key\nkey\n").unwrap();
    std::fs::write(path.join("mine.toml"), READS).unwrap();
    let (code, help) = out(&mut bench(path, "--help"));
    assert_eq!(code, 0, "{help}");
    let guides = [
        include_str!("../../README.md"),
        include_str!("../../../../README.md"),
    ];
    let blocks = guides
        .iter()
        .flat_map(|guide| guide.split("```sh\n").skip(1));
    let blocks = blocks.filter_map(|rest| Some(rest.split("```").next()?.replace("\\\n", " ")));
    let in_guides = blocks.flat_map(|block| block.lines().map(one_space).collect::<Vec<_>>());
    let lines = help.lines().map(str::to_owned).chain(in_guides);
    let commands: Vec<Vec<String>> = lines
        .filter_map(|line| {
            let line = line.trim().trim_start_matches("target/release/");
            let words = words(line.strip_prefix("espo-bench ")?);
            let sends = ["run", "capacity", "init"].contains(&words[0].as_str());
            (sends && words.iter().any(|w| w == "https://crm.example.com")).then_some(words)
        })
        .collect();
    assert!(commands.len() >= 10, "{commands:?}");
    std::thread::scope(|scope| {
        for words in &commands {
            scope.spawn(move || {
                let mut command = bench(path, "");
                command.args(words).args(["--connect-to", "127.0.0.1:1"]);
                let (code, said) = out(&mut command);
                assert_eq!(code, 3, "{words:?}: {said}");
            });
        }
    });
}

fn one_space(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Splits a command line at spaces outside quotation marks, up to a redirection, a comment or the explanation of an
/// example. Variables are those of a loop over shards.
fn words(line: &str) -> Vec<String> {
    let line = line
        .replace("$i", "0")
        .replace("\"$start\"", "2999-01-01T00:00:00Z");
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() && !rest.starts_with(['>', '#', '&', '|', ';']) {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap(),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        // Several spaces precede an explanation.
        if after.starts_with("  ") {
            break;
        }
        rest = after.trim_start();
    }
    words
}
