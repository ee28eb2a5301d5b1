//! The manifest of a distributed run: a Kubernetes Indexed Job, with nothing of our own in the cluster.

use std::fmt::Write as _;

use crate::drive::is_loopback;
use crate::error::{Error, Result};
use crate::workload::Workload;

/// What fits into a ConfigMap, with room for its other fields.
const MAX_CONFIG: usize = 1_000_000;

/// What a manifest is made from.
#[derive(Debug, Clone)]
pub struct K8sOptions {
    /// Name of the Job and its ConfigMap.
    pub name: String,
    /// Image whose entry point is `espo-bench`.
    pub image: String,
    /// The instance.
    pub url: String,
    /// Number of shards.
    pub shards: u32,
    /// Secret with the keys `ESPO_API_KEY` and so on.
    pub secret: String,
    /// Common start, RFC 3339: late enough for all pods to be there.
    pub start_at: String,
    /// Further arguments of `run` (`--rate 500 --duration 5m`).
    pub args: Vec<String>,
}

/// The manifest as YAML, with a comment that says how to collect and merge the results.
///
/// # Errors
///
/// [`Error::Usage`] when the name is none that Kubernetes takes, or there are no shards.
pub fn k8s(workload: &Workload, options: &K8sOptions) -> Result<String> {
    let name = &options.name;
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if name.len() > 52
        || !name.chars().all(fine)
        || !edge(name.chars().next())
        || !edge(name.chars().last())
    {
        return Err(Error::usage(format!(
            "'{name}' is no name for a Job: up to 52 lower-case letters, digits and '-'"
        )));
    }
    if options.shards == 0 {
        return Err(Error::usage("a run has at least one shard"));
    }
    let host = is_loopback(&options.url)
        .ok_or_else(|| Error::usage(format!("'{}' is no URL with a host", options.url)))?
        .0;
    if workload.writes() && !options.args.iter().any(|a| a.starts_with("--allow-writes")) {
        return Err(Error::usage(format!(
            "the workload '{}' writes, and every pod would refuse that: add -- --allow-writes {host}",
            workload.name
        )));
    }
    let shards = options.shards;
    let mut args = vec![
        "run".to_owned(),
        "/workload/workload.toml".to_owned(),
        "--url".to_owned(),
        options.url.clone(),
    ];
    args.extend([
        "--shard".to_owned(),
        format!("$(JOB_COMPLETION_INDEX)/{shards}"),
        "--start-at".to_owned(),
        options.start_at.clone(),
    ]);
    args.extend(options.args.iter().cloned());
    args.extend(
        [
            "--quiet",
            "--json",
            "/dev/stdout",
            "--ledger",
            "/ledger/run.ledger",
        ]
        .map(String::from),
    );
    let args = args
        .iter()
        .map(|a| quoted(a))
        .collect::<Vec<_>>()
        .join(", ");
    let mut files = block("workload.toml", &workload.source);
    for csv in workload.csv.values() {
        if csv.file.contains(['/', '\\']) || csv.file == "workload.toml" {
            return Err(Error::usage(format!(
                "{}: the pods have all files in one folder, so CSV files must lie beside the workload",
                csv.file
            )));
        }
        let text = std::fs::read_to_string(&csv.path).map_err(Error::io(&csv.path))?;
        files.push_str(&block(&csv.file, &text));
    }
    if files.len() > MAX_CONFIG {
        return Err(Error::usage(
            "workload and CSV files are more than the 1 MiB that a ConfigMap holds: put them into the image",
        ));
    }
    let mut variables: Vec<&str> = (workload.credentials.iter())
        .flat_map(|c| [&c.api_key, &c.secret_key, &c.username, &c.password])
        .flatten()
        .map(String::as_str)
        .collect();
    if variables.is_empty() {
        variables.push("ESPO_API_KEY");
    }
    let literals: String = (variables.iter())
        .map(|v| format!(" --from-literal={v}=…"))
        .collect();
    // A JSON string is a YAML string.
    let (secret, image) = (quoted(&options.secret), quoted(&options.image));
    Ok(format!(
        r#"# A load test in {shards} shards. The credentials, once:
#   kubectl create secret generic {secret_name}{literals}
# Each pod prints its report; collect and merge them with:
#   kubectl wait --for=condition=complete --timeout=2h job/{name}
#   for i in $(seq 0 {last}); do kubectl logs -l job-name={name},batch.kubernetes.io/job-completion-index=$i --tail=-1 > shard-$i.json; done
#   espo-bench merge shard-*.json --html report.html
# A pod that fails fails the Job: a restarted shard would be another run. What it created is removed at its end, and
# when it is told to end; if it is killed at once its ledger goes with it, unless /ledger is a volume that stays.
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
{files}---
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
spec:
  completionMode: Indexed
  completions: {shards}
  parallelism: {shards}
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 120
      containers:
        - name: espo-bench
          image: {image}
          args: [{args}]
          env:
            - name: JOB_COMPLETION_INDEX
              valueFrom:
                fieldRef:
                  fieldPath: metadata.annotations['batch.kubernetes.io/job-completion-index']
          envFrom:
            - secretRef:
                name: {secret}
          resources:
            requests:
              cpu: "1"
              memory: 256Mi
          volumeMounts:
            - name: workload
              mountPath: /workload
            - name: ledger
              mountPath: /ledger
      volumes:
        - name: workload
          configMap:
            name: {name}
        - name: ledger
          emptyDir: {{}}
"#,
        last = shards - 1,
        secret_name = options.secret,
    ))
}

/// A text as a YAML block under a key, in the data of a ConfigMap. The indentation is given: a first line could begin
/// with blanks of its own.
fn block(key: &str, text: &str) -> String {
    let mut out = format!("  {}: |2\n", quoted(key));
    for line in text.lines() {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "    {line}");
    }
    out
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
