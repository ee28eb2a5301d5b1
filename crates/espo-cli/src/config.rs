//! `espo.toml`: the defaults of the commands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::arguments;
use crate::failure::Failure;

/// Name of the configuration file.
pub(crate) const FILE: &str = "espo.toml";

/// The contents of `espo.toml`. Relative paths start at its directory.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Config {
    /// Versions of this program that may be used, such as `"0.1"`; checked before anything else is read.
    #[allow(dead_code)]
    tool_version: Option<String>,
    #[cfg_attr(not(feature = "network"), allow(dead_code))]
    pub(crate) instance: Instance,
    pub(crate) metadata: Metadata,
    pub(crate) generate: Generate,
    /// The file, if there is one.
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
}

/// `[instance]`: the EspoCRM instance and how to connect to it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[cfg_attr(not(feature = "network"), allow(dead_code))]
pub(crate) struct Instance {
    pub(crate) url: Option<String>,
    /// File with credentials, readable by its owner only.
    pub(crate) credentials: Option<PathBuf>,
    pub(crate) proxy: Option<String>,
    pub(crate) no_proxy: bool,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) client_certificate: Option<PathBuf>,
    pub(crate) client_key: Option<PathBuf>,
    /// Extra headers by name; the value is the name of an environment variable.
    pub(crate) headers_from_env: BTreeMap<String, String>,
    /// Environment variable with user:password for a gateway.
    pub(crate) gateway_auth_env: Option<String>,
}

/// `[metadata]`: where the metadata is kept.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Metadata {
    /// The file that `pull` and `update` write.
    pub(crate) export: Option<PathBuf>,
    /// The layers that are merged in this order. Defaults to the export.
    pub(crate) layers: Vec<PathBuf>,
    /// Whether `pull` exports labels; defaults to true.
    pub(crate) labels: Option<bool>,
}

/// `[generate]`: the code to generate, and its location.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Generate {
    /// Directory of the generated crate.
    #[serde(rename = "crate")]
    pub(crate) package: Option<PathBuf>,
    /// Name of the generated crate. Defaults to the name of its directory.
    pub(crate) crate_name: Option<String>,
    /// Directory for modules only, instead of a crate.
    pub(crate) modules: Option<PathBuf>,
    /// Manifest whose features are generated along with the modules.
    pub(crate) manifest: Option<PathBuf>,
    /// Only these entity types.
    pub(crate) entity_types: Vec<String>,
    /// TOML file with overrides.
    pub(crate) overrides: Option<PathBuf>,
    /// The dependency on `espo-core`: a version, or a table with a path.
    pub(crate) espo_core: Option<Dependency>,
}

/// Whether a path is that of a file. A broken symbolic link is an error to report, not a reason to use the defaults.
fn is_configuration(path: &Path) -> bool {
    path.is_file() || path.is_symlink() && !path.exists()
}

/// A dependency as in a manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Dependency {
    Version(String),
    Detailed(toml::Table),
}

impl Config {
    /// Reads the given file, or `espo.toml` in the current directory or the nearest parent; empty if there is none.
    pub(crate) fn find(explicit: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = explicit {
            return Self::load(path);
        }
        let here = std::env::current_dir().map_err(|error| {
            Failure::Input(format!("cannot read the current directory: {error}"))
        })?;
        match here
            .ancestors()
            .map(|dir| dir.join(FILE))
            .find(|path| is_configuration(path))
        {
            Some(path) => Self::load(&path),
            None => Ok(Self::default()),
        }
    }

    fn load(path: &Path) -> Result<Self, Failure> {
        let text =
            std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, error))?;
        let mut config = Self::parse(&text, path)?;
        let path = std::path::absolute(path).map_err(|error| Failure::file("find", path, error))?;
        config.file = Some(path);
        Ok(config)
    }

    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let invalid = |error: toml::de::Error| {
            Failure::Input(format!(
                "invalid configuration {shown}: {}",
                error.to_string().trim_end()
            ))
        };
        // This check comes first, because a newer version of the program may support keys that this one does not.
        let table: toml::Table = toml::from_str(text).map_err(invalid)?;
        match table.get("tool-version") {
            Some(toml::Value::String(required)) => {
                check_version(required, env!("CARGO_PKG_VERSION"))
                    .map_err(|reason| Failure::Input(format!("{shown}: {reason}")))?;
            }
            Some(other) => {
                return Err(Failure::Input(format!(
                    "invalid configuration {shown}: invalid tool-version {other}: expected a string, such as \"{}.{}\"",
                    env!("CARGO_PKG_VERSION_MAJOR"),
                    env!("CARGO_PKG_VERSION_MINOR")
                )));
            }
            None => {}
        }
        check_values(&table)
            .map_err(|reason| Failure::Input(format!("invalid configuration {shown}: {reason}")))?;
        let config: Self = toml::from_str(text).map_err(invalid)?;
        let generate = &config.generate;
        if generate.package.is_some() && generate.modules.is_some() {
            return Err(Failure::Input(format!(
                "invalid configuration {shown}: [generate] has both `crate` and `modules`; keep one of them"
            )));
        }
        if generate.manifest.is_some() && generate.modules.is_none() {
            return Err(Failure::Input(format!(
                "invalid configuration {shown}: `manifest` in [generate] needs `modules`; a generated crate has its own manifest"
            )));
        }
        let instance = &config.instance;
        if instance.client_certificate.is_some() != instance.client_key.is_some() {
            return Err(Failure::Input(format!(
                "invalid configuration {shown}: [instance] needs both `client-certificate` and `client-key`, or neither"
            )));
        }
        Ok(config)
    }

    /// A path from the file, relative to the current directory.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        let joined = match self.file.as_deref().and_then(Path::parent) {
            Some(folder) => folder.join(path),
            None => path.to_path_buf(),
        };
        let here = std::env::current_dir().unwrap_or_default();
        match joined.strip_prefix(&here) {
            Ok(relative) if !relative.as_os_str().is_empty() => relative.to_path_buf(),
            _ => joined,
        }
    }

    /// The layers of the metadata: those of the command line, or else those of the file.
    pub(crate) fn layers(&self, given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
        if !given.is_empty() {
            return Ok(given.to_vec());
        }
        let layers = &self.metadata.layers;
        let configured: Vec<PathBuf> = if layers.is_empty() {
            self.metadata
                .export
                .iter()
                .map(|path| self.path(path))
                .collect()
        } else {
            layers.iter().map(|path| self.path(path)).collect()
        };
        if configured.is_empty() {
            return Err(Failure::Input(format!(
                "no metadata given: pass --metadata PATH, or set `export` or `layers` under [metadata] in {FILE}"
            )));
        }
        Ok(configured)
    }
}

/// Checks that serde does not make, or for which its messages are unclear.
fn check_values(table: &toml::Table) -> Result<(), String> {
    for section in ["instance", "metadata", "generate"] {
        let Some(value) = table.get(section) else {
            continue;
        };
        let Some(values) = value.as_table() else {
            return Err(format!(
                "`{section}` is not a table; write [{section}] above its keys"
            ));
        };
        for (key, value) in values {
            let is_empty = |value: &toml::Value| value.as_str().is_some_and(str::is_empty);
            let items = value.as_array();
            if is_empty(value) || items.is_some_and(|items| items.iter().any(is_empty)) {
                return Err(format!(
                    "`{key}` under [{section}] is empty; give it a value or remove it"
                ));
            }
            if key == "entity-types" && items.is_some_and(Vec::is_empty) {
                return Err(format!(
                    "`{key}` under [{section}] is empty; list entity types, or remove it to generate all of them"
                ));
            }
        }
    }
    let generate = table.get("generate").and_then(toml::Value::as_table);
    match generate.and_then(|generate| generate.get("espo-core")) {
        None | Some(toml::Value::String(_)) => Ok(()),
        Some(toml::Value::Table(table)) => arguments::dependency_table(table)
            .map_err(|reason| format!("`espo-core` under [generate]: {reason}")),
        Some(_) => Err(
            "`espo-core` under [generate] is neither a version such as \"0.1\" nor a table such as { path = \"…\" }"
                .to_owned(),
        ),
    }
}

fn check_version(required: &str, present: &str) -> Result<(), String> {
    let requirement = semver::VersionReq::parse(required)
        .map_err(|error| format!("invalid tool-version `{required}`: {error}"))?;
    let present = semver::Version::parse(present).map_err(|error| error.to_string())?;
    if requirement.matches(&present) {
        return Ok(());
    }
    Err(format!(
        "tool-version is `{required}`, but this is espo {present}; run `cargo install espo-cli --version '{required}'`, \
         or change tool-version"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("espo.toml")).map_err(|failure| failure.to_string())
    }

    #[test]
    fn unknown_keys_are_rejected_with_their_position() {
        let error = parse("[instance]\nulr = \"https://a\"\n").unwrap_err();
        assert!(
            error.contains("espo.toml") && error.contains("ulr") && error.contains("line 2"),
            "{error}"
        );
    }

    #[test]
    fn required_version_is_checked_before_unknown_keys() {
        let error = parse("tool-version = \"99\"\nfrom-the-future = 1\n").unwrap_err();
        assert!(error.contains("tool-version is `99`"), "{error}");
        assert!(parse("tool-version = \"0.1\"\n").is_ok());
        assert!(
            parse("tool-version = \"not a version\"\n")
                .unwrap_err()
                .contains("invalid tool-version")
        );
    }

    #[test]
    fn contradictory_and_empty_values_are_rejected() {
        for (text, word) in [
            ("[generate]\ncrate = \"a\"\nmodules = \"b\"\n", "both"),
            ("[generate]\ncrate = \"a\"\nmanifest = \"b\"\n", "manifest"),
            ("[instance]\nclient-key = \"a\"\n", "client-certificate"),
            (
                "[generate]\ncrate = \"\"\n",
                "`crate` under [generate] is empty",
            ),
            ("[generate]\nentity-types = []\n", "entity-types"),
            ("[metadata]\nlayers = [\"a\", \"\"]\n", "layers"),
            ("metadata = 1\n", "write [metadata]"),
            ("[[metadata]]\nexport = \"a\"\n", "write [metadata]"),
            ("tool-version = 0.1\n", "expected a string, such as"),
            ("[generate]\nespo-core = 5\n", "neither a version"),
            ("[generate]\nespo-core = {}\n", "none of `version`"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn export_is_the_default_layer() {
        let config = parse("[metadata]\nexport = \"crm.json\"\n").expect("valid");
        assert_eq!(
            config.layers(&[]).expect("layers"),
            [PathBuf::from("crm.json")]
        );
        assert_eq!(
            config.layers(&["other".into()]).expect("layers"),
            [PathBuf::from("other")]
        );
        assert!(parse("").expect("valid").layers(&[]).is_err());
    }
}
