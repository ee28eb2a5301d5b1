//! Reading of metadata from files and directories.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::Error;
use crate::shape::{OTHER_SECTIONS, SECTIONS};

/// One layer of metadata before it is merged.
pub(crate) struct Layer {
    /// The file or directory, as passed by the caller.
    pub(crate) name: String,
    /// `{section: {name: body}}`
    pub(crate) tree: Value,
    /// Dotted paths that `unset.json` files of a directory remove from the merged tree.
    pub(crate) unset: Vec<Vec<String>>,
    /// Whether each body came from a separate file `section/name.json`.
    pub(crate) is_folder: bool,
    /// Files and directories that are probably meant to be read but are not, with the reason.
    pub(crate) ignored: Vec<(PathBuf, &'static str)>,
}

impl Layer {
    pub(crate) fn from_value(value: Value, name: &str) -> Layer {
        Layer {
            name: name.to_owned(),
            tree: value,
            unset: Vec::new(),
            is_folder: false,
            ignored: Vec::new(),
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
            let bytes = read_file(path)?;
            let name = path.display().to_string();
            Ok(Layer::from_value(parse_json(&bytes, &name)?, &name))
        }
    }

    /// The file that contains the value at this path.
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

/// Sections are directories, and bodies are the `.json` files in them. As on the server, deeper directories, hidden
/// files and files with other suffixes (`.json.bak`) are not read.
fn read_folder(folder: &Path) -> Result<Layer, Error> {
    let mut tree = Map::new();
    let mut unset = Vec::new();
    let mut ignored = Vec::new();
    for section in sorted_entries(folder)?.into_iter().filter(|p| p.is_dir()) {
        let Some(section_name) = visible_name(section.file_name()) else {
            continue;
        };
        let is_other_case =
            |known: &&str| known.eq_ignore_ascii_case(&section_name) && **known != section_name;
        if SECTIONS.iter().chain(&OTHER_SECTIONS).any(is_other_case) {
            ignored.push((
                section.clone(),
                "names of sections are case-sensitive on the server",
            ));
        }
        for file in sorted_entries(&section)? {
            if file.is_dir() {
                continue;
            }
            match file.extension() {
                Some(extension) if extension == "json" => {}
                Some(extension) if extension.eq_ignore_ascii_case("json") => {
                    ignored.push((file, "the server reads only files that end with .json"));
                    continue;
                }
                _ => continue,
            }
            if file.file_stem().is_some_and(|name| name.to_str().is_none()) {
                ignored.push((file, "its name is not UTF-8"));
                continue;
            }
            let Some(name) = visible_name(file.file_stem()) else {
                continue;
            };
            let body = parse_part(&read_file(&file)?, &file.display().to_string())?;
            if name == "unset" && !body.is_array() {
                ignored.push((file, "unset.json contains no list of paths"));
                continue;
            }
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
        ignored,
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

/// The directory with metadata that was probably meant, if the given one has none: a section was given instead of the
/// directory above it, or a directory of a module or of a whole installation.
pub(crate) fn meant(folder: &Path) -> Option<PathBuf> {
    let is_section = |path: &Path| {
        let name = path.file_name().and_then(std::ffi::OsStr::to_str);
        name.is_some_and(|name| SECTIONS.contains(&name))
    };
    let has_bodies = |path: &Path| {
        let entries = sorted_entries(path).unwrap_or_default();
        entries
            .iter()
            .any(|path| path.extension().is_some_and(|e| e == "json"))
    };
    if is_section(folder) && has_bodies(folder) {
        return folder.parent().map(Path::to_owned);
    }
    // `custom/Espo/Modules/X/Resources/metadata` is the deepest place in an installation.
    const DEPTH: usize = 7;
    const DIRECTORIES: usize = 5_000;
    let mut visited = 0;
    let mut level = vec![folder.to_owned()];
    for _ in 0..DEPTH {
        let mut below = Vec::new();
        for path in level {
            visited += 1;
            if visited > DIRECTORIES {
                return None;
            }
            let folders = sorted_entries(&path).unwrap_or_default();
            let folders = folders
                .into_iter()
                .filter(|path| path.is_dir() && !path.is_symlink());
            for path in folders {
                // The files in the given directory itself have been read.
                if path.parent() != Some(folder) && is_section(&path) && has_bodies(&path) {
                    return path.parent().map(Path::to_owned);
                }
                below.push(path);
            }
        }
        level = below;
    }
    None
}

fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// Parses the content of a file with one section's body.
fn parse_part(bytes: &[u8], file: &str) -> Result<Value, Error> {
    parse_json(bytes, file).map_err(|error| match error {
        Error::Syntax {
            file,
            message,
            hint,
        } if !hint.contains("conflict") && !hint.contains("LFS") => {
            let hint = match message.as_str() {
                "the file is empty, expected JSON" => "delete it, or write {} into it".to_owned(),
                _ => "correct the file; EspoCRM cannot read it either".to_owned(),
            };
            Error::Syntax {
                file,
                message,
                hint,
            }
        }
        other => other,
    })
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
    if let Some(line) = text.lines().position(|line| line.starts_with("<<<<<<< ")) {
        return syntax(
            format!("line {}: unresolved merge conflict", line + 1),
            "resolve the conflict, or export the metadata again",
        );
    }
    if start.starts_with("version https://git-lfs") {
        return syntax(
            "this is a Git LFS pointer, expected JSON".to_owned(),
            "fetch the content with `git lfs pull`",
        );
    }
    if start.starts_with('<') {
        return syntax(
            "this is an HTML page, expected JSON".to_owned(),
            "the URL does not lead to the API; fetch `GET /api/v1/Metadata` with credentials",
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
