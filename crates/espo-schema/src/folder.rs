//! Writes a metadata tree as a directory of small files in EspoCRM's layout.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::Error;

/// The files of a metadata tree, and the existing files to delete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderPlan {
    /// Every file with its content, sorted by path.
    pub files: Vec<(PathBuf, String)>,
    /// Files of earlier metadata that the tree no longer has.
    pub stale: Vec<PathBuf>,
}

/// The changes made by [`write_folder`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Number of files that the directory contains now.
    pub files: usize,
    /// Files whose content changed or that are new.
    pub changed: Vec<PathBuf>,
    /// Files of earlier metadata that the tree no longer has; they were deleted.
    pub removed: Vec<PathBuf>,
}

/// Splits the tree that `GET Metadata` returns into files `section/Name.json`, one per body, with sorted keys, so
/// that a change can be reviewed file by file. [`Schema::load`](crate::Schema::load) returns the same schema for the
/// directory as for the tree. Other files in the directory are not changed.
///
/// # Errors
///
/// Fails if the name of a section or body is not a valid file name, or if the directory cannot be read.
pub fn plan_folder(tree: &Value, folder: &Path) -> Result<FolderPlan, Error> {
    let files = files(tree, folder)?;
    let kept: BTreeSet<&Path> = files.iter().map(|(path, _)| path.as_path()).collect();
    let written = files.iter().filter_map(|(path, _)| path.parent());
    // Sections of metadata that the tree lacks altogether, such as those that only an administrator sees.
    let known = crate::shape::SECTIONS
        .iter()
        .chain(&crate::shape::OTHER_SECTIONS);
    let sections: BTreeSet<PathBuf> = written
        .map(Path::to_owned)
        .chain(known.map(|section| folder.join(section)))
        .collect();
    let stale = stale(&kept, &sections)?;
    Ok(FolderPlan { files, stale })
}

/// Writes the files that [`plan_folder`] returns. Files that already have the right content are not touched, and
/// files of bodies that no longer exist are deleted.
///
/// # Errors
///
/// Returns the errors of [`plan_folder`], before anything is written. Also fails if a file cannot be written or deleted.
pub fn write_folder(tree: &Value, folder: &Path) -> Result<Written, Error> {
    let plan = plan_folder(tree, folder)?;
    let mut written = Written {
        files: plan.files.len(),
        ..Written::default()
    };
    for (path, text) in plan.files {
        if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            continue;
        }
        if let Some(section) = path.parent() {
            fs::create_dir_all(section).map_err(at(section))?;
        }
        fs::write(&path, text).map_err(at(&path))?;
        written.changed.push(path);
    }
    for path in plan.stale {
        fs::remove_file(&path).map_err(at(&path))?;
        written.removed.push(path);
    }
    Ok(written)
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path, source }
}

/// Path and text of each file, sorted.
fn files(tree: &Value, folder: &Path) -> Result<Vec<(PathBuf, String)>, Error> {
    let mut files = Vec::new();
    for (section, bodies) in tree.as_object().into_iter().flatten() {
        for (name, body) in bodies.as_object().into_iter().flatten() {
            for part in [section, name] {
                if !is_file_name(part) {
                    return Err(Error::Shape {
                        file: folder.display().to_string(),
                        path: format!("{section}.{name}"),
                        expected: "names that are valid file names".to_owned(),
                        found: format!("{part:?}"),
                        hint: "write the metadata to one file instead".to_owned(),
                    });
                }
            }
            // PHP prints an empty object as `[]`; a file with that content would be skipped.
            let body = match body {
                Value::Array(list) if list.is_empty() => Value::Object(Map::new()),
                body => sorted(body),
            };
            let text = format!("{body:#}\n");
            files.push((folder.join(section).join(format!("{name}.json")), text));
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// `unset.json` has another meaning in a directory, and a file whose name starts with a dot is not read.
fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name != "unset"
        && !name.starts_with('.')
        && !name.contains(|c: char| c.is_control() || r#"/\:*?"<>|"#.contains(c))
}

/// Returns files of bodies that are not in the tree.
fn stale(kept: &BTreeSet<&Path>, sections: &BTreeSet<PathBuf>) -> Result<Vec<PathBuf>, Error> {
    let mut stale = Vec::new();
    for section in sections.iter().filter(|section| section.is_dir()) {
        for entry in fs::read_dir(section).map_err(at(section))? {
            let path = entry.map_err(at(section))?.path();
            let is_body = path.extension().is_some_and(|e| e == "json")
                && path.file_stem().is_some_and(|name| name != "unset");
            if is_body && path.is_file() && !kept.contains(path.as_path()) {
                stale.push(path);
            }
        }
    }
    stale.sort_unstable();
    Ok(stale)
}

/// The value with sorted keys at every depth.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            let entries = entries.into_iter();
            Value::Object(entries.map(|(k, v)| (k.clone(), sorted(v))).collect())
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
