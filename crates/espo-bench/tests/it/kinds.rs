//! Runs every kind of operation against the embedded server.

use espo_bench::{Limit, Load, RunOptions, Target, Workload, run};

const KINDS: &str = r#"
[setup]
records = { Account = 5, Contact = 5 }

[[operation]]
kind = "list"
entity = "Account"
where = [{ type = "isNotNull", attribute = "name" }]
order_by = "createdAt"
pages = 2

[[operation]]
kind = "search"
entity = "Contact"

[[operation]]
kind = "read"
entity = "Account"

[[operation]]
kind = "create"
entity = "Contact"

[[operation]]
kind = "update"
entity = "Contact"
fields = ["description"]

[[operation]]
kind = "delete"
entity = "Contact"

[[operation]]
kind = "related"
entity = "Account"
link = "contacts"

[[operation]]
kind = "link"
entity = "Account"
link = "contacts"

[[operation]]
kind = "unlink"
entity = "Account"
link = "contacts"

[[operation]]
kind = "stream"
entity = "Account"

[[operation]]
kind = "mass_update"
entity = "Contact"
fields = ["description"]
batch = 3

[[chain]]
name = "file"
[[chain.step]]
kind = "upload"
entity = "Document"
size = "4KiB"
[[chain.step]]
kind = "download"
entity = "Attachment"

[[chain]]
name = "life"
[[chain.step]]
kind = "create"
entity = "Account"
[[chain.step]]
kind = "read"
entity = "Account"
[[chain.step]]
kind = "update"
entity = "Account"
fields = ["description"]
[[chain.step]]
kind = "link"
entity = "Account"
link = "contacts"
[[chain.step]]
kind = "delete"
entity = "Account"
"#;

#[test]
fn every_kind_of_operation_runs_without_errors() {
    let folder = tempfile::tempdir().unwrap();
    let workload = Workload::parse("kinds.toml", KINDS, folder.path()).unwrap();
    let mut options = RunOptions::new(workload, Target::Embedded);
    options.load = Some(Load::Closed { concurrency: 4 });
    options.limit = Some(Limit::Requests(400));
    options.ledger = Some(folder.path().join("a.ledger"));
    let report = run(options).unwrap();
    assert_eq!(report.totals.failed, 0, "{:?}", report.errors);
    for kind in [
        "list",
        "search",
        "read",
        "create",
        "update",
        "delete",
        "related",
        "link",
        "unlink",
        "stream",
        "mass_update",
        "upload",
        "download",
        "chain",
    ] {
        let count: u64 = report
            .operations
            .iter()
            .filter(|o| o.kind == kind)
            .map(|o| o.count())
            .sum();
        assert!(count > 0, "{kind} never ran");
    }
    let writes = report.writes.unwrap();
    assert_eq!((writes.removed, writes.left), (writes.created, 0));
}
