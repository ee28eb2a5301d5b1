//! The batch script of a distributed run: a Slurm array job.
//!
//! Slurm starts the tasks of an array when nodes are available, so a start time fixed in advance could pass while tasks
//! still wait. The tasks therefore synchronise in a directory on the shared file system: each creates a file there, and
//! the first task sets a common start when all are running.

use std::time::Duration;

use crate::digest::sha256_hex;
use crate::error::{Error, Result};
use crate::shards;
use crate::workload::Workload;

/// Slurm sends SIGTERM this long before the time limit.
const SPARE: Duration = Duration::from_secs(120);

/// Options of [`slurm`].
#[derive(Debug, Clone)]
pub struct SlurmOptions {
    /// Name of the job, and the prefix of its directory's name.
    pub name: String,
    /// Path of `espo-bench` on the nodes.
    pub program: String,
    /// URL of the instance.
    pub url: String,
    /// Number of shards: array tasks.
    pub shards: u32,
    /// CPUs per task.
    pub cpus: u32,
    /// Time limit of the job.
    pub time_limit: Duration,
    /// Partition; `None` for the cluster's default.
    pub partition: Option<String>,
    /// How long the tasks wait for each other.
    pub wait: Duration,
    /// Further arguments of `run` (`--rate 500 --duration 5m`). SLOs are checked on the merged result.
    pub args: Vec<String>,
}

/// Returns the script for `sbatch`, with comments on how to submit it and how to merge the results.
///
/// # Errors
///
/// Returns [`Error::Usage`] for an invalid name, no shards, or a workload that writes without `--allow-writes`, and
/// [`Error::Io`] if a CSV file of the workload cannot be read.
pub fn slurm(workload: &Workload, options: &SlurmOptions) -> Result<String> {
    check(workload, options)?;
    let (name, shards) = (&options.name, options.shards);
    let files = shards::files(workload)?;
    let files: String = (files.iter())
        .map(|(file, text)| here_document(file, text))
        .collect();
    let (args, slos) = shards::without_slos(&options.args);
    let slos = shards::slo_options(&slos);
    let args: String = args.iter().map(|a| format!(" {}", quoted(a))).collect();
    let partition = options
        .partition
        .iter()
        .map(|p| format!("#SBATCH --partition={p}\n"))
        .collect::<String>();
    Ok(format!(
        r#"#!/bin/bash
# A load test in {shards} shards, one array task each. Submit it with the credentials in the environment, from a
# directory that all nodes share:
#   export ESPO_API_KEY=…
#   sbatch {name}.sh
# When the job has ended, merge the reports (JOB is the job ID):
#   espo-bench merge {name}-JOB/shard-*.json --html report.html{slos}
# Delete the records that a cancelled task left behind:
#   espo-bench clean {name}-JOB/shard-0.ledger
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={cpus}
#SBATCH --time={time}
#SBATCH --output={name}-%A_%a.log
# SIGTERM two minutes before the time limit: the shard stops, deletes its records and writes its report.
#SBATCH --signal=B:TERM@120
# A restarted shard would be a different run.
#SBATCH --no-requeue
{partition}set -euo pipefail
task=$SLURM_ARRAY_TASK_ID
directory=$SLURM_SUBMIT_DIR/{name}-$SLURM_ARRAY_JOB_ID
mkdir -p "$directory/shard-$task"
cd "$directory/shard-$task"
{files}
# The tasks wait for each other: the first one sets a common start when all are running.
fail() {{ echo "$1" >&2; touch "$directory/failed"; exit 1; }}
touch "$directory/ready-$task"
deadline=$((SECONDS + {wait}))
if [ "$task" -eq 0 ]; then
  until [ "$(find "$directory" -maxdepth 1 -name 'ready-*' | wc -l)" -eq {shards} ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "not all {shards} tasks were running after {wait} s: are there enough free nodes?"
    sleep 1
  done
  date -u -d '+10 seconds' +%Y-%m-%dT%H:%M:%SZ >"$directory/start.part"
  mv "$directory/start.part" "$directory/start"
fi
until [ -s "$directory/start" ]; do
  [ ! -e "$directory/failed" ] && [ "$SECONDS" -lt "$((deadline + 5))" ] || fail "the first task did not set a start time"
  sleep 0.5
done
exec {program} run workload.toml --url {url} --shard "$task/{shards}" --start-at "$(cat "$directory/start")"{args} \
  --quiet --json "$directory/shard-$task.json" --ledger "$directory/shard-$task.ledger"
"#,
        last = shards - 1,
        cpus = options.cpus,
        time = clock(options.time_limit),
        wait = options.wait.as_secs().max(1),
        program = quoted(&options.program),
        url = quoted(&options.url),
    ))
}

fn check(workload: &Workload, options: &SlurmOptions) -> Result<()> {
    let name = &options.name;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty()
        || name.len() > 64
        || name.starts_with(['-', '.'])
        || !name.chars().all(is_plain)
    {
        return Err(Error::usage(format!(
            "invalid job name '{name}': expected up to 64 ASCII letters, digits, '.', '_' and '-', not beginning with '.' or '-'"
        )));
    }
    if options.program.contains('/') && !options.program.starts_with('/') {
        return Err(Error::usage(format!(
            "invalid --program {}: each task has its own directory, so pass an absolute path, or a name in PATH",
            options.program
        )));
    }
    if let Some(partition) = &options.partition
        && (partition.is_empty() || !partition.chars().all(|c| is_plain(c) || c == ','))
    {
        return Err(Error::usage(format!(
            "invalid partition '{partition}': expected ASCII letters, digits, '.', '_', '-' and ','"
        )));
    }
    shards::check(
        workload,
        &options.url,
        options.shards,
        &options.args,
        "task",
    )?;
    let limit = ("--time-limit", options.time_limit);
    shards::check_time(workload, &options.args, limit, SPARE)
}

/// Returns the commands that write a file. The delimiter is a hash of the content, so the content cannot contain it.
fn here_document(file: &str, text: &str) -> String {
    if has_hidden(text) {
        return format!("printf '%s' {} >{}\n", quoted(text), quoted(file));
    }
    let hash = &sha256_hex(text)[..16];
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!(
        "cat >{} <<'END_{hash}'\n{text}{end}END_{hash}\n",
        quoted(file)
    )
}

/// Quotes a word for Bash. Output shows hidden characters as escapes, so these are written as Bash's own escapes.
fn quoted(text: &str) -> String {
    use std::fmt::Write as _;
    if !has_hidden(text) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut out = String::from("$'");
    for c in text.chars() {
        match c {
            '\\' | '\'' => out.extend(['\\', c]),
            c if is_hidden(c) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\x{byte:02x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

fn has_hidden(text: &str) -> bool {
    text.contains(is_hidden)
}

fn is_hidden(c: char) -> bool {
    let shown = espo_stdio::one_line(c.encode_utf8(&mut [0; 4])).len();
    !matches!(c, '\n' | '\t') && shown != c.len_utf8()
}

/// Formats a duration for Slurm: `hours:minutes:seconds`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs().max(60);
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
