//! Checks the manifest against the API's own types.

use std::time::Duration;

use espo_bench::{K8sOptions, Workload, k8s};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::ConfigMap;

fn options() -> K8sOptions {
    K8sOptions {
        name: "night-run".into(),
        image: "registry.example/espo-tools:1".into(),
        program: "espo-bench".into(),
        url: "https://crm.example.com".into(),
        shards: 4,
        secret: "crm-credentials".into(),
        start_at: "2999-12-01T02:00:00Z".into(),
        namespace: "load".into(),
        deadline: Duration::from_secs(5_400),
        time_to_live: Duration::from_secs(86_400),
        args: [
            "--rate",
            "400",
            "--slo",
            "list.p99 < 250ms",
            "--allow-writes",
            "crm.example.com",
        ]
        .map(String::from)
        .to_vec(),
    }
}

/// Parses an object of the API. The API's types ignore unknown fields, so everything in the text must also be in the
/// parsed object.
fn strictly<T: serde::de::DeserializeOwned + serde::Serialize>(text: &str) -> T {
    let object: T = serde_saphyr::from_str(text).unwrap();
    let given: serde_json::Value = serde_saphyr::from_str(text).unwrap();
    assert_eq!(
        unknown("", &given, &serde_json::to_value(&object).unwrap()),
        [""; 0]
    );
    object
}

/// Returns the paths of values that the parsed object lacks. Quantities and times are compared as text.
fn unknown(path: &str, given: &serde_json::Value, parsed: &serde_json::Value) -> Vec<String> {
    use serde_json::Value;
    match (given, parsed) {
        (Value::Object(given), Value::Object(parsed)) => (given.iter())
            .flat_map(|(key, value)| {
                let path = format!("{path}.{key}");
                match parsed.get(key) {
                    Some(parsed) => unknown(&path, value, parsed),
                    None => vec![path],
                }
            })
            .collect(),
        (Value::Array(given), Value::Array(parsed)) if given.len() == parsed.len() => (given
            .iter())
        .zip(parsed)
        .enumerate()
        .flat_map(|(index, (given, parsed))| unknown(&format!("{path}[{index}]"), given, parsed))
        .collect(),
        _ if given == parsed => Vec::new(),
        _ => vec![path.to_owned()],
    }
}

#[test]
fn unknown_fields_of_a_manifest_are_found() {
    let text = "apiVersion: batch/v1\nkind: Job\nspec:\n  completion: 4\n  template: {}\n";
    let job: Job = serde_saphyr::from_str(text).unwrap();
    let given: serde_json::Value = serde_saphyr::from_str(text).unwrap();
    let found = unknown("", &given, &serde_json::to_value(&job).unwrap());
    assert_eq!(found, [".spec.completion"]);
}

#[test]
fn the_manifest_is_an_indexed_job_of_shards() {
    let workload = Workload::builtin("mixed").unwrap();
    let text = k8s(&workload, &options()).unwrap();
    let (map, job) = text.split_once("\n---\n").unwrap();
    let map: ConfigMap = strictly(map);
    let job: Job = strictly(job);

    let spec = job.spec.unwrap();
    assert_eq!(spec.completion_mode.as_deref(), Some("Indexed"));
    assert_eq!(
        (spec.completions, spec.parallelism, spec.backoff_limit),
        (Some(4), Some(4), Some(0))
    );
    assert_eq!(spec.active_deadline_seconds, Some(5_400));
    assert_eq!(spec.ttl_seconds_after_finished, Some(86_400));
    assert_eq!(job.metadata.namespace.as_deref(), Some("load"));
    assert_eq!(map.metadata.namespace, job.metadata.namespace);
    // The waiting command also ends for a failed Job.
    assert!(text.contains("Complete|Failed") && !text.contains("kubectl wait"));
    let pod = spec.template.spec.unwrap();
    assert_eq!(pod.restart_policy.as_deref(), Some("Never"));
    let container = &pod.containers[0];
    // The image of deploy/Dockerfile has no entry point, because it contains several programs.
    assert_eq!(container.command.as_deref().unwrap(), ["espo-bench"]);
    let args = container.args.as_ref().unwrap();
    assert!(
        args.windows(2)
            .any(|w| w == ["--shard", "$(JOB_COMPLETION_INDEX)/4"]),
        "{args:?}"
    );
    // A pod sends only a part of the requests, so SLOs are checked on the merged result.
    assert!(!args.iter().any(|a| a.contains("slo") || a.contains("p99")));
    let merge = text
        .lines()
        .find(|l| l.contains("espo-bench merge"))
        .unwrap();
    assert!(merge.ends_with("--slo 'list.p99 < 250ms'"), "{merge}");
    assert!(args.windows(2).any(|w| w == ["--rate", "400"]), "{args:?}");
    assert!(args.windows(2).any(|w| w == ["--json", "-"]), "{args:?}");
    let security = container.security_context.as_ref().unwrap();
    assert_eq!(security.allow_privilege_escalation, Some(false));
    assert_eq!(security.read_only_root_filesystem, Some(true));
    let of_pod = pod.security_context.as_ref().unwrap();
    assert_eq!(of_pod.run_as_non_root, Some(true));
    let resources = container.resources.as_ref().unwrap();
    assert!(resources.limits.is_some() && resources.requests.is_some());
    assert!(
        container
            .env
            .as_ref()
            .unwrap()
            .iter()
            .any(|e| e.name == "JOB_COMPLETION_INDEX")
    );
    let secret = container.env_from.as_ref().unwrap()[0]
        .secret_ref
        .as_ref()
        .unwrap();
    assert_eq!(secret.name, "crm-credentials");
    assert!(
        !text.contains("API_KEY:"),
        "credentials come only from the secret"
    );

    // The workload arrives unchanged, so that the merge finds the same hash.
    let file = &map.data.unwrap()["workload.toml"];
    let arrived = Workload::parse("workload.toml", file, std::path::Path::new(".")).unwrap();
    assert_eq!(arrived.name, workload.name);
    assert_eq!(map.metadata.name, job.metadata.name);
    let mounted = pod.volumes.unwrap().into_iter().any(|v| {
        v.config_map
            .is_some_and(|c| Some(c.name) == map.metadata.name)
    });
    assert!(mounted);
}

#[test]
fn invalid_pod_options_are_rejected_and_files_included() {
    let mixed = Workload::builtin("mixed").unwrap();
    let silent = K8sOptions {
        args: Vec::new(),
        ..options()
    };
    let error = k8s(&mixed, &silent).unwrap_err().to_string();
    assert!(error.contains("--allow-writes crm.example.com"), "{error}");
    assert!(k8s(&Workload::builtin("sync").unwrap(), &silent).is_ok());

    // A first line that begins with a space, and cells that have a special meaning in YAML.
    let cells = " Name,Town\n\"yes: no\",# Ghent\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    for file in ["people.csv", "data/people.csv"] {
        std::fs::write(folder.path().join(file), cells).unwrap();
    }
    let with = |file: &str| {
        let text = format!(
            "[[credentials]]\napi_key_env = \"SALES_KEY\"\n[[data.csv]]\nfile = \"{file}\"\nentity = \"Contact\"\n\
             columns = {{ firstName = \" Name\" }}\n[[operation]]\nkind = \"create\"\nentity = \"Contact\"\n\
             [[operation]]\nkind = \"list\"\nentity = \"Contact\"\n"
        );
        Workload::parse("w.toml", &text, folder.path()).unwrap()
    };
    let text = k8s(&with("people.csv"), &options()).unwrap();
    assert!(text.contains("--from-literal=SALES_KEY="), "{text}");
    let (map, _) = text.split_once("\n---\n").unwrap();
    let map: ConfigMap = serde_saphyr::from_str(map).unwrap();
    assert_eq!(map.data.unwrap()["people.csv"], cells);
    let error = k8s(&with("data/people.csv"), &options()).unwrap_err();
    assert!(
        error.to_string().contains("next to the workload"),
        "{error}"
    );
}

/// YAML 1.1 ends a line at characters that are text elsewhere, and forbids most control characters.
#[test]
fn text_of_a_workload_stays_in_its_yaml_value() {
    let parse = |text: &str| Workload::parse("w.toml", text, std::path::Path::new(".")).unwrap();
    for comment in [
        "plain: - {",
        "a\u{2028}kind: Secret",
        "a\u{85}kind: Secret",
        "\u{feff}\u{1f600}ü",
        "---",
        "%YAML 1.2",
        "\ttab \\\"'",
    ] {
        let text = format!(
            "# {comment}\n[[operation]]\nkind = \"list\"\nentity = \"Account\"\nweight = 1\n"
        );
        let manifest = k8s(&parse(&text), &options()).unwrap();
        let is_visible = |c: char| !matches!(c, '\u{2028}' | '\u{85}' | '\u{feff}');
        assert!(manifest.chars().all(is_visible), "{comment:?}");
        let (map, _) = manifest.split_once("\n---\n").unwrap();
        let map: ConfigMap = serde_saphyr::from_str(map).unwrap();
        assert_eq!(map.data.unwrap()["workload.toml"], text);
    }
    let text = "[[credentials]]\napi_key_env = \"A\\nkind: Secret\"\n[[operation]]\nkind = \"list\"\n\
                entity = \"Account\"\nweight = 1\n";
    let error = k8s(&parse(text), &options()).unwrap_err().to_string();
    assert!(error.contains("environment variable"), "{error}");
}

/// Kubernetes would replace `$(ESPO_API_KEY)` by the secret, which then appears in the process list and the report.
#[test]
fn references_to_variables_are_not_expanded_in_arguments() {
    let workload = Workload::builtin("sync").unwrap();
    for label in ["$(ESPO_API_KEY)", "$$(ESPO_API_KEY)", "$5 $ $"] {
        let options = K8sOptions {
            program: format!("/opt/{label}"),
            args: ["--label", label].map(String::from).to_vec(),
            ..options()
        };
        let text = k8s(&workload, &options).unwrap();
        let (_, job) = text.split_once("\n---\n").unwrap();
        let job: Job = strictly(job);
        let pod = job.spec.unwrap().template.spec.unwrap();
        let args = pod.containers[0].args.clone().unwrap();
        let at = args.iter().position(|arg| arg == "--label").unwrap();
        let command = pod.containers[0].command.clone().unwrap();
        for (given, expected) in [
            (&args[at + 1], label.to_owned()),
            (&command[0], format!("/opt/{label}")),
        ] {
            // In pairs, all dollar signs are literal, and each pair becomes one.
            let literal = given.replace("$$", "\0");
            assert!(!literal.contains('$'), "{literal:?}");
            assert_eq!(literal.replace('\0', "$"), expected);
        }
    }
}

#[test]
fn manifests_that_every_pod_would_reject_are_errors() {
    let workload = Workload::builtin("sync").unwrap();
    let past = K8sOptions {
        start_at: "2026-01-31T08:15:00Z".into(),
        ..options()
    };
    let error = k8s(&workload, &past).unwrap_err().to_string();
    assert!(error.contains("has passed"), "{error}");
    let hopeless = K8sOptions {
        args: vec!["--abort-when-hopeless".into(), "--slo=p99 < 1s".into()],
        ..options()
    };
    let error = k8s(&workload, &hopeless).unwrap_err().to_string();
    assert!(error.contains("merged result"), "{error}");
    let unknown = K8sOptions {
        args: vec!["--slo=lst.p99 < 1s".into()],
        ..options()
    };
    let error = k8s(&workload, &unknown).unwrap_err().to_string();
    assert!(error.contains("no operation 'lst'"), "{error}");
    let nothing = K8sOptions {
        program: String::new(),
        ..options()
    };
    let error = k8s(&workload, &nothing).unwrap_err().to_string();
    assert!(error.contains("--program"), "{error}");
}

#[test]
fn invalid_kubernetes_names_are_rejected() {
    let workload = Workload::builtin("sync").unwrap();
    for name in ["", "Night", "night_run", "-night", "a".repeat(60).as_str()] {
        let error = k8s(
            &workload,
            &K8sOptions {
                name: name.into(),
                ..options()
            },
        )
        .unwrap_err();
        assert_eq!(error.exit_code(), 2, "{name}");
    }
    assert!(
        k8s(
            &workload,
            &K8sOptions {
                shards: 0,
                ..options()
            }
        )
        .is_err()
    );
}
