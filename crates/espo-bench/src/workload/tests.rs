use std::path::Path;

use espo_schema::Schema;

use super::resolve::resolve;
use super::*;

fn message(text: &str) -> String {
    let parsed = Workload::parse("w.toml", text, Path::new("."))
        .and_then(|w| resolve(&w, Schema::stock()).map(drop));
    parsed.unwrap_err().to_string()
}

#[test]
fn the_ready_made_workloads_fit_the_stock_metadata() {
    for name in Workload::builtin_names() {
        let workload = Workload::builtin(name).unwrap();
        assert_eq!(workload.name, name);
        let plan = resolve(&workload, Schema::stock()).unwrap();
        assert_eq!(plan.operations.len(), workload.operations.len());
    }
    assert!(!Workload::builtin("sync").unwrap().writes());
    assert!(Workload::builtin("mixed").unwrap().writes());
}

#[test]
fn mistakes_are_named_with_line_and_column_and_near_names() {
    let list = "[[operation]]\nkind = \"list\"\n";
    for (text, expected) in [
        ("name = ", "w.toml:1:8"),
        ("nome = \"x\"\n", "w.toml:1:1: unknown field `nome`"),
        (
            "[[operation]]\nkind = \"lsit\"\nentity = \"Account\"",
            "w.toml:2:8: unknown kind 'lsit'; did you mean 'list'?",
        ),
        (
            &format!("{list}entity = \"Acount\""),
            "w.toml:3:10: the target has no entity type 'Acount'",
        ),
        (&format!("{list}entity = \"Acount\""), "'Account'"),
        (
            &format!("{list}entity = \"Account\"\nselect = [\"name\", \"websit\"]"),
            "w.toml:4:19: Account has no attribute 'websit' to select; did you mean 'website'?",
        ),
        (
            &format!("{list}entity = \"Account\"\norder_by = \"creatdAt\""),
            "w.toml:4:12",
        ),
        (
            &format!("{list}entity = \"Account\"\nwhere = [{{ attribute = \"name\" }}]"),
            "w.toml:4:10: a where item has a type",
        ),
        (
            &format!("{list}entity = \"Account\"\nmax_size = 500"),
            "w.toml:4:12: a page has 1 to 200 records",
        ),
        (
            &format!("{list}entity = \"Account\"\nlink = \"contacts\""),
            "w.toml:4:8: 'link' means nothing for kind 'list'",
        ),
        (
            "[[operation]]\nkind = \"related\"\nentity = \"Account\"\nlink = \"contcts\"",
            "w.toml:4:8: Account has no link 'contcts'; near names: 'contacts'",
        ),
        (
            "[[operation]]\nkind = \"link\"\nentity = \"Opportunity\"\nlink = \"account\"",
            "w.toml:4:8: the server does not link or unlink through Opportunity.account",
        ),
        (
            "[[operation]]\nkind = \"create\"\nentity = \"Contact\"\nfields = [\"fistName\"]",
            "w.toml:4:11: Contact has no field 'fistName'",
        ),
        (
            "think = \"soon\"\n[[operation]]\nkind = \"list\"\nentity = \"Account\"",
            "w.toml:1:9",
        ),
        ("description = \"empty\"", "nothing to send"),
        (
            "[[stage]]\nduration = \"1s\"\n[[operation]]\nkind = \"list\"\nentity = \"Account\"",
            "w.toml:1:1: a stage has either a rate or a concurrency",
        ),
        (
            &format!("{list}entity = \"Account\"\n{list}entity = \"Account\""),
            "two operations are called 'list:Account'",
        ),
        (
            "[data]\nprefix = \"<x>\"\n[[operation]]\nkind = \"list\"\nentity = \"Account\"",
            "w.toml:2:10: a prefix has",
        ),
        (
            "[[operation]]\nkind = \"upload\"\nentity = \"Account\"\nfield = \"name\"",
            "w.toml:4:9: Account has no such field for files",
        ),
    ] {
        let message = message(text);
        assert!(
            message.contains(expected),
            "{text}\ngave: {message}\nwanted: {expected}"
        );
    }
}

#[test]
fn stages_ramps_and_steps_become_phases() {
    let text = "[[stage]]\nduration = \"5s\"\nrate = 10\nmeasured = false\n[[stage]]\nduration = \"10s\"\nrate = [10, 50]\n\
                [[stage]]\nduration = \"2s\"\nrate = { steps = [60, 70] }\n[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";
    let workload = Workload::parse("w.toml", text, Path::new(".")).unwrap();
    let Some(Stages::Open(phases)) = workload.stages else {
        panic!("{:?}", workload.stages)
    };
    let shown: Vec<(f64, f64, f64, bool)> = phases
        .iter()
        .map(|p| (p.seconds, p.from, p.to, p.measured))
        .collect();
    assert_eq!(
        shown,
        [
            (5.0, 10.0, 10.0, false),
            (10.0, 10.0, 50.0, true),
            (2.0, 60.0, 60.0, true),
            (2.0, 70.0, 70.0, true)
        ]
    );
}

#[test]
fn columns_of_a_csv_file_become_data_and_a_missing_column_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("people.csv"),
        "First,Town\nZoe,Ghent\nYan,Turin\n",
    )
    .unwrap();
    let text = |column: &str| {
        format!(
            "[[data.csv]]\nfile = \"people.csv\"\nentity = \"Contact\"\ncolumns = {{ firstName = \"{column}\", addressCity = \"Town\" }}\n\
             [[operation]]\nkind = \"create\"\nentity = \"Contact\"\n"
        )
    };
    let workload = Workload::parse("w.toml", &text("First"), folder.path()).unwrap();
    assert_eq!(
        workload.csv["Contact"].rows,
        [["Ghent", "Zoe"], ["Turin", "Yan"]]
    );
    let error = Workload::parse("w.toml", &text("Frist"), folder.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("has no column 'Frist'; did you mean 'First'?"),
        "{error}"
    );
}
