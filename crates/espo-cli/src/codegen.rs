//! `cargo xtask codegen`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use espo_codegen::{Generator, Output};
use espo_schema::Schema;

use crate::Failure;

/// Arguments of `cargo xtask codegen`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Metadata: a folder laid out as EspoCRM lays its own out, or one file as `GET Metadata` answers it. Later ones
    /// are merged over earlier ones. Without it, the workspace's `metadata/`.
    #[arg(long = "metadata", value_name = "PATH")]
    metadata: Vec<PathBuf>,
    /// Writes a whole crate into this folder instead of `espo-typed`'s modules.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Name of that crate.
    #[arg(long, value_name = "NAME", requires = "out")]
    crate_name: Option<String>,
    /// Only these entity types, separated by commas; of the others only the names exist, for typed ids.
    #[arg(long, value_name = "ENTITY TYPES", value_delimiter = ',')]
    only: Vec<String>,
    /// A TOML file with names and types that are wanted otherwise; see `espo_codegen::Overrides`.
    #[arg(long, value_name = "FILE")]
    overrides: Option<PathBuf>,
    /// What the crate has for `espo-core` in its manifest, such as `"0.1"`. Without it, the path of this workspace's.
    #[arg(long, value_name = "DEPENDENCY", requires = "out")]
    espo_core: Option<String>,
    /// Writes nothing; exits with 1 and names the files that differ from what would be generated.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let root = root();
    let metadata = if args.metadata.is_empty() {
        vec![root.join("metadata")]
    } else {
        args.metadata.clone()
    };
    let start = Instant::now();
    let schema = Schema::load(&metadata)?;
    for diagnostic in &schema.diagnostics {
        espo_stdio::note!("{}: {diagnostic}", diagnostic.level);
    }
    let loaded = start.elapsed();
    let mut generator = Generator::new().only(args.only.iter().cloned());
    if let Some(path) = &args.overrides {
        generator = generator.overrides(espo_codegen::Overrides::load(path)?);
    }
    let output = generator.generate(&schema)?;
    let generated = start.elapsed() - loaded;

    let (folder, output) = match &args.out {
        None => (root.join("crates/espo-typed/src/generated"), output),
        Some(folder) => (
            folder.clone(),
            output
                .into_crate(&crate_name(args, folder)?, &dependency(args, folder, &root))
                .keep_manifest(folder)?,
        ),
    };
    let manifest = args
        .out
        .is_none()
        .then(|| root.join("crates/espo-typed/Cargo.toml"));
    if args.check {
        return check(&output, &folder, manifest.as_deref());
    }
    output.write_to(&folder)?;
    if let Some(path) = &manifest {
        let text = output.manifest(path)?;
        if std::fs::read_to_string(path)? != text {
            std::fs::write(path, text)?;
        }
    }
    let (files, lines) = output.files().fold((0, 0), |(files, lines), (_, text)| {
        (files + 1, lines + text.lines().count())
    });
    espo_stdio::outln!(
        "{} entity types from {}: {files} files, {lines} lines in {} (read in {loaded:.0?}, generated in {generated:.0?})",
        schema.entity_types.len(),
        metadata
            .iter()
            .map(|path| path.display().to_string())
            .collect::<Vec<_>>()
            .join(" + "),
        folder.display(),
    )?;
    Ok(())
}

/// Generates the stock SDK.
pub(crate) fn write_stock() -> Result<(), Failure> {
    run(&Args::stock(false))
}

/// Checks that the stock SDK is what the checked-in metadata gives.
pub(crate) fn check_stock() -> Result<(), Failure> {
    run(&Args::stock(true))
}

impl Args {
    fn stock(check: bool) -> Self {
        Self {
            metadata: Vec::new(),
            out: None,
            crate_name: None,
            only: Vec::new(),
            espo_core: None,
            overrides: None,
            check,
        }
    }
}

fn check(output: &Output, folder: &Path, manifest: Option<&Path>) -> Result<(), Failure> {
    let drift = output.drift(folder)?;
    let mut lines: Vec<String> = Vec::new();
    let groups = [
        ("differs", &drift.changed),
        ("is missing", &drift.missing),
        ("is no longer generated", &drift.stale),
    ];
    for (what, paths) in groups {
        lines.extend(
            paths
                .iter()
                .map(|path| format!("{} {what}", path.display())),
        );
    }
    if let Some(path) = manifest
        && output.manifest(path)? != std::fs::read_to_string(path)?
    {
        lines.push(format!("{} differs in its features", path.display()));
    }
    if lines.is_empty() {
        espo_stdio::outln!("{} is up to date", folder.display())?;
        return Ok(());
    }
    for line in &lines {
        espo_stdio::outln!("{line}")?;
    }
    Err(Failure::Check(format!(
        "{} files are not what the metadata gives; run `cargo xtask codegen`",
        lines.len()
    )))
}

fn crate_name(args: &Args, folder: &Path) -> Result<String, Failure> {
    let name = match &args.crate_name {
        Some(name) => name.clone(),
        None => folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
    };
    let fine = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if fine {
        Ok(name)
    } else {
        Err(Failure::Input(format!(
            "`{name}` is no name for a crate: it must begin with a letter and hold letters, digits, `-` and `_` only; give one with --crate-name"
        )))
    }
}

/// A path that the crate in `folder` reaches this workspace's `espo-core` by.
fn dependency(args: &Args, folder: &Path, root: &Path) -> String {
    match &args.espo_core {
        Some(dependency) => dependency.clone(),
        // Debug escapes as TOML's basic strings do.
        None => format!(
            "{{ path = {:?} }}",
            from(folder, &root.join("crates/espo-core"))
        ),
    }
}

/// `target` as seen from `folder`: relative, so that both can lie elsewhere on another machine, unless they have
/// nothing in common.
fn from(folder: &Path, target: &Path) -> String {
    let real = |path: &Path| -> std::io::Result<PathBuf> {
        let path = std::path::absolute(path)?;
        // The folder need not be there yet; what is there may be reached through links.
        let there = path.ancestors().find(|path| path.exists());
        let there = there.unwrap_or(&path);
        let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
        Ok(there.canonicalize()?.join(rest))
    };
    let (Ok(folder), Ok(target)) = (real(folder), real(target)) else {
        return target.display().to_string();
    };
    let (mut from, mut to) = (
        folder.components().peekable(),
        target.components().peekable(),
    );
    let mut common = 0;
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
        common += 1;
    }
    // The root alone is no place that both lie in.
    if common < 2 {
        return target.display().to_string();
    }
    let up = from.map(|_| "..".to_owned());
    let down = to.map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest
        .parent()
        .map_or(manifest.clone(), Path::to_path_buf)
}
