//! The manifest of a distributed run: a Kubernetes Indexed Job that needs no additional software in the cluster.

use std::fmt::Write as _;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::shards;
use crate::workload::Workload;

/// Maximum size of the files in a ConfigMap, with room for its other fields.
const MAX_CONFIG: usize = 1_000_000;

/// Options of [`k8s`].
#[derive(Debug, Clone)]
pub struct K8sOptions {
    /// Name of the Job and its ConfigMap.
    pub name: String,
    /// Image that contains `espo-bench`.
    pub image: String,
    /// Path of `espo-bench` in the image, or its name if it is in the image's `PATH`.
    pub program: String,
    /// URL of the instance.
    pub url: String,
    /// Number of shards.
    pub shards: u32,
    /// Secret with the keys `ESPO_API_KEY` and so on.
    pub secret: String,
    /// Common start time, RFC 3339, at which all pods must be running.
    pub start_at: String,
    /// Namespace of all objects.
    pub namespace: String,
    /// The Job fails if it has not finished after this time.
    pub deadline: Duration,
    /// The Job and its logs are deleted after this time.
    pub time_to_live: Duration,
    /// Further arguments of `run` (`--rate 500 --duration 5m`). SLOs are checked on the merged result.
    pub args: Vec<String>,
}

/// Returns the manifest as YAML, with a comment on how to collect and merge the results.
///
/// # Errors
///
/// Returns [`Error::Usage`] if the name is not valid in Kubernetes, if the image or the program is empty, or if there are
/// no shards.
pub fn k8s(workload: &Workload, options: &K8sOptions) -> Result<String> {
    check_name("a Job", &options.name)?;
    check_name("a namespace", &options.namespace)?;
    for (option, value) in [("--image", &options.image), ("--program", &options.program)] {
        if value.trim().is_empty() {
            return Err(Error::usage(format!(
                "invalid {option} '': expected a value"
            )));
        }
    }
    let start = crate::time::parse_rfc3339(&options.start_at).map_err(Error::Usage)?;
    if start <= std::time::SystemTime::now() {
        return Err(Error::usage(format!(
            "the start time {} has passed, so every pod would reject it; pass a later --start-at",
            options.start_at
        )));
    }
    shards::check(workload, &options.url, options.shards, &options.args, "pod")?;
    let deadline = ("--deadline", options.deadline);
    shards::check_time(workload, &options.args, deadline, Duration::ZERO)?;
    let (rest, slos) = shards::without_slos(&options.args);
    let variables = variables(workload)?;
    let args = pod_args(options, &rest);
    let files = shards::files(workload)?;
    let files: String = files.iter().map(|(file, text)| block(file, text)).collect();
    if files.len() > MAX_CONFIG {
        return Err(Error::usage(
            "the workload and CSV files exceed the ConfigMap limit of 1 MiB; add them to the image",
        ));
    }
    Ok(manifest(
        options,
        &guide(options, &variables, &slos),
        &files,
        &args,
    ))
}

/// Returns text that Kubernetes passes on unchanged: it replaces `$(NAME)` in commands and arguments, which would put a
/// secret into the command line, and `$$` by `$`.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

fn pod_args(options: &K8sOptions, rest: &[String]) -> String {
    let before = [
        "run".to_owned(),
        "/workload/workload.toml".to_owned(),
        "--url".to_owned(),
        literal(&options.url),
        "--shard".to_owned(),
        format!("$(JOB_COMPLETION_INDEX)/{}", options.shards),
        "--start-at".to_owned(),
        literal(&options.start_at),
    ];
    // Standard output may belong to another user than the container's, so it cannot be opened by name.
    let after = ["--quiet", "--json", "-", "--ledger", "/ledger/run.ledger"];
    let all = before
        .into_iter()
        .chain(rest.iter().map(|arg| literal(arg)))
        .chain(after.map(str::to_owned));
    all.map(|arg| quoted(&arg)).collect::<Vec<_>>().join(", ")
}

/// Returns the names of the variables with credentials, which become keys of the secret and words of a command.
fn variables(workload: &Workload) -> Result<Vec<&str>> {
    let variables: Vec<&str> = (workload.credentials.iter())
        .flat_map(|c| [&c.api_key, &c.secret_key, &c.username, &c.password])
        .flatten()
        .map(String::as_str)
        .collect();
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if let Some(name) = variables.iter().find(|name| !is_name(name)) {
        return Err(Error::usage(format!(
            "invalid name of an environment variable {name:?} in the workload's credentials: expected letters, digits and '_'"
        )));
    }
    Ok(match variables.is_empty() {
        true => vec!["ESPO_API_KEY"],
        false => variables,
    })
}

/// Returns instructions to create the secret, wait for the Job, and collect and merge the reports.
fn guide(options: &K8sOptions, variables: &[&str], slos: &[String]) -> String {
    let (name, namespace) = (&options.name, &options.namespace);
    let literals: String = (variables.iter())
        .map(|v| format!(" --from-literal={v}=…"))
        .collect();
    let slos = shards::slo_options(slos);
    let (secret, last) = (espo_stdio::one_line(&options.secret), options.shards - 1);
    format!(
        r#"# A load test in {shards} shards. Create the credentials once:
#   kubectl -n {namespace} create secret generic {secret}{literals}
# Each pod prints its report. Wait until the Job has ended, whether or not a pod failed, then collect and merge:
#   until kubectl -n {namespace} get job {name} -o jsonpath='{{.status.conditions[?(@.status=="True")].type}}' | grep -qE 'Complete|Failed'; do sleep 5; done
#   for i in $(seq 0 {last}); do kubectl -n {namespace} logs -l job-name={name},batch.kubernetes.io/job-completion-index=$i --tail=-1 > shard-$i.json; done
#   espo-bench merge shard-*.json --html report.html{slos}
# A failed pod fails the Job, because a restarted shard would be a different run. A pod deletes its records at the end and
# on termination. If it is killed immediately, its ledger is lost unless /ledger is a persistent volume.
"#,
        shards = options.shards,
    )
}

fn manifest(options: &K8sOptions, guide: &str, files: &str, args: &str) -> String {
    let K8sOptions {
        name,
        namespace,
        shards,
        ..
    } = options;
    // Every JSON string is also a YAML string.
    let (secret, image) = (quoted(&options.secret), quoted(&options.image));
    let program = quoted(&literal(&options.program));
    let deadline = options.deadline.as_secs().max(1);
    let time_to_live = options.time_to_live.as_secs();
    format!(
        r#"{guide}apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  namespace: {namespace}
data:
{files}---
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  namespace: {namespace}
spec:
  completionMode: Indexed
  completions: {shards}
  parallelism: {shards}
  backoffLimit: 0
  activeDeadlineSeconds: {deadline}
  ttlSecondsAfterFinished: {time_to_live}
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 120
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: espo-bench
          image: {image}
          command: [{program}]
          args: [{args}]
          env:
            - name: JOB_COMPLETION_INDEX
              valueFrom:
                fieldRef:
                  fieldPath: metadata.annotations['batch.kubernetes.io/job-completion-index']
          envFrom:
            - secretRef:
                name: {secret}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: ["ALL"]
          resources:
            requests:
              cpu: "1"
              memory: 256Mi
            limits:
              memory: 1Gi
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
    )
}

fn check_name(what: &str, name: &str) -> Result<()> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if name.len() <= 52
        && name.chars().all(fine)
        && edge(name.chars().next())
        && edge(name.chars().last())
    {
        return Ok(());
    }
    Err(Error::usage(format!(
        "invalid name of {what} '{name}': expected up to 52 lower-case letters, digits and '-'"
    )))
}

/// Returns text under a key, in the data of a ConfigMap: as a YAML block if it can be one. The indentation is explicit,
/// because the first line could begin with spaces.
///
/// A block contains its characters as they are, but YAML forbids most control characters, and YAML 1.1 ends a line at
/// U+0085, U+2028 and U+2029.
fn block(key: &str, text: &str) -> String {
    let is_plain = |c: char| {
        !(c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(
                c,
                '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            ))
    };
    if !text.chars().all(is_plain) {
        return format!("  {}: {}\n", quoted(key), quoted(text));
    }
    let mut out = format!("  {}: |2\n", quoted(key));
    for line in text.lines() {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "    {line}");
    }
    out
}

/// Returns a JSON string in ASCII, which is also a valid YAML string for any content.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in serde_json::Value::from(text).to_string().chars() {
        match c {
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out
}
