//! Reading of metadata from files and directories.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::Error;

/// One layer of metadata before it is merged.
pub(crate) struct Layer {
    /// The file or folder, as given.
    pub(crate) name: String,
    /// `{section: {name: body}}`
    pub(crate) tree: Value,
    /// Dotted paths that `unset.json` files of a folder take out of the merged tree.
    pub(crate) unset: Vec<Vec<String>>,
    /// Whether each body came from a separate file `section/name.json`.
    pub(crate) is_folder: bool,
}

impl Layer {
    pub(crate) fn from_value(value: Value, name: &str) -> Layer {
        Layer {
            name: name.to_owned(),
            tree: value,
            unset: Vec::new(),
            is_folder: false,
        }
    }

    pub(crate) fn read(path: &Path) -> Result<Layer, Error> {
        let meta = fs::metadata(path).map_err(|source| Error::Io {
            path: path.to_owned(),
            source,
        })?;
        if meta.is_dir() {
            read_folder(path)
        } else {
            Ok(Layer::from_value(
                read_json(path)?,
                &path.display().to_string(),
            ))
        }
    }

    /// The file that holds the value at this path.
    pub(crate) fn file_of(&self, path: &[&str]) -> String {
        match path {
            [section, name, ..] if self.is_folder => {
                let file: PathBuf = [self.name.as_str(), section, &format!("{name}.json")]
                    .iter()
                    .collect();
                file.display().to_string()
            }
            _ => self.name.clone(),
        }
    }
}

/// Sections are folders, bodies are the `.json` files in them. Deeper folders, hidden files and files with other suffixes
/// (`.json.bak`) are not read, as on the server.
fn read_folder(folder: &Path) -> Result<Layer, Error> {
    let mut tree = Map::new();
    let mut unset = Vec::new();
    for section in sorted_entries(folder)?.into_iter().filter(|p| p.is_dir()) {
        let Some(section_name) = visible_name(section.file_name()) else {
            continue;
        };
        for file in sorted_entries(&section)? {
            if file.extension().is_none_or(|e| e != "json") || file.is_dir() {
                continue;
            }
            let Some(name) = visible_name(file.file_stem()) else {
                continue;
            };
            let body = read_json(&file)?;
            if name == "unset" {
                unset.extend(unset_paths(&section_name, &body));
            } else if body.as_array().is_none_or(|list| !list.is_empty()) {
                // The server skips files that contain an empty list.
                let section = tree
                    .entry(section_name.clone())
                    .or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(bodies) = section {
                    bodies.insert(name, body);
                }
            }
        }
    }
    Ok(Layer {
        name: folder.display().to_string(),
        tree: Value::Object(tree),
        unset,
        is_folder: true,
    })
}

fn visible_name(name: Option<&std::ffi::OsStr>) -> Option<String> {
    name?
        .to_str()
        .filter(|name| !name.starts_with('.'))
        .map(str::to_owned)
}

/// Entries by name, so that the result does not depend on the file system.
fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let io = |source| Error::Io {
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        paths.push(entry.map_err(io)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Paths in `unset.json` start below the section.
fn unset_paths(section: &str, body: &Value) -> Vec<Vec<String>> {
    let list = body.as_array().map(Vec::as_slice).unwrap_or_default();
    let below = |path: &str| {
        std::iter::once(section)
            .chain(path.split('.'))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    list.iter().filter_map(Value::as_str).map(below).collect()
}

fn read_json(path: &Path) -> Result<Value, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })?;
    parse_json(&bytes, &path.display().to_string())
}

/// Parses the content of a file. Errors describe what the file contains if it is not JSON.
pub(crate) fn parse_json(bytes: &[u8], file: &str) -> Result<Value, Error> {
    let syntax = |message: String, hint: &str| {
        Err(Error::Syntax {
            file: file.to_owned(),
            message,
            hint: hint.to_owned(),
        })
    };
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return syntax(
            "the file is encoded in UTF-16".to_owned(),
            "save it as UTF-8; a redirect in PowerShell writes UTF-16",
        );
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => {
            return syntax(
                format!("the file is not UTF-8 (byte {})", e.valid_up_to()),
                "fetch the export again and save it unchanged",
            );
        }
    };
    let start = text.trim_start();
    if start.is_empty() {
        return syntax(
            "the file is empty, expected JSON".to_owned(),
            "the server returns an empty body if the login fails or if `key` does not exist; request `GET /api/v1/Metadata` \
             as a user that can log in, without `key`",
        );
    }
    if start.starts_with('<') {
        return syntax(
            "this is an HTML page, expected JSON".to_owned(),
            "the URL is not that of the API; fetch `GET /api/v1/Metadata` with credentials",
        );
    }
    serde_json::from_str(text).or_else(|e| {
        let hint = if e.is_eof() {
            "the file is truncated; fetch the export again"
        } else {
            "the file must contain the JSON returned by `GET /api/v1/Metadata` and nothing else"
        };
        syntax(format!("invalid JSON: {e}"), hint)
    })
}
