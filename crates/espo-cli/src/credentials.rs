//! Credentials from the environment or from a file that only its owner can read; never from arguments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::failure::{Failure, quoted};

/// Help text of every command that needs credentials.
#[cfg(feature = "network")]
pub(crate) const HELP: &str = "Credentials are read from the environment: ESPO_API_KEY (with ESPO_SECRET_KEY for HMAC \
                               authentication), or ESPO_USERNAME and ESPO_PASSWORD. Alternatively, set \
                               ESPO_CREDENTIALS, or `credentials` under [instance] in espo.toml, to the path of a file \
                               with lines such as `ESPO_API_KEY=…`; it must be readable by its owner only.";

/// Variables of the environment, and those of the credentials file where the environment has none.
pub(crate) struct Variables {
    file: BTreeMap<String, String>,
}

/// The names of the variables.
const NAMES: [&str; 9] = [
    "ESPO_API_KEY",
    "ESPO_SECRET_KEY",
    "ESPO_USERNAME",
    "ESPO_PASSWORD",
    "ESPO_HMAC_API_KEY",
    "ESPO_HMAC_SECRET_KEY",
    "ESPO_WEAK_API_KEY",
    "ESPO_REGULAR_USERNAME",
    "ESPO_REGULAR_PASSWORD",
];

impl Variables {
    pub(crate) fn load(config: &Config) -> Result<Self, Failure> {
        for name in NAMES {
            if let Err(std::env::VarError::NotUnicode(_)) = std::env::var(name) {
                return Err(Failure::Input(format!(
                    "invalid value of the environment variable {name}: expected UTF-8"
                )));
            }
        }
        let path = match std::env::var_os("ESPO_CREDENTIALS").filter(|path| !path.is_empty()) {
            Some(path) => Some(PathBuf::from(path)),
            None => config
                .instance
                .credentials
                .as_deref()
                .map(|path| config.path(path)),
        };
        // Credentials of the environment make the file unnecessary: CI has no such file.
        if is_set("ESPO_API_KEY") || is_set("ESPO_USERNAME") {
            return Ok(Self {
                file: BTreeMap::new(),
            });
        }
        let file = match path {
            Some(path) => read(&path)?,
            None => BTreeMap::new(),
        };
        Ok(Self { file })
    }

    /// The value of a variable; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let is_given = |value: &String| !value.is_empty();
        // CI systems set variables without a value.
        let variable = std::env::var(name).ok().filter(is_given);
        variable.or_else(|| self.file.get(name).cloned().filter(is_given))
    }
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::file("read the credentials file", path, error))?;
    check_permissions(path)?;
    parse(&text).map_err(|(line, reason)| {
        // The line itself may be a secret.
        Failure::Input(format!(
            "invalid credentials file {}, line {line}: {reason}",
            path.display()
        ))
    })
}

#[cfg(unix)]
fn check_permissions(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path)
        .map_err(|error| Failure::file("read the permissions of", path, error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    if !metadata.is_file() {
        return Err(Failure::file(
            "read the credentials file",
            path,
            "it is not a file",
        ));
    }
    Err(Failure::Input(format!(
        "other users have access to the credentials file {} (mode {mode:03o}); run `chmod 600 {}`",
        path.display(),
        quoted(&path.to_string_lossy())
    )))
}

/// Access control lists of other systems are left to their owner.
#[cfg(not(unix))]
fn check_permissions(_: &Path) -> Result<(), Failure> {
    Ok(())
}

fn parse(text: &str) -> Result<BTreeMap<String, String>, (usize, String)> {
    let mut found = BTreeMap::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| (index + 1, "expected NAME=VALUE".to_owned()))?;
        let name = name.trim();
        if !NAMES.contains(&name) {
            let known = NAMES.join(", ");
            return Err((index + 1, format!("unknown name; expected one of {known}")));
        }
        let value = unquoted(value.trim()).map_err(|reason| (index + 1, reason))?;
        found.insert(name.to_owned(), value.to_owned());
    }
    Ok(found)
}

/// A value without its quotes and the comment after them. Without quotes, a comment cannot be distinguished
/// from a part of the value.
fn unquoted(value: &str) -> Result<&str, String> {
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let has_comment = value
            .match_indices('#')
            .any(|(at, _)| value[..at].ends_with([' ', '\t']));
        return if has_comment {
            Err("` #` may begin a comment; put the value in quotes, or the comment on a separate line".to_owned())
        } else {
            Ok(value)
        };
    };
    let inner = &value[1..];
    if let Some(inner) = inner.strip_suffix(quote) {
        return Ok(inner);
    }
    let comment = inner.match_indices(quote).find(|(end, _)| {
        let rest = &inner[end + 1..];
        rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#')
    });
    // A value may begin with a quote.
    Ok(comment.map_or(value, |(end, _)| &inner[..end]))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn quotes_comments_and_export_are_accepted() {
        let found = parse(
            "# a\n\nexport ESPO_USERNAME=admin\nESPO_PASSWORD=\"a=b #c\"\nESPO_API_KEY='k'\n",
        )
        .expect("valid");
        let value = |name: &str| found.get(name).map(String::as_str);
        assert_eq!(value("ESPO_USERNAME"), Some("admin"));
        assert_eq!(value("ESPO_PASSWORD"), Some("a=b #c"));
        assert_eq!(value("ESPO_API_KEY"), Some("k"));
    }

    #[test]
    fn comments_after_values_need_quotes() {
        for (line, expected) in [
            ("ESPO_API_KEY=\"a b\" # ours", "a b"),
            ("ESPO_API_KEY='a#b'\t# it's ours", "a#b"),
            ("ESPO_API_KEY=a#b", "a#b"),
            ("ESPO_API_KEY=#b", "#b"),
            ("ESPO_API_KEY=\"a", "\"a"),
            ("ESPO_API_KEY=\"", "\""),
            ("ESPO_API_KEY=\"a\"b", "\"a\"b"),
        ] {
            assert_eq!(parse(line).expect(line)["ESPO_API_KEY"], expected);
        }
    }

    #[test]
    fn errors_name_the_line_but_not_its_text() {
        for (text, line) in [
            ("ESPO_API_KEY=a\nsecret\n", 2),
            ("ESPO_APIKEY=secret\n", 1),
            ("ESPO_API_KEY=secret # comment\n", 1),
        ] {
            let (at, reason) = parse(text).expect_err("invalid");
            assert_eq!(at, line);
            assert!(!reason.contains("secret"), "{reason}");
        }
    }
}
