//! The generators: their command lines and their reports.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Built;
use crate::Failure;

/// Path of the request of all generators; each sends the same key.
const PATH: &str = "/api/v1/Account?searchParams=%7B%22maxSize%22%3A20%7D";
const KEY: &str = "X-Api-Key: key";

/// Parameters of a run.
pub(crate) struct Plan {
    pub(crate) url: String,
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
}

impl Plan {
    fn list(&self) -> String {
        format!("{}{PATH}", self.url)
    }
}

/// Figures that a generator reports.
#[derive(Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) requests: u64,
    pub(crate) rate: f64,
    pub(crate) failed: u64,
}

type Arguments = Box<dyn Fn(&Plan) -> Vec<String>>;

/// A generator.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// Name for `--only`.
    pub(crate) family: &'static str,
    pub(crate) program: PathBuf,
    /// How to install the generator.
    pub(crate) source: &'static str,
    pub(crate) environment: Vec<(&'static str, &'static str)>,
    pub(crate) arguments: Arguments,
    pub(crate) read: Box<dyn Fn(&str) -> Result<Said, String>>,
}

impl Tool {
    pub(crate) fn is_present(&self) -> bool {
        if self.program.components().count() > 1 {
            return self.program.is_file();
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(&self.program).is_file())
    }

    fn other(
        name: &'static str,
        source: &'static str,
        arguments: impl Fn(&Plan) -> Vec<String> + 'static,
        read: impl Fn(&str) -> Result<Said, String> + 'static,
    ) -> Self {
        Self {
            name,
            family: name,
            program: name.into(),
            source,
            environment: Vec::new(),
            arguments: Box::new(arguments),
            read: Box::new(read),
        }
    }
}

/// Returns all known generators, whether or not they are installed. Writes the files that they need to `folder`.
pub(crate) fn all(built: &Built, folder: &Path) -> Result<Vec<Tool>, Failure> {
    let workload = folder.join("list.toml");
    std::fs::write(
        &workload,
        "[[operation]]\nkind = \"list\"\nentity = \"Account\"\nmax_size = 20\n",
    )?;
    let script = folder.join("list.js");
    std::fs::write(&script, K6_SCRIPT)?;
    Ok(vec![
        espo_bench(built, folder, &workload, "espo-bench skip", "skip"),
        bare(&built.generators, "bare reqwest skip", "skip"),
        bare(&built.mimalloc, "bare mimalloc skip", "skip"),
        espo_bench(built, folder, &workload, "espo-bench typed", "typed"),
        bare(&built.generators, "bare reqwest typed", "typed"),
        bare(&built.mimalloc, "bare mimalloc typed", "typed"),
        Tool::other("wrk", "apt-get install wrk", wrk, read_wrk),
        Tool::other("oha", "cargo install oha", oha, read_oha),
        Tool::other("hey", "apt-get install hey", hey, read_hey),
        k6(folder, &script),
    ])
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn espo_bench(
    built: &Built,
    folder: &Path,
    workload: &Path,
    name: &'static str,
    decode: &'static str,
) -> Tool {
    let (workload, report) = (workload.display().to_string(), folder.join("report.json"));
    let written = report.display().to_string();
    Tool {
        name,
        family: "espo-bench",
        program: built.espo_bench.clone(),
        source: "",
        environment: vec![("ESPO_API_KEY", "key")],
        arguments: Box::new(move |plan| {
            let (url, connections, seconds) = (&plan.url, plan.connections, plan.seconds);
            let mut line = words(&format!(
                "run --url {url} --concurrency {connections} --duration {seconds}s --decode {decode} --quiet --json"
            ));
            line.extend([written.clone(), workload.clone()]);
            line
        }),
        read: Box::new(move |_| {
            let text = std::fs::read_to_string(&report).map_err(|e| e.to_string())?;
            read_espo_bench(&text)
        }),
    }
}

fn read_espo_bench(text: &str) -> Result<Said, String> {
    let report = json(text)?;
    Ok(Said {
        requests: number(&report, "/totals/requests")? as u64,
        rate: number(&report, "/totals/rate")?,
        failed: number(&report, "/totals/failed")? as u64,
    })
}

fn bare(program: &Path, name: &'static str, decode: &'static str) -> Tool {
    Tool {
        name,
        family: "bare",
        program: program.to_owned(),
        source: "",
        environment: Vec::new(),
        arguments: Box::new(move |plan| {
            let (url, connections, seconds) = (&plan.url, plan.connections, plan.seconds);
            words(&format!("bare {url} {connections} {seconds} {decode}"))
        }),
        read: Box::new(|text| {
            let said = json(text)?;
            Ok(Said {
                requests: number(&said, "/requests")? as u64,
                rate: number(&said, "/per_second")?,
                failed: 0,
            })
        }),
    }
}

fn wrk(plan: &Plan) -> Vec<String> {
    let mut line = words(&format!(
        "-t1 -c{} -d{}s -H",
        plan.connections, plan.seconds
    ));
    line.extend([KEY.into(), plan.list()]);
    line
}

fn read_wrk(text: &str) -> Result<Said, String> {
    let failed = text.contains("Non-2xx or 3xx responses:") || text.contains("Socket errors:");
    Ok(Said {
        requests: word_before(text, "requests in").ok_or("no count of requests")?,
        rate: word_after(text, "Requests/sec:").ok_or("no rate")?,
        failed: u64::from(failed),
    })
}

fn oha(plan: &Plan) -> Vec<String> {
    let mut line = words(&format!(
        "-z {}s -c {} --no-tui --output-format json -H",
        plan.seconds, plan.connections
    ));
    line.extend([KEY.into(), plan.list()]);
    line
}

fn read_oha(text: &str) -> Result<Said, String> {
    let report = json(text)?;
    let by_status = report
        .get("statusCodeDistribution")
        .and_then(Value::as_object)
        .ok_or("no counts by status")?;
    let count = |ok: bool| {
        by_status
            .iter()
            .filter(|(status, _)| (*status == "200") == ok)
            .filter_map(|(_, n)| n.as_u64())
            .sum()
    };
    // oha's own rate includes the requests that it aborted at the end.
    let requests: u64 = count(true);
    Ok(Said {
        requests,
        rate: requests as f64 / number(&report, "/summary/total")?,
        failed: count(false),
    })
}

fn hey(plan: &Plan) -> Vec<String> {
    let mut line = words(&format!(
        "-z {}s -c {} -cpus 1 -H",
        plan.seconds, plan.connections
    ));
    line.extend([KEY.into(), plan.list()]);
    line
}

fn read_hey(text: &str) -> Result<Said, String> {
    let failed = text.contains("Error distribution:")
        || text.lines().any(|l| {
            l.trim_start().starts_with('[') && !l.contains("[200]") && l.contains("responses")
        });
    Ok(Said {
        requests: word_after(text, "[200]").ok_or("no count of responses")?,
        rate: word_after(text, "Requests/sec:").ok_or("no rate")?,
        failed: u64::from(failed),
    })
}

const K6_SCRIPT: &str = r#"import http from "k6/http";
export const options = { vus: Number(__ENV.CONNECTIONS), duration: __ENV.SECONDS + "s" };
export default function () {
  http.get(__ENV.LIST, { headers: { "X-Api-Key": "key" } });
}
"#;

fn k6(folder: &Path, script: &Path) -> Tool {
    let (script, summary) = (script.display().to_string(), folder.join("k6.json"));
    let written = summary.display().to_string();
    Tool::other(
        "k6",
        "https://grafana.com/docs/k6/latest/set-up/install-k6/",
        move |plan| {
            let mut line = words("run --quiet --no-usage-report --summary-export");
            line.push(written.clone());
            for (name, value) in [
                ("LIST", plan.list()),
                ("CONNECTIONS", plan.connections.to_string()),
                ("SECONDS", plan.seconds.to_string()),
            ] {
                line.extend(["-e".into(), format!("{name}={value}")]);
            }
            line.push(script.clone());
            line
        },
        move |_| {
            let text = std::fs::read_to_string(&summary).map_err(|e| e.to_string())?;
            read_k6(&text)
        },
    )
}

fn read_k6(text: &str) -> Result<Said, String> {
    let report = json(text)?;
    let requests = number(&report, "/metrics/http_reqs/count")?;
    // The value of the metric is the fraction of failed requests.
    let share = number(&report, "/metrics/http_req_failed/value").unwrap_or(0.0);
    Ok(Said {
        requests: requests as u64,
        rate: number(&report, "/metrics/http_reqs/rate")?,
        failed: (share * requests).round() as u64,
    })
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|e| e.to_string())
}

fn number(value: &Value, pointer: &str) -> Result<f64, String> {
    value
        .pointer(pointer)
        .and_then(Value::as_f64)
        .ok_or_else(|| format!("no {pointer}"))
}

fn word_after<T: std::str::FromStr>(text: &str, mark: &str) -> Option<T> {
    let (_, rest) = text.split_once(mark)?;
    rest.split_whitespace().next()?.parse().ok()
}

fn word_before<T: std::str::FromStr>(text: &str, mark: &str) -> Option<T> {
    let (before, _) = text.split_once(mark)?;
    before.split_whitespace().next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRK: &str = "  2 threads and 16 connections\n  457961 requests in 5.10s, 5.82GB read\nRequests/sec:  89799.23\nTransfer/sec:      1.14GB\n";
    const HEY: &str = "Summary:\n  Total:\t5.0012 secs\n  Requests/sec:\t37268.4417\n\nStatus code distribution:\n  [200]\t186387 responses\n";
    /// Output of oha 1.16.0 without the histograms.
    const OHA: &str = r#"{"summary":{"successRate":1.0,"total":2.0,"slowest":0.0238,"fastest":0.0203,"average":0.0207,"requestsPerSec":194.0,"totalData":7956096,"sizePerRequest":20719,"sizePerSec":3975819.4},"statusCodeDistribution":{"200":384},"errorDistribution":{"aborted due to deadline":4}}"#;
    const K6: &str = r#"{"metrics":{"http_reqs":{"count":67450,"rate":13490.2},"http_req_failed":{"value":0,"passes":0,"fails":67450}}}"#;

    #[test]
    fn reports_of_other_generators_are_parsed() {
        let said = |requests, rate| Said {
            requests,
            rate,
            failed: 0,
        };
        assert_eq!(read_wrk(WRK), Ok(said(457_961, 89_799.23)));
        assert_eq!(read_hey(HEY), Ok(said(186_387, 37_268.441_7)));
        assert_eq!(read_oha(OHA), Ok(said(384, 192.0)));
        assert_eq!(read_k6(K6), Ok(said(67_450, 13_490.2)));
    }

    #[test]
    fn failed_requests_are_not_counted_as_fast_ones() {
        let wrk = format!("{WRK}  Non-2xx or 3xx responses: 12\n");
        let hey = format!("{HEY}  [503]\t12 responses\n");
        let oha = r#"{"summary":{"total":1.0},"statusCodeDistribution":{"200":1,"503":7}}"#;
        for said in [read_wrk(&wrk), read_hey(&hey), read_oha(oha)] {
            assert!(said.is_ok_and(|s| s.failed > 0));
        }
        assert!(read_wrk("unable to connect").is_err());
    }
}
