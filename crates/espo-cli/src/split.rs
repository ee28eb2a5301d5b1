//! An export as a directory of small files. Only files of an earlier export are replaced or deleted.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;
use crate::files::Changes;

/// The list of the files of an export, in its directory.
const LIST: &str = "espo-export.txt";

const HEAD: &str = "# Written by `espo pull`: the files of this export. The next export replaces or deletes these and no \
others.\n";

/// Plans the export. Fails without `force` if it would replace or delete files that no earlier export wrote.
pub(crate) fn plan(
    metadata: &Value,
    folder: &Path,
    force: bool,
    changes: &mut Changes,
) -> Result<(), Failure> {
    let plan = espo_schema::plan_folder(metadata, folder)?;
    let listed = listed(folder);
    let name = |path: &Path| {
        let inside = path.strip_prefix(folder).unwrap_or(path);
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    };
    let is_own = |path: &Path| {
        listed
            .as_ref()
            .is_some_and(|names| names.contains(&name(path)))
    };
    let replaced = plan.files.iter().filter(|(path, text)| {
        let found = fs::read_to_string(path);
        !is_own(path)
            && path.exists()
            && found.is_ok_and(|found| found.replace("\r\n", "\n") != *text)
    });
    let mut foreign: Vec<String> = replaced.map(|(path, _)| name(path)).collect();
    // Next to an earlier export, other files are additions of the user. If there is no earlier export, the directory
    // has another purpose.
    let others = plan.stale.iter().filter(|path| !is_own(path));
    let others: Vec<String> = others.map(|path| name(path)).collect();
    if listed.is_none() {
        foreign.extend(others.iter().cloned());
    } else if !force && !others.is_empty() {
        espo_stdio::note!(
            "note: {} contains files that were not written by an export; they are kept: {}",
            folder.display(),
            some(&others)
        );
    }
    if !force && !foreign.is_empty() {
        return Err(Failure::Input(format!(
            "the directory {} contains files that were not written by an export: {}; nothing was written; choose \
             another directory, or pass --force to replace and delete them",
            folder.display(),
            some(&foreign)
        )));
    }
    let mut list = HEAD.to_owned();
    for (path, text) in plan.files {
        list += &name(&path);
        list.push('\n');
        changes.write(path, text);
    }
    for path in plan.stale {
        if force || is_own(&path) {
            changes.remove(path);
        }
    }
    changes.write(folder.join(LIST), list);
    Ok(())
}

/// The files of the earlier export; `None` if there was none.
fn listed(folder: &Path) -> Option<BTreeSet<String>> {
    let text = fs::read_to_string(folder.join(LIST)).ok()?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Some(lines.map(str::to_owned).collect())
}

/// Names for a message, which stays readable if there are many.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
