//! The live page in a browser.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::browser::Browser;
use crate::cli::{accounts, bench, folder_with};
use crate::support::Behaviour;
use crate::support::evil::Act;

const READS: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";

/// Starts a run with a live page, and returns the page's address.
fn watched(folder: &Path, line: &str) -> (Child, String) {
    let mut command = bench(folder, &format!("{line} --dashboard 0"));
    let mut run = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    let url = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| Some(line.split_once("dashboard at ")?.1.to_owned()))
        .expect("the run names the address");
    std::thread::spawn(move || lines.for_each(drop));
    (run, url)
}

/// Stops a run with Ctrl-C; it still writes its report.
fn stop(run: &Child) {
    let kill = Command::new("kill").arg(run.id().to_string()).status();
    assert!(kill.unwrap().success());
}

const POINTS: &str = "(document.querySelector('#latency polyline') || {getAttribute() { return '' }}).getAttribute('points')";

fn points(text: &serde_json::Value) -> Vec<String> {
    let text = text.as_str().unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn pages_show_the_whole_history_and_the_report() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let server = accounts(Behaviour::default());
    let folder = folder_with(READS);
    let line = format!(
        "run w.toml --url {} --rate 40 --duration 10m --slo p99<10s --html r.html",
        server.url
    );
    let (mut run, url) = watched(folder.path(), &line);
    browser.open(&url);
    let early = points(&browser.wait_for(POINTS));
    assert!(early.len() >= 2, "{early:?}");

    // A second window that is opened late receives the whole history.
    browser.new_window();
    browser.resize(375, 800);
    browser.open(&url);
    let late = points(&browser.wait_for(POINTS));
    assert!(late.len() >= early.len(), "{late:?}");
    let first: f64 = late[0].split(',').next().unwrap().parse().unwrap();
    assert!((first - 62.0).abs() < 1.0, "the history begins at 0 s");
    assert_eq!(
        browser.value("document.documentElement.scrollWidth <= innerWidth"),
        true,
        "nothing is wider than a phone"
    );
    assert!(browser.wait_for("!document.getElementById('slos').hidden") == true);

    // The run ends even though pages are open.
    stop(&run);
    // Its SLO was not checked to the end.
    assert_eq!(run.wait().unwrap().code(), Some(1));
    browser.wait_for("document.body.dataset.state === 'ended'");
    let shown = browser.value("document.querySelector('tfoot').textContent");
    let html = std::fs::read_to_string(folder.path().join("r.html")).unwrap();
    let row = html.split_once("<tfoot>").unwrap().1;
    let row = row.split_once("</tfoot>").unwrap().0;
    let mut plain = String::new();
    for part in row.split('<') {
        plain.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    assert_eq!(shown, plain.as_str(), "the final figures match the report");
}

#[test]
fn errors_are_shown_by_kind_while_the_run_lasts() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let server = accounts(Behaviour {
        status: Some(503),
        ..Behaviour::default()
    });
    let folder = folder_with(READS);
    let line = format!(
        "run w.toml --url {} --rate 20 --duration 10m --max-error-share 1 --tag-requests",
        server.url
    );
    let (mut run, url) = watched(folder.path(), &line);
    browser.open(&url);
    let kind = browser.wait_for(
        "(document.querySelector('#errors tbody tr:first-child td:nth-child(3)') || {}).textContent",
    );
    assert_eq!(kind, "server 503");
    run.kill().unwrap();
    run.wait().unwrap();
    let state =
        browser.wait_for("document.body.dataset.state === 'lost' && document.body.dataset.state");
    assert_eq!(state, "lost", "a page reports that its run was killed");
}

/// Text of the server and of the workload is only text on the page, and in the report that replaces it.
#[test]
fn text_from_the_server_is_not_executed() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let evil = "<img src=x onerror=document.title='pwned'></script><script>document.title='pwned'</script>";
    let reason = format!("X-Status-Reason: {evil}\r\n");
    let act = Arc::new(Act::response("400 X", &reason, b""));
    let server = accounts(Behaviour {
        evil: Some(Arc::new(move |_: &str, is_load| {
            is_load.then(|| Arc::clone(&act))
        })),
        ..Behaviour::default()
    });
    let folder = folder_with(&format!("name = \"{evil}\"\n{READS}"));
    let line = format!(
        "run w.toml --url {} --rate 20 --duration 10m --max-error-share 1 --tag-requests --label {}",
        server.url,
        evil.replace(' ', "/")
    );
    let (mut run, url) = watched(folder.path(), &line);
    browser.open(&url);
    let sample = "(document.querySelector('#errors tbody tr:first-child td:nth-child(4)') || {}).textContent";
    let shown = browser.wait_for(sample);
    assert!(shown.as_str().unwrap().contains("<img src=x"), "{shown}");
    stop(&run);
    run.wait().unwrap();
    browser.wait_for("document.body.dataset.state === 'ended'");
    let shown = browser.value("document.body.textContent.includes('<img src=x')");
    assert_eq!(shown, true);
    assert_eq!(browser.value("document.images.length"), 0);
    assert_ne!(browser.value("document.title"), "pwned");
}

#[test]
fn pages_support_a_thousand_operations() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let server = accounts(Behaviour::default());
    let operations: Vec<String> = (0..1_000)
        .map(|i| format!("{READS}name = \"list-{i}\"\n"))
        .collect();
    let folder = folder_with(&operations.concat());
    let line = format!("run w.toml --url {} --rate 60 --duration 10m", server.url);
    let (mut run, url) = watched(folder.path(), &line);
    browser.open(&url);
    let shown = browser
        .wait_for("(n => n >= 100 && n)(document.querySelectorAll('#operations tbody tr').length)");
    assert_eq!(shown, 100);
    browser.wait_for("document.getElementById('shown').textContent");
    stop(&run);
    run.wait().unwrap();
    browser.wait_for("document.body.dataset.state === 'ended'");
    let rows = browser.value("[...document.querySelectorAll('h2')].find(h => h.textContent === 'Operations').parentElement.querySelectorAll('tbody tr').length");
    assert!(
        rows.as_u64().unwrap() >= 1_000,
        "{rows} operations in the report"
    );
}
