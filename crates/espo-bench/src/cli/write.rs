//! Output files of a report.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
#[cfg(unix)]
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::time::{Duration, Instant};

use clap::Args;
use espo_bench::{Error, Report, Result, output};

/// How long to wait for a program that reads a named pipe.
#[cfg(unix)]
const READER_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Write the report as JSON. For all outputs, `-` means standard output and replaces the table.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write CSV with one row per operation and outcome.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write one self-contained HTML page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write Markdown for a pull request.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write metrics in the Prometheus text format.
    #[arg(long, value_name = "FILE")]
    prometheus: Option<PathBuf>,
    /// Write JUnit XML for CI systems, with one test case per SLO and one per requirement of a complete run.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl OutputArgs {
    /// Returns the options that were given, and their files.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        let all = [
            ("--json", &self.json),
            ("--csv", &self.csv),
            ("--html", &self.html),
            ("--markdown", &self.markdown),
            ("--prometheus", &self.prometheus),
            ("--junit", &self.junit),
        ];
        all.into_iter()
            .filter_map(|(option, path)| Some((option, path.as_ref()?)))
    }

    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.given().map(|(_, path)| path)
    }

    /// Returns whether an output goes to standard output, which must then contain nothing else.
    pub(crate) fn takes_stdout(&self) -> bool {
        takes_stdout(self.files())
    }

    /// Checks before the load that all files can be written, so that a long run does not end without a report.
    /// `others` are further outputs, `inputs` files that the command reads.
    pub(crate) fn check<'a>(
        &'a self,
        others: impl IntoIterator<Item = &'a PathBuf>,
        inputs: impl IntoIterator<Item = &'a PathBuf>,
    ) -> Result<()> {
        check(self.files().chain(others), inputs)
    }

    /// Writes all files, even if one of them fails, and returns the failures.
    pub(crate) fn write(&self, report: &Report) -> Vec<String> {
        type Form = fn(&Report) -> String;
        let forms: [(&Option<PathBuf>, Form); 6] = [
            (&self.json, Report::to_json),
            (&self.csv, output::csv),
            (&self.html, output::html),
            (&self.markdown, output::markdown),
            (&self.prometheus, output::prometheus),
            (&self.junit, output::junit),
        ];
        let mut failures = Vec::new();
        for (path, form) in forms {
            file(path.as_ref(), || form(report), &mut failures);
        }
        failures
    }
}

/// Checks that the files can be written, that no two outputs use the same file, and that no output replaces an input.
pub(crate) fn check<'a>(
    files: impl IntoIterator<Item = &'a PathBuf>,
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<()> {
    let inputs: Vec<Identity> = inputs.into_iter().map(|path| identity(path)).collect();
    let mut seen: Vec<Identity> = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        let whole = identity(file);
        let is_special = std::fs::metadata(file).is_ok_and(|m| !m.is_file());
        let shown = file.display();
        if seen.contains(&whole) && !is_special {
            problems.push(format!(
                "cannot write two outputs to {shown}: use a different file for each"
            ));
        }
        if inputs.contains(&whole) && !is_special {
            problems.push(format!(
                "cannot write an output to {shown}, which this command also uses as a ledger or an input: use a different file"
            ));
        }
        seen.push(whole);
        if !is_stdout(file)
            && let Err(error) = try_open(file)
        {
            problems.push(cannot_write(file, &error));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Output(problems))
    }
}

/// The file that a path refers to: the file itself if it exists, so that links to one file are equal, else its full
/// path.
#[derive(Debug, PartialEq, Eq)]
enum Identity {
    #[cfg(unix)]
    File(u64, u64),
    Path(PathBuf),
}

fn identity(path: &Path) -> Identity {
    #[cfg(unix)]
    if let Ok(known) = std::fs::metadata(path) {
        use std::os::unix::fs::MetadataExt as _;
        return Identity::File(known.dev(), known.ino());
    }
    let path = followed(path);
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = std::fs::canonicalize(parent.unwrap_or(Path::new(".")));
    Identity::Path(match (parent, path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => std::path::absolute(&path).unwrap_or(path),
    })
}

/// Follows symbolic links, even to a file that does not exist yet.
fn followed(path: &Path) -> PathBuf {
    const MOST: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST {
        let Ok(target) = std::fs::read_link(&path) else {
            break;
        };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

/// Opens a file for writing without changing it.
fn try_open(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(known) if known.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(known) if known.is_file() => OpenOptions::new().append(true).open(path).map(drop),
        // Opening a named pipe would block until it has a reader.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let path = followed(path);
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)?;
            std::fs::remove_file(path)
        }
        Err(error) => Err(error),
    }
}

/// Writes a file if it was requested, and records a failure.
pub(crate) fn file(
    path: Option<&PathBuf>,
    text: impl FnOnce() -> String,
    failures: &mut Vec<String>,
) {
    let Some(path) = path else { return };
    let written = if is_stdout(path) {
        espo_stdio::out!("{}", text())
    } else {
        replace(path, text().as_bytes())
    };
    match written {
        Ok(()) => {}
        Err(error) if is_stdout(path) => failures.push(error.to_string()),
        Err(error) => failures.push(cannot_write(path, &error)),
    }
}

/// Writes a file in one step, so that a full disk or a killed process leaves neither half of a report nor an empty file
/// in place of an earlier one.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    // The link of a pipe, such as /dev/stdout, has a target without a name.
    let is_special = std::fs::metadata(path).is_ok_and(|known| !known.is_file());
    if is_special {
        return open_special(path)?.write_all(content);
    }
    // A link continues to point to the file.
    let target = followed(path);
    let known = std::fs::metadata(&target).ok();
    let in_place = || std::fs::write(&target, content);
    let directory = target.parent().filter(|p| !p.as_os_str().is_empty());
    let mut options = tempfile::Builder::new();
    options.prefix(".espo-bench-");
    #[cfg(unix)]
    let options = {
        use std::os::unix::fs::PermissionsExt as _;
        // The mode of a new file, from which the system removes the bits of the umask.
        options.permissions(std::fs::Permissions::from_mode(0o666))
    };
    let Ok(mut file) = options.tempfile_in(directory.unwrap_or(Path::new("."))) else {
        // The file may be writable in a directory that is not.
        return in_place();
    };
    // The error of the wrapper names the temporary file.
    file.as_file_mut().write_all(content)?;
    if let Some(known) = known {
        file.as_file().set_permissions(known.permissions())?;
    }
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// Opens a device or a named pipe. A named pipe blocks until a program reads it.
fn open_special(path: &Path) -> io::Result<std::fs::File> {
    #[cfg(unix)]
    if std::fs::metadata(path)?.file_type().is_fifo() {
        let end = Instant::now() + READER_TIMEOUT;
        let mut options = OpenOptions::new();
        options.write(true);
        let mut probe = options.clone();
        probe.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        let _held = loop {
            match probe.open(path) {
                Err(error)
                    if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) =>
                {
                    if Instant::now() >= end {
                        return Err(io::Error::other("no program reads this pipe"));
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
                opened => break opened?,
            }
        };
        // It has a reader, so this returns at once. Writes to it wait for the reader.
        return options.open(path);
    }
    OpenOptions::new().write(true).open(path)
}

/// Returns whether an output goes to standard output, which must then contain nothing else.
pub(crate) fn takes_stdout<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> bool {
    files.into_iter().any(|path| is_stdout(path))
}

/// Returns whether the path is `-`, which means standard output.
fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Prints text after all files are written, and returns `code` if nothing failed.
pub(crate) fn finish(mut failures: Vec<String>, text: &str, code: u8) -> Result<u8> {
    if let Err(error) = espo_stdio::out!("{text}") {
        failures.push(error.to_string());
    }
    if failures.is_empty() {
        Ok(code)
    } else {
        Err(Error::Output(failures))
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
