//! Metadata from a commit: `--against git:REF`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::failure::Failure;

/// Files of a commit in a temporary directory, which is deleted with this value.
pub(crate) struct Checkout {
    folder: TempDir,
    reference: String,
    /// The extracted paths, in the order in which they were given, without those that the commit does not have.
    pub(crate) paths: Vec<PathBuf>,
}

impl Checkout {
    /// A message about the temporary files, with their names in the commit.
    pub(crate) fn named(&self, message: &str) -> String {
        let mut named = message.to_owned();
        for index in 0..self.paths.len() {
            let folder = self.folder.path().join(index.to_string()).join("");
            let folder = folder.display().to_string();
            named = named.replace(&folder, &format!("git:{}:", self.reference));
        }
        named
    }
}

/// Extracts files and directories from a commit. Some of several paths may be missing in the commit, for example a
/// layer that the compared change adds.
pub(crate) fn checkout(reference: &str, paths: &[PathBuf]) -> Result<Checkout, Failure> {
    if reference.is_empty() || reference.starts_with('-') || reference.contains(':') {
        return Err(Failure::Input(format!(
            "invalid Git reference `{reference}`: expected a commit, branch or tag, such as git:origin/main"
        )));
    }
    let commit = format!("{reference}^{{commit}}");
    let known = command(
        Path::new("."),
        &["rev-parse", "--verify", "--quiet", &commit],
    )
    .output();
    let is_repository = git(&["rev-parse", "--git-dir"]);
    if let Err(Failure::Input(reason)) = &is_repository
        && reason.contains("not a git repository")
    {
        return Err(Failure::Input(
            "this directory is not in a Git repository; compare two exports with `diff OLD NEW`, or pass the path of the \
             earlier one with --against"
                .to_owned(),
        ));
    }
    if is_repository.is_ok() && !known.map_err(not_started)?.status.success() {
        if reference == "HEAD" {
            return Err(Failure::Input(
                "this repository has no commit yet; commit the metadata first, or compare two files with `diff OLD NEW`"
                    .to_owned(),
            ));
        }
        return Err(Failure::Input(format!(
            "this repository has no commit, branch or tag `{reference}`; if the remote has it, run `git fetch origin \
             {branch}` (CI often clones only the last commit)",
            branch = reference.strip_prefix("origin/").unwrap_or(reference),
        )));
    }
    let top = PathBuf::from(text(git(&["rev-parse", "--show-toplevel"])?).trim_end());
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::Input(format!("cannot create a temporary directory: {error}")))?;
    let mut extracted: Vec<PathBuf> = Vec::new();
    let mut missing = Vec::new();
    for path in paths {
        let inside = inside(&top, path)?;
        let listing = git_in(
            &top,
            &[
                "ls-tree",
                "-r",
                "-z",
                "--full-tree",
                reference,
                "--",
                &inside,
            ],
        )?;
        let files = files(&listing);
        if files.is_empty() {
            missing.push(inside);
            continue;
        }
        let target = folder.path().join(extracted.len().to_string());
        write(&top, &files, &target)?;
        extracted.push(target.join(&inside));
    }
    if extracted.is_empty() {
        return Err(Failure::Input(format!(
            "{reference} does not contain {}; pass a commit that contains it",
            missing.join(" and no ")
        )));
    }
    for path in missing {
        espo_stdio::note!(
            "note: {reference} does not contain {path}; it is compared as if it were empty"
        );
    }
    Ok(Checkout {
        folder,
        reference: reference.to_owned(),
        paths: extracted,
    })
}

/// A path relative to the top of the repository, with `/` as separator.
fn inside(top: &Path, path: &Path) -> Result<String, Failure> {
    let absolute = std::path::absolute(path).map_err(|error| Failure::file("find", path, error))?;
    let absolute = fs::canonicalize(&absolute).unwrap_or(absolute);
    let top = fs::canonicalize(top).unwrap_or_else(|_| top.to_path_buf());
    let relative = absolute.strip_prefix(&top).map_err(|_| {
        Failure::Input(format!(
            "{} is not in the Git repository {}",
            path.display(),
            top.display()
        ))
    })?;
    let parts = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    Ok(parts.collect::<Vec<_>>().join("/"))
}

/// Object and path of each regular file in the output of `ls-tree -r -z`.
fn files(listing: &[u8]) -> Vec<(String, String)> {
    let entries = listing.split(|byte| *byte == 0).filter_map(|entry| {
        let entry = std::str::from_utf8(entry).ok()?;
        let (head, path) = entry.split_once('\t')?;
        let mut head = head.split(' ');
        let (mode, kind, object) = (head.next()?, head.next()?, head.next()?);
        (kind == "blob" && mode != "120000").then(|| (object.to_owned(), path.to_owned()))
    });
    entries.collect()
}

fn write(top: &Path, files: &[(String, String)], target: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Input(format!("cannot read from Git: {error}"));
    let mut child = command(top, &["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(not_started)?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
    };
    let objects: String = files
        .iter()
        .map(|(object, _)| format!("{object}\n"))
        .collect();
    // In a thread, because Git stops reading while its output is not read.
    let asking = std::thread::spawn(move || stdin.write_all(objects.as_bytes()));
    let mut stdout = BufReader::new(stdout);
    for (_, path) in files {
        let mut head = String::new();
        stdout.read_line(&mut head).map_err(failed)?;
        let size = head
            .trim_end()
            .rsplit(' ')
            .next()
            .and_then(|size| size.parse::<usize>().ok());
        let size = size.ok_or_else(|| {
            Failure::Input(format!("cannot read {path} from Git: {}", head.trim_end()))
        })?;
        // The contents are followed by a line feed.
        let mut contents = vec![0; size + 1];
        stdout.read_exact(&mut contents).map_err(failed)?;
        contents.pop();
        let to = target.join(path);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(|error| Failure::file("create", parent, error))?;
        }
        fs::write(&to, contents).map_err(|error| Failure::file("write", &to, error))?;
    }
    // A failure to write is detected when the output is read.
    let _ = asking.join();
    child.wait().map_err(failed)?;
    Ok(())
}

fn git(arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    git_in(Path::new("."), arguments)
}

fn git_in(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let output = command(folder, arguments).output().map_err(not_started)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    let reason = reason.trim_end();
    Err(Failure::Input(format!(
        "`git {}` failed: {reason}",
        arguments.join(" ")
    )))
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    // The name of a directory may start with `:`.
    command.env("GIT_LITERAL_PATHSPECS", "1");
    // Git runs the hooks and helpers of a repository, which do not need the credentials of this program.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ESPO_") {
            command.env_remove(name);
        }
    }
    command
}

fn not_started(error: std::io::Error) -> Failure {
    Failure::Input(format!(
        "cannot run git: {error}; install Git, or compare two files with `diff OLD NEW`"
    ))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}
