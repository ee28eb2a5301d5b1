use std::path::Path;

use espo_schema::Schema;

use super::resolve::resolve;
use super::*;

mod unused;

fn message(text: &str) -> String {
    let parsed = Workload::parse("w.toml", text, Path::new("."))
        .and_then(|w| resolve(&w, Schema::stock()).map(drop));
    parsed.unwrap_err().to_string()
}

#[test]
fn builtin_workloads_match_the_stock_metadata() {
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
fn errors_have_line_column_and_similar_names() {
    let list = "[[operation]]\nkind = \"list\"\n";
    for (text, expected) in [
        ("name = ", "w.toml:1:8"),
        ("nome = \"x\"\n", "w.toml:1:1: unknown field 'nome'"),
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
            "w.toml:4:10: a where item needs a type",
        ),
        (
            &format!("{list}entity = \"Account\"\nmax_size = 500"),
            "w.toml:4:12: a page has 1 to 200 records",
        ),
        (
            &format!("{list}entity = \"Account\"\nlink = \"contacts\""),
            "w.toml:4:8: 'link' does not apply to kind 'list'",
        ),
        (
            "[[operation]]\nkind = \"related\"\nentity = \"Account\"\nlink = \"contcts\"",
            "w.toml:4:8: Account has no link 'contcts'; similar names: 'contacts'",
        ),
        (
            "[[operation]]\nkind = \"link\"\nentity = \"Opportunity\"\nlink = \"account\"",
            "w.toml:4:8: the server does not support linking or unlinking through Opportunity.account",
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
            "name = \"a\\u001bb\"\n[[operation]]\nkind = \"list\"\nentity = \"Account\"",
            "w.toml:1:8: the name contains a line break or another control character",
        ),
        (
            "[[stage]]\nduration = \"1s\"\n[[operation]]\nkind = \"list\"\nentity = \"Account\"",
            "w.toml:1:1: a stage needs either a rate or a concurrency",
        ),
        (
            &format!("{list}entity = \"Account\"\n{list}entity = \"Account\""),
            "two operations have the name 'list:Account'",
        ),
        (
            "[data]\nprefix = \"<x>\"\n[[operation]]\nkind = \"list\"\nentity = \"Account\"",
            "w.toml:2:10: invalid prefix",
        ),
        (
            "[[operation]]\nkind = \"upload\"\nentity = \"Account\"\nfield = \"name\"",
            "w.toml:4:9: Account has no such file field",
        ),
    ] {
        let message = message(text);
        assert!(
            message.contains(expected),
            "{text}\nmessage: {message}\nexpected: {expected}"
        );
    }
}

/// A workload and the message that it causes. `^` in the workload marks the expected place.
type Wrong = (String, &'static str);

fn list(more: &str) -> String {
    format!("[[operation]]\nkind = \"list\"\nentity = \"Account\"\n{more}\n")
}

fn above(first: &str) -> String {
    format!("{first}\n{}", list(""))
}

fn kind(kind: &str, entity: &str, more: &str) -> String {
    format!("[[operation]]\nkind = \"{kind}\"\nentity = \"{entity}\"\n{more}\n")
}

fn csv(entity: &str, columns: &str) -> String {
    format!(
        "[[data.csv]]\nfile = \"d.csv\"\nentity = {entity}\ncolumns = {{ {columns} }}\n{}",
        kind("create", "Account", "")
    )
}

fn errors_in_types_and_numbers() -> Vec<Wrong> {
    vec![
        // Types and keys.
        (above("name = ^5"), "expected a string"),
        (above("rate = ^\"fast\""), "expected a number"),
        (list("^pagse = 1"), "unknown field 'pagse'"),
        (list("pages = ^1.5"), "expected an integer"),
        (list("select = ^\"name\""), "expected an array"),
        (list("where = ^\"x\""), "expected an array"),
        (
            above("arrivals = ^\"uniform\""),
            "unknown variant 'uniform'",
        ),
        (
            above("[[credentials]]\n^api_key = \"abc\""),
            "unknown field 'api_key'",
        ),
        ("x = [^\n".to_owned(), "unclosed array"),
        // Numbers.
        (list("weight = ^0"), "weight must be at least 1"),
        (list("weight = ^-1"), "expected an integer"),
        (list("pages = ^-1"), "expected an integer"),
        (list("pages = ^0"), "must be at least 1"),
        (list("max_size = ^0"), "a page has 1 to 200 records"),
        (above("concurrency = ^0"), "must be at least 1"),
        (above("rate = ^-1"), "must be above 0"),
        (above("max_in_flight = ^0"), "must be at least 1"),
        (above("duration = ^\"0s\""), "must be longer than 0"),
        (above("duration = ^\"10\""), "invalid duration"),
        (above("pacing = ^\"0s\""), "must be longer than 0"),
        (above("pacing = ^\"1s\"\nthink = \"1s\""), "not both"),
        (
            above("think = ^{ min = \"2s\", max = \"1s\" }"),
            "min is above max",
        ),
        (
            above("rate = ^5\nconcurrency = 5"),
            "either a rate or a concurrency",
        ),
        (
            above("[data]\nskew = ^{ hot = 2, share = 0.5 }"),
            "hot and share must be fractions",
        ),
        (
            above("[setup]\nrecords = { Account = ^-5 }"),
            "expected an integer",
        ),
        (
            kind("mass_update", "Account", "batch = ^0"),
            "must be at least 1",
        ),
        (
            kind("upload", "Document", "size = ^\"1TB\""),
            "invalid size",
        ),
    ]
}

fn errors_in_filters_and_keys() -> Vec<Wrong> {
    vec![
        // Filters.
        (
            list("where = [^{ type = \"equlas\", attribute = \"name\" }]"),
            "unknown filter type 'equlas'; similar names: 'equals'",
        ),
        (
            list("where = [^{ type = \"not\", value = [] }]"),
            "unknown filter type 'not'",
        ),
        (
            list("where = [^{ type = \"equals\", value = \"x\" }]"),
            "needs an attribute",
        ),
        (
            list("where = [^{ type = \"equals\", attribute = \"nmae\" }]"),
            "no attribute 'nmae'",
        ),
        (
            list("where = [^{ type = \"or\", value = [{ type = \"isNull\", attribute = \"nmae\" }] }]"),
            "no attribute 'nmae'",
        ),
        (
            list("where = [^{ type = \"or\", value = [{ attribute = \"name\" }] }]"),
            "a where item needs a type",
        ),
        (list("where = [^{ type = \"and\" }]"), "must be an array of where items"),
        (list("where = [^{ type = \"primary\" }]"), "needs a value"),
        (list("order = ^\"up\""), "order must be"),
        // Required keys of a kind.
        ("^[[operation]]\nkind = \"related\"\nentity = \"Account\"\n".into(), "needs a link"),
        ("^[[operation]]\nkind = \"unlink\"\nentity = \"Account\"\n".into(), "needs a link"),
        ("^[[operation]]\nkind = \"read\"\n".into(), "needs an entity"),
        ("^[[operation]]\nentity = \"Account\"\n".into(), "missing field 'kind'"),
        ("[[operation]]\nkind = \"download\"\nentity = ^\"Document\"\n".into(), "add an upload"),
        ("[[chain]]\nname = \"x\"\nstep = ^[]\n".into(), "at least one"),
        (
            "[[chain]]\nname = \"x\"\nweight = ^0\n[[chain.step]]\nkind = \"read\"\nentity = \"Account\"\n".into(),
            "weight must be at least 1",
        ),
        (
            "[[chain]]\nname = \"x\"\n[[chain.step]]\nkind = \"read\"\nentity = ^\"Acount\"\n".into(),
            "similar names: 'Account'",
        ),
        (
            "[[chain]]\nname = \"x\"\n[[chain.step]]\nkind = \"read\"\nentity = \"Account\"\nweight = ^3\n".into(),
            "a step has no weight",
        ),
        (kind("search", "Account", "text = ^[]"), "search terms"),
    ]
}

fn errors_in_data() -> Vec<Wrong> {
    vec![
        // Data.
        (
            kind("update", "Account", "fields = [^\"createdAt\"]"),
            "Account.createdAt is read-only",
        ),
        (
            kind("update", "Account", "set = ^{ createdAt = \"2020-01-01\" }"),
            "Account.createdAt is read-only",
        ),
        (
            kind("update", "Account", "set = ^{ industry = \"Agricultur\" }"),
            "'Agricultur' is not an option of Account.industry: the server would reject every write; did you mean 'Agriculture'?",
        ),
        (
            kind("create", "Opportunity", "set = ^{ stage = 5 }"),
            "Opportunity.stage must be a string, not 5",
        ),
        (
            kind("create", "Opportunity", "set = ^{ probability = 101 }"),
            "Opportunity.probability must be at most 100, not 101",
        ),
        (
            kind(
                "create",
                "Opportunity",
                "set = ^{ closeDate = \"tomorrow\" }",
            ),
            "invalid value of Opportunity.closeDate 'tomorrow'",
        ),
        (
            kind("create", "Contact", "set = ^{ doNotCall = \"yes\" }"),
            "Contact.doNotCall must be true or false",
        ),
        (
            kind(
                "create",
                "Account",
                &format!("set = ^{{ sicCode = \"{}\" }}", "9".repeat(300)),
            ),
            "Account.sicCode must have at most",
        ),
        (
            csv("\"Account\"", "^industry = \"N\""),
            "d.csv, row 1: 'a' is not an option of Account.industry",
        ),
        (
            kind("create", "Account", "set = ^{ nmae = \"x\" }"),
            "no attribute 'nmae'; did you mean 'name'?",
        ),
        (
            csv("^\"Acount\"", "name = \"N\""),
            "no entity type 'Acount'",
        ),
        (
            csv("^\"Contact\"", "lastName = \"N\""),
            "creates Contact records",
        ),
        (csv("\"Account\"", "^nmae = \"N\""), "no attribute 'nmae'"),
        (csv("\"Account\"", "^createdAt = \"N\""), "read-only"),
        (csv("\"Account\"", "name = ^\"Q\""), "has no column 'Q'"),
        (
            above(
                "[[data.csv]]\nfile = ^\"no.csv\"\nentity = \"Account\"\ncolumns = { name = \"N\" }",
            ),
            "no.csv",
        ),
        (
            above("[setup]\nrecords = { ^Acount = 5 }"),
            "no entity type 'Acount'",
        ),
        (
            above("^[[credentials]]\nsecret_key_env = \"S\""),
            "expected names of environment variables",
        ),
    ]
}

fn errors_in_stages() -> Vec<Wrong> {
    vec![
        // Stages.
        (above("^[[stage]]\nrate = 5"), "missing field 'duration'"),
        (
            above("[[stage]]\nduration = \"1s\"\nrate = ^-5"),
            "a load must be 0 or more",
        ),
        (
            above("[[stage]]\nduration = \"1s\"\nrate = ^[0, 0]"),
            "a stage must have a load above 0",
        ),
        (
            above("[[stage]]\nduration = \"1s\"\nrate = ^[1]"),
            "expected a number, [from, to]",
        ),
        (
            above("[[stage]]\nduration = \"1s\"\nrate = ^{ steps = [] }"),
            "at least one value",
        ),
        (
            above("[[stage]]\nduration = \"1s\"\nconcurrency = ^2.5"),
            "must be an integer",
        ),
        (
            above("[[stage]]\nduration = ^\"0s\"\nrate = 5"),
            "longer than 0",
        ),
        (
            above("^[[stage]]\nduration = \"1s\"\nrate = 5\nmeasured = false"),
            "no stage is measured",
        ),
        (
            above(
                "[[stage]]\nduration = \"1s\"\nrate = 5\n^[[stage]]\nduration = \"1s\"\nrate = 5\nmeasured = false",
            ),
            "only stages at the start",
        ),
        (
            above(
                "[[stage]]\nduration = \"1s\"\nrate = 5\n[[stage]]\nduration = \"1s\"\nconcurrency = ^5",
            ),
            "all must set a concurrency",
        ),
        (
            above("rate = ^5\n[[stage]]\nduration = \"1s\"\nrate = 5"),
            "'rate' cannot be combined with stages",
        ),
    ]
}

#[test]
fn every_error_has_its_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("d.csv"), "N,M\na,b\n").unwrap();
    let mut wrong = Vec::new();
    let all = [
        errors_in_types_and_numbers(),
        errors_in_filters_and_keys(),
        errors_in_data(),
        errors_in_stages(),
    ];
    for (text, expected) in all.into_iter().flatten() {
        let (before, after) = text.split_once('^').unwrap();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
        let whole = format!("{before}{after}");
        let said = Workload::parse("w.toml", &whole, folder.path())
            .and_then(|w| resolve(&w, Schema::stock()).map(drop))
            .map_or_else(|e| e.to_string(), |()| "nothing".to_owned());
        let place = format!("w.toml:{line}:{column}: ");
        if !(said.starts_with(&place) && said.contains(expected)) {
            wrong.push(format!(
                "{whole}message: {said}\nexpected: {place}… {expected}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn workloads_in_the_guide_are_valid() {
    let guide = include_str!("../../README.md");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("people.csv"),
        "First name,Town\nZoe,Ghent\n",
    )
    .unwrap();
    let texts: Vec<&str> = guide
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(texts.len(), 3);
    for text in texts {
        let workload = Workload::parse("README.md", text, folder.path()).unwrap();
        resolve(&workload, Schema::stock()).unwrap();
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
fn csv_columns_become_data_and_must_exist() {
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
