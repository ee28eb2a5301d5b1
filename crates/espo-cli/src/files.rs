//! Changes to several files, made either completely or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempPath;

use crate::failure::Failure;

/// Files to write and to delete.
#[derive(Default)]
pub(crate) struct Changes {
    writes: Vec<Write>,
    /// Directories of all files, including those that already have their content.
    folders: BTreeSet<PathBuf>,
    removals: Vec<PathBuf>,
    /// Pipes and devices, which are written to and not replaced.
    streams: Vec<(PathBuf, String)>,
}

/// A file to write.
struct Write {
    path: PathBuf,
    text: String,
    /// Only the owner may read the file.
    private: bool,
}

impl Changes {
    /// Schedules a file with credentials to be written, which only its owner may read.
    #[cfg_attr(not(feature = "network"), allow(dead_code))]
    pub(crate) fn write_private(&mut self, path: impl Into<PathBuf>, text: impl Into<String>) {
        let (path, text) = (path.into(), text.into());
        self.folders.insert(folder_of(&path).to_path_buf());
        self.writes.push(Write {
            path,
            text,
            private: true,
        });
    }

    /// Schedules a file to be written, in the order of the calls. A file that already has this content, ignoring line
    /// ends that a checkout converted, is not modified.
    pub(crate) fn write(&mut self, path: impl Into<PathBuf>, text: impl Into<String>) {
        let (path, text) = (path.into(), text.into());
        let is_special = |found: &fs::Metadata| !found.is_file() && !found.is_dir();
        if fs::metadata(&path).is_ok_and(|found| is_special(&found)) {
            self.streams.push((path, text));
            return;
        }
        self.folders.insert(folder_of(&path).to_path_buf());
        let is_same = |found: String| found == text || found.replace("\r\n", "\n") == text;
        if !fs::read_to_string(&path).is_ok_and(is_same) {
            self.writes.push(Write {
                path,
                text,
                private: false,
            });
        }
    }

    pub(crate) fn remove(&mut self, path: impl Into<PathBuf>) {
        self.removals.push(path.into());
    }

    #[cfg_attr(not(feature = "network"), allow(dead_code))]
    pub(crate) fn written(&self) -> impl Iterator<Item = &Path> {
        self.writes.iter().map(|write| write.path.as_path())
    }

    /// Makes the changes. All new contents are on the disk before the first file is replaced. After an error, every
    /// file has its previous content, and new directories are gone.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        for folder in &self.folders {
            remove_leftovers(folder);
        }
        let mut undo = Undo::default();
        let mut staged = Vec::new();
        for write in &self.writes {
            match stage(write, &mut undo.folders) {
                Ok(file) => staged.push(file),
                Err(failure) => {
                    drop(staged);
                    return Err(undo.run(failure));
                }
            }
        }
        for (path, file) in staged {
            undo.remember(&path)?;
            if let Err(error) = file.persist(&path) {
                let failure = Failure::file("write", &path, error.error);
                return Err(undo.run(failure));
            }
        }
        for (path, text) in &self.streams {
            let opened = fs::OpenOptions::new().write(true).open(path);
            if let Err(error) = opened.and_then(|mut stream| stream.write_all(text.as_bytes())) {
                return Err(undo.run(Failure::file("write", path, error)));
            }
        }
        for path in &self.removals {
            undo.remember(path)?;
            if let Err(error) = fs::remove_file(path) {
                return Err(undo.run(Failure::file("delete", path, error)));
            }
        }
        Ok(())
    }
}

const PREFIX: &str = ".espo-";
const SUFFIX: &str = ".new";

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Age from which a temporary file is that of a killed process.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// Deletes the temporary files that a killed process left in a directory.
fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let is_abandoned = |entry: &fs::DirEntry| {
        let modified = entry.metadata().and_then(|found| found.modified()).ok();
        let age = modified.and_then(|modified| modified.elapsed().ok());
        age.is_some_and(|age| age > ABANDONED)
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) && is_abandoned(&entry) {
            // The file does no harm, so that a failure is no reason to stop.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Creates a directory and the missing ones above it, and records those that were created.
fn create_folder(folder: &Path, created: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let missing = folder
        .ancestors()
        .take_while(|above| !above.as_os_str().is_empty() && !above.exists());
    let missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
    let result = fs::create_dir_all(folder);
    created.extend(missing.into_iter().rev());
    result
}

/// Writes the text to a temporary file next to the file that it will replace, or next to the target of a symbolic link.
fn stage(write: &Write, created: &mut Vec<PathBuf>) -> Result<(PathBuf, TempPath), Failure> {
    let path = write.path.as_path();
    let failed = |error| Failure::file("write", path, error);
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = folder_of(&path);
    create_folder(folder, created).map_err(|error| Failure::file("create", folder, error))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Temporary files are private; these get the permissions of ordinary files, limited by the process's umask.
        let mode = if write.private { 0o600 } else { 0o666 };
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    let mut file = builder.tempfile_in(folder).map_err(|error| {
        // The error names the temporary file; its source is the reason.
        let reason = std::error::Error::source(&error).map(ToString::to_string);
        Failure::file(
            "write",
            &write.path,
            reason.unwrap_or_else(|| error.to_string()),
        )
    })?;
    file.write_all(write.text.as_bytes()).map_err(failed)?;
    if let Ok(metadata) = fs::metadata(&path) {
        if metadata.permissions().readonly() {
            return Err(Failure::file("write", &path, "the file is read-only"));
        }
        if !write.private {
            file.as_file()
                .set_permissions(metadata.permissions())
                .map_err(failed)?;
        }
    }
    // Closed, because an export has more files than a process may have open.
    Ok((path, file.into_temp_path()))
}

/// The previous contents of the files, and the directories that did not exist.
#[derive(Default)]
struct Undo {
    folders: Vec<PathBuf>,
    before: Vec<(PathBuf, Option<Vec<u8>>)>,
}

impl Undo {
    fn remember(&mut self, path: &Path) -> Result<(), Failure> {
        let contents = match fs::read(path) {
            Ok(contents) => Some(contents),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(self.run(Failure::file("read", path, error))),
        };
        self.before.push((path.to_path_buf(), contents));
        Ok(())
    }

    /// Restores all files, deletes new directories, and returns the failure, extended by the files that could not be
    /// restored.
    fn run(&mut self, failure: Failure) -> Failure {
        let mut lost = Vec::new();
        for (path, contents) in self.before.drain(..).rev() {
            let restored = match contents {
                Some(contents) => fs::write(&path, contents),
                None => match fs::remove_file(&path) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                    other => other,
                },
            };
            if let Err(error) = restored {
                lost.push(format!("{}: {error}", path.display()));
            }
        }
        for folder in self.folders.drain(..).rev() {
            // A directory that another process writes to is not empty and stays.
            let _ = fs::remove_dir(folder);
        }
        if lost.is_empty() {
            return failure;
        }
        Failure::Input(format!(
            "{failure}; these files could not be restored: {}",
            lost.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn failed_changes_leave_every_file_as_before() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "old").expect("written");
        // A directory in the place of a file cannot be replaced.
        fs::create_dir_all(path("c/d")).expect("created");
        let mut changes = Changes::default();
        changes.write(path("a"), "new");
        changes.write(path("b"), "new");
        changes.write(path("c"), "new");
        assert!(changes.commit().is_err());
        assert_eq!(fs::read_to_string(path("a")).expect("the file"), "old");
        assert!(!path("b").exists());
        assert_eq!(
            fs::read_dir(folder.path()).expect("the directory").count(),
            2
        );
    }

    #[test]
    fn a_failed_deletion_restores_written_files() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "old").expect("written");
        let mut changes = Changes::default();
        changes.write(path("a"), "new");
        changes.remove(path("missing"));
        assert!(changes.commit().is_err());
        assert_eq!(fs::read_to_string(path("a")).expect("the file"), "old");
    }

    #[test]
    fn a_failed_change_leaves_no_new_directories() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "").expect("written");
        let mut changes = Changes::default();
        changes.write(path("a/b/c"), "new");
        changes.write(path("a/d/e"), "new");
        changes.write(path("file/f"), "new");
        assert!(changes.commit().is_err());
        assert!(path("file").exists() && !path("a").exists());
    }

    #[test]
    fn temporary_files_of_killed_processes_are_deleted_and_others_kept() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = |name: &str| folder.path().join(name);
        for name in [".espo-killed.new", ".espo-running.new", ".espo-notes", "a"] {
            fs::write(path(name), "x").expect("written");
        }
        let killed = fs::File::options()
            .write(true)
            .open(path(".espo-killed.new"))
            .expect("opened");
        let old = SystemTime::now() - 2 * ABANDONED;
        killed.set_modified(old).expect("set");
        let mut changes = Changes::default();
        changes.write(path("a"), "x");
        changes.commit().expect("nothing to write");
        assert!(!path(".espo-killed.new").exists());
        assert!(path(".espo-running.new").exists() && path(".espo-notes").exists());
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_written_to_and_not_replaced() {
        use std::os::unix::fs::FileTypeExt as _;
        let mut changes = Changes::default();
        changes.write("/dev/null", "text");
        changes.commit().expect("written");
        let kind = fs::metadata("/dev/null").expect("there").file_type();
        assert!(kind.is_char_device());
    }

    #[test]
    fn unchanged_files_are_not_written() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("a");
        fs::write(&path, "one\r\ntwo\r\n").expect("written");
        let mut changes = Changes::default();
        changes.write(&path, "one\ntwo\n");
        assert_eq!(changes.written().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_symbolic_links_are_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a directory");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("target"), "old").expect("written");
        fs::set_permissions(path("target"), fs::Permissions::from_mode(0o640)).expect("set");
        std::os::unix::fs::symlink(path("target"), path("link")).expect("linked");
        let mut changes = Changes::default();
        changes.write(path("link"), "new");
        changes.commit().expect("written");
        assert_eq!(fs::read_to_string(path("target")).expect("the file"), "new");
        assert!(path("link").is_symlink());
        let mode = fs::metadata(path("target"))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}
