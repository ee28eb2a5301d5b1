//! Hints for options that other load testers have.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Options of other tools, and what to use instead.
const OPTIONS: [(&[&str], &str); 11] = [
    (
        &[
            "-c",
            "--connections",
            "--vus",
            "--workers",
            "--virtual-users",
        ],
        "use --concurrency, or --people for users with think times",
    ),
    (&["-d", "-z", "--time", "--run-time"], "use --duration"),
    (&["-n", "--iterations", "--number"], "use --requests"),
    (&["-r", "-R", "-q", "--rps", "--qps"], "use --rate"),
    (&["-t"], "use --threads or --timeout"),
    (
        &[
            "-k",
            "--insecure",
            "--skip-verify",
            "--insecure-skip-tls-verify",
        ],
        "use --ca-certificate to trust a private authority",
    ),
    (
        &["-H", "--header", "--headers"],
        "use --header-env, which reads the value from an environment variable",
    ),
    (
        &[
            "-o",
            "--out",
            "--output",
            "--report",
            "--format",
            "--summary-export",
        ],
        "use --json, --html, --csv, --markdown, --prometheus or --junit with a file",
    ),
    (&["-u", "--host", "--target", "--base-url"], "use --url"),
    (
        &[
            "-a",
            "--auth",
            "--api-key",
            "--secret-key",
            "--token",
            "--user",
            "--username",
            "--password",
        ],
        "set ESPO_API_KEY (and ESPO_SECRET_KEY for HMAC), or ESPO_USERNAME and ESPO_PASSWORD, or pass a file with --users",
    ),
    (&["--threshold", "--thresholds", "--sla"], "use --slo"),
];

/// Replaces the suggestion for an unknown option by the equivalent of this program.
pub(crate) fn add(error: &mut clap::Error) {
    if error.kind() != ErrorKind::UnknownArgument {
        return;
    }
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else {
        return;
    };
    let Some((_, hint)) = OPTIONS
        .iter()
        .find(|(names, _)| names.contains(&given.as_str()))
    else {
        return;
    };
    let hints = vec![StyledStr::from(*hint)];
    error.remove(ContextKind::SuggestedArg);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(hints));
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::Cli;

    #[test]
    fn options_of_other_tools_have_a_hint() {
        for (option, expected) in [
            ("-c10", "--concurrency"),
            ("--vus=10", "--people"),
            ("-z", "--duration"),
            ("-n", "--requests"),
            ("--rps=5", "--rate"),
            ("-k", "--ca-certificate"),
            ("--header=X: y", "--header-env"),
            ("--output=x", "--json"),
            ("--host=x", "--url"),
            ("--api-key=secret", "ESPO_API_KEY"),
            ("--user=me", "ESPO_USERNAME"),
            ("--thresholds=x", "--slo"),
        ] {
            let line = ["espo-bench", "run", "sync", "--embedded", option];
            let mut error = Cli::try_parse_from(line).unwrap_err();
            super::add(&mut error);
            let said = error.to_string();
            let tip = said.lines().find(|line| line.trim().starts_with("tip:"));
            assert!(
                tip.is_some_and(|tip| tip.contains(expected)),
                "{option}: {said}"
            );
            assert!(!said.contains("=secret"), "{said}");
            assert_eq!(said.matches("tip:").count(), 1, "{said}");
        }
    }
}
