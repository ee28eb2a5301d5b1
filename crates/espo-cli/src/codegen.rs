//! `espo codegen`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use espo_codegen::{Generator, Output, Overrides};
use espo_schema::Schema;

use crate::arguments::{self, crate_name};
use crate::config::{Config, Dependency, FILE};
use crate::failure::{self, Failure};
use crate::files::Changes;
use crate::workspace;

/// Generate the typed SDK from metadata.
///
/// Without options, all settings come from espo.toml. Requires neither network access nor credentials. Either all files
/// are written or none. Only previously generated files are replaced or deleted.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Metadata: a directory with the layout of EspoCRM's metadata (entityDefs/Account.json, …) or a JSON file returned
    /// by `GET Metadata`. Repeatable: later ones are merged over earlier ones. Defaults to the layers in espo.toml.
    #[arg(long = "metadata", value_name = "PATH")]
    metadata: Vec<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
    /// Write nothing; exit with 1 and list the files that are not up to date.
    #[arg(long)]
    check: bool,
}

/// Options for the output of the generator.
#[derive(clap::Args, Default)]
pub(crate) struct TargetArgs {
    /// Directory of the crate to write. Defaults to the output in espo.toml.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Name of the crate in --out. Defaults to the name of its directory.
    #[arg(long, value_name = "NAME", requires = "out")]
    crate_name: Option<String>,
    /// Generate only these entity types, separated by commas. Other entity types become empty types, so that typed IDs
    /// still compile.
    #[arg(long, value_name = "ENTITY TYPES", value_delimiter = ',', value_parser = arguments::entity_type)]
    only: Vec<String>,
    /// TOML file that overrides the names and types of entity types and attributes.
    #[arg(long, value_name = "FILE")]
    overrides: Option<PathBuf>,
    /// espo-core dependency of the crate in --out, as in a Cargo.toml: a version such as `"0.1"`, or `{ path = "…" }`.
    #[arg(long, value_name = "DEPENDENCY", requires = "out")]
    espo_core: Option<String>,
    /// Also replace files that were not generated.
    #[arg(long, conflicts_with = "check")]
    force: bool,
}

impl TargetArgs {
    /// The entity types to generate; empty for all of them.
    fn only<'a>(&'a self, config: &'a Config) -> &'a [String] {
        if self.only.is_empty() {
            &config.generate.entity_types
        } else {
            &self.only
        }
    }
}

/// The kind of output.
enum Target {
    /// A complete crate.
    Package {
        folder: PathBuf,
        name: String,
        espo_core: String,
    },
    /// Modules of an existing crate.
    Modules {
        folder: PathBuf,
        manifest: Option<PathBuf>,
    },
}

/// The code for a schema, ready to be written.
pub(crate) struct Generated {
    output: Output,
    folder: PathBuf,
    manifest: Option<PathBuf>,
    /// Number of entity types.
    count: usize,
}

pub(crate) fn run(args: &Args, config: &Config) -> Result<(), Failure> {
    let metadata = config.layers(&args.metadata)?;
    let start = Instant::now();
    let schema = load(&metadata)?;
    let loaded = start.elapsed();
    let generated = generate(&schema, &args.target, config)?;
    let took = start.elapsed() - loaded;
    if args.check {
        return generated.check();
    }
    let mut changes = Changes::default();
    generated.plan(&mut changes, args.target.force)?;
    let is_new = generated.manifest.is_none() && !generated.folder.join("Cargo.toml").exists();
    changes.commit()?;
    if is_new
        && generated.folder.join("Cargo.toml").exists()
        && let Some(advice) = workspace::advice(&generated.folder)
    {
        espo_stdio::note!("{}", espo_stdio::one_line(&advice));
    }
    let shown: Vec<String> = metadata
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let all = schema.entity_types.len();
    let count = match generated.count {
        count if count == all => format!("{all} entity types"),
        some => format!("{some} of {all} entity types"),
    };
    espo_stdio::outln!(
        "{count} from {}: {} (read in {loaded:.0?}, generated in {took:.0?})",
        shown.join(" + "),
        generated.summary(),
    )?;
    Ok(())
}

/// Reads metadata and prints its diagnostics.
pub(crate) fn load(metadata: &[PathBuf]) -> Result<Schema, Failure> {
    let schema = Schema::load(metadata)?;
    // Many links may lead to the same missing entity types, in an export that a user's roles restrict.
    const SHOWN: usize = 3;
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for diagnostic in &schema.diagnostics {
        let count = kinds.entry(kind(&diagnostic.message)).or_default();
        *count += 1;
        if *count <= SHOWN {
            espo_stdio::note!(
                "{}: {}",
                diagnostic.level,
                espo_stdio::one_line(&diagnostic.to_string())
            );
        }
    }
    for (kind, count) in kinds.into_iter().filter(|(_, count)| *count > SHOWN) {
        espo_stdio::note!(
            "note: {} more like this: {}",
            count - SHOWN,
            espo_stdio::one_line(&kind)
        );
    }
    Ok(schema)
}

/// A message with `…` in the place of the names in it.
fn kind(message: &str) -> String {
    let parts = message.split('`').enumerate();
    let parts = parts.map(|(index, part)| if index % 2 == 1 { "…" } else { part });
    parts.collect::<Vec<_>>().join("`")
}

/// Generates the code according to the arguments and the configuration.
pub(crate) fn generate(
    schema: &Schema,
    args: &TargetArgs,
    config: &Config,
) -> Result<Generated, Failure> {
    let settings = &config.generate;
    let mut generator = Generator::new().only(args.only(config).iter().cloned());
    let overrides = match (&args.overrides, &settings.overrides) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(path)) => Some(config.path(path)),
        (None, None) => None,
    };
    let overrides = match overrides {
        Some(path) => Overrides::load(path)?,
        None => Overrides::default(),
    };
    let only: BTreeSet<&String> = args.only(config).iter().collect();
    let is_generated = |name: &&String| {
        (only.is_empty() || only.contains(*name))
            && !overrides.entities.get(*name).is_some_and(|of| of.skip)
    };
    let count = schema.entity_types.keys().filter(is_generated).count();
    generator = generator.overrides(overrides);
    let target = target(args, config)?;
    if let Target::Modules { manifest: None, .. } = &target {
        // Conditions on features that no manifest has are warnings.
        generator = generator.without_features();
    }
    let output = generator.generate(schema)?;
    for warning in output.warnings() {
        espo_stdio::note!("warning: {}", espo_stdio::one_line(warning));
    }
    Ok(match target {
        Target::Package {
            folder,
            name,
            espo_core,
        } => Generated {
            output: output
                .into_crate(&name, &espo_core)
                .keep_manifest(&folder)?,
            folder,
            manifest: None,
            count,
        },
        Target::Modules { folder, manifest } => Generated {
            output: match manifest.as_deref().and_then(package_name) {
                Some(name) => output.examples_of(&name),
                None => output,
            },
            folder,
            manifest,
            count,
        },
    })
}

fn target(args: &TargetArgs, config: &Config) -> Result<Target, Failure> {
    let settings = &config.generate;
    let (folder, name) = match (&args.out, &settings.package, &settings.modules) {
        (Some(folder), ..) => (folder.clone(), args.crate_name.clone()),
        (None, Some(folder), _) => (config.path(folder), settings.crate_name.clone()),
        (None, None, Some(folder)) => {
            return Ok(Target::Modules {
                folder: config.path(folder),
                manifest: settings.manifest.as_deref().map(|path| config.path(path)),
            });
        }
        (None, None, None) => {
            return Err(Failure::Input(format!(
                "no output given: pass --out DIR, or set `crate` under [generate] in {FILE}"
            )));
        }
    };
    // An existing manifest may have been renamed by its owner.
    let name = name.or_else(|| package_name(&folder.join("Cargo.toml")));
    let name = crate_name(name, &folder)?;
    let espo_core = dependency(args, config, &folder)?;
    if args.espo_core.is_some() || settings.espo_core.is_some() {
        note_kept_dependency(&folder, &espo_core);
    }
    Ok(Target::Package {
        folder,
        name,
        espo_core,
    })
}

impl Generated {
    /// Plans the changes of the files.
    ///
    /// Files that were not generated are only replaced with `force`.
    pub(crate) fn plan(&self, changes: &mut Changes, force: bool) -> Result<(), Failure> {
        let drift = self.output.drift(&self.folder)?;
        if !force {
            let foreign: Vec<String> = drift
                .foreign()
                .map(|path| path.display().to_string())
                .collect();
            if !foreign.is_empty() {
                return Err(Failure::Input(format!(
                    "these files exist and were not generated: {}; nothing was written; choose another directory, or pass --force to replace them",
                    foreign.join(", ")
                )));
            }
        }
        for (path, text) in self.output.files() {
            changes.write(self.folder.join(path), text);
        }
        if let Some(path) = &self.manifest {
            changes.write(path, self.output.manifest(path)?);
        }
        for path in drift.stale {
            changes.remove(path);
        }
        Ok(())
    }

    pub(crate) fn summary(&self) -> String {
        let (files, lines) = self
            .output
            .files()
            .fold((0, 0), |(files, lines), (_, text)| {
                (files + 1, lines + text.lines().count())
            });
        format!("{files} files, {lines} lines in {}", self.folder.display())
    }

    /// Fails if files are not up to date, and lists them.
    fn check(&self) -> Result<(), Failure> {
        let drift = self.output.drift(&self.folder)?;
        let groups = [
            ("differs", &drift.changed),
            ("is missing", &drift.missing),
            ("is no longer generated", &drift.stale),
            ("is not generated", &drift.stray),
        ];
        let mut lines: Vec<String> = Vec::new();
        for (what, paths) in groups {
            lines.extend(
                paths
                    .iter()
                    .map(|path| format!("{} {what}", path.display())),
            );
        }
        if let Some(path) = &self.manifest {
            let found = std::fs::read_to_string(path)
                .map_err(|error| Failure::file("read", path, error))?;
            if self.output.manifest(path)? != found.replace("\r\n", "\n") {
                lines.push(format!("{} differs in its features", path.display()));
            }
        }
        if lines.is_empty() {
            espo_stdio::outln!("{} is up to date", self.folder.display())?;
            return Ok(());
        }
        for line in &lines {
            espo_stdio::outln!("{line}")?;
        }
        let count = match lines.len() {
            1 => "1 file is not up to date".to_owned(),
            count => format!("{count} files are not up to date"),
        };
        Err(Failure::Check(format!(
            "{count}; run `{}`",
            failure::repairing_command()
        )))
    }
}

/// The package name in a manifest.
fn package_name(manifest: &Path) -> Option<String> {
    let text = std::fs::read_to_string(manifest).ok()?;
    let manifest: toml::Table = text.parse().ok()?;
    Some(manifest.get("package")?.get("name")?.as_str()?.to_owned())
}

/// The dependency on `espo-core`: the given one, or else the version of this program.
fn dependency(args: &TargetArgs, config: &Config, folder: &Path) -> Result<String, Failure> {
    if let Some(dependency) = &args.espo_core {
        return arguments::dependency(dependency);
    }
    Ok(match &config.generate.espo_core {
        Some(Dependency::Version(version)) => arguments::dependency(&format!("{version:?}"))?,
        Some(Dependency::Detailed(table)) => {
            let mut table = table.clone();
            // The path is relative to espo.toml; in the manifest, it is relative to the crate.
            if let Some(toml::Value::String(path)) = table.get_mut("path") {
                *path = from(folder, &config.path(Path::new(path)));
            }
            arguments::dependency(&inline(&table))?
        }
        None => format!("{:?}", default_version()),
    })
}

/// The version of espo-core that belongs to this program.
fn default_version() -> &'static str {
    concat!(
        env!("CARGO_PKG_VERSION_MAJOR"),
        ".",
        env!("CARGO_PKG_VERSION_MINOR")
    )
}

/// Prints a note if the requested dependency differs from the one in an existing manifest, which the user maintains.
fn note_kept_dependency(folder: &Path, asked_text: &str) {
    let path = folder.join("Cargo.toml");
    let Ok(Ok(manifest)) = std::fs::read_to_string(&path).map(|text| text.parse::<toml::Table>())
    else {
        return;
    };
    let kept = manifest
        .get("dependencies")
        .and_then(|table| table.get("espo-core"));
    let asked = toml::from_str::<toml::Table>(&format!("dependency = {asked_text}")).ok();
    let asked = asked.as_ref().and_then(|table| table.get("dependency"));
    // Both the generator and the user may change the features.
    let source = |value: &toml::Value, key: &str| match value {
        toml::Value::Table(table) => table.get(key).cloned(),
        version => (key == "version").then(|| version.clone()),
    };
    let is_same = |kept: &toml::Value, asked: &toml::Value| {
        let keys = [
            "version",
            "path",
            "git",
            "branch",
            "tag",
            "rev",
            "workspace",
        ];
        keys.iter()
            .all(|key| source(kept, key) == source(asked, key))
    };
    // The generator replaces a dependency that is still the default.
    let default = toml::Value::from(default_version());
    if kept
        .zip(asked)
        .is_some_and(|(kept, asked)| !is_same(kept, asked) && !is_same(kept, &default))
    {
        espo_stdio::note!(
            "note: {} keeps its dependency on espo-core, which may have been edited; to change it, write: espo-core = {}",
            path.display(),
            espo_stdio::one_line(asked_text)
        );
    }
}

/// A table on one line, as used for dependencies in a manifest.
fn inline(table: &toml::Table) -> String {
    let entries: Vec<String> = table
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    format!("{{ {} }}", entries.join(", "))
}

/// `target` relative to `folder`, so that both can be moved together; absolute if they have nothing in common.
fn from(folder: &Path, target: &Path) -> String {
    let real = |path: &Path| -> std::io::Result<PathBuf> {
        let path = std::path::absolute(path)?;
        // The directory may not exist yet, and existing parents may be symbolic links.
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
    // Directories that share only the root are unrelated.
    if common < 2 {
        return target.display().to_string();
    }
    let up = from.map(|_| "..".to_owned());
    let down = to.map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}
