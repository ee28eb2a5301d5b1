//! The server with prepared responses, and CPU times from the kernel.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Failure;

/// The kernel reports CPU times in `/proc` in hundredths of a second, regardless of its tick rate.
const TICKS: f64 = 100.0;

/// Returns one core for the server and another for the generator: the first and the last that this process may use.
pub(crate) fn cores() -> Result<(usize, usize), Failure> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|_| {
        Failure::Input(
            "cannot compare generators on this system: cores and CPU times are read from /proc, which requires Linux".into(),
        )
    })?;
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .unwrap_or_default();
    let allowed = parse_cores(list);
    match (allowed.first(), allowed.last()) {
        (Some(first), Some(last)) if first != last => Ok((*first, *last)),
        _ => Err(Failure::Input(
            "cannot compare generators on one core: the server and the generator need one core each"
                .into(),
        )),
    }
}

/// Parses `0-2,5` as 0, 1, 2, 5.
fn parse_cores(list: &str) -> Vec<usize> {
    let mut all = Vec::new();
    for part in list.trim().split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(from), Ok(to)) = (from.parse::<usize>(), to.parse::<usize>()) {
            all.extend(from..=to);
        }
    }
    all
}

/// Returns a command that runs on one core.
pub(crate) fn pinned(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program);
    command
}

/// Returns the user and system seconds of all ended and awaited children of this process.
pub(crate) fn children_cpu() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may contain any character; `cutime` and `cstime` are fields 16 and 17 of proc(5).
    let fields: Vec<&str> = stat
        .rsplit_once(") ")
        .map_or("", |(_, rest)| rest)
        .split(' ')
        .collect();
    let ticks = |field: usize| {
        fields
            .get(field - 3)
            .and_then(|f| f.parse::<f64>().ok())
            .ok_or_else(|| Failure::Input("cannot parse /proc/self/stat: unexpected format".into()))
    };
    Ok((ticks(16)? + ticks(17)?) / TICKS)
}

/// The server, which stops when this value is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(program: &Path, core: usize) -> Result<Self, Failure> {
        let mut child = pinned(core, program)
            .args(["serve", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                Failure::Input(format!("cannot run taskset (package util-linux): {error}"))
            })?;
        let mut url = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut url)?;
        }
        let server = Self {
            child,
            url: url.trim().to_owned(),
        };
        if server.url.is_empty() {
            return Err(Failure::Check("the server did not start".into()));
        }
        Ok(server)
    }

    /// Returns the number of lists served so far.
    pub(crate) fn count(&self) -> Result<u64, Failure> {
        let body = self.get("/count")?;
        body.parse()
            .map_err(|_| Failure::Check(format!("invalid count from the server: '{body}'")))
    }

    /// Returns the size of the requested list.
    pub(crate) fn body_bytes(&self) -> Result<usize, Failure> {
        Ok(self.get("/api/v1/Account")?.len())
    }

    fn get(&self, path: &str) -> Result<String, Failure> {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.to_owned()),
            _ => Err(Failure::Check(format!(
                "unexpected response from the server: {answer}"
            ))),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server may already have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn lists_of_cores_are_parsed() {
        for (text, cores) in [
            ("\t0-1", vec![0, 1]),
            ("3", vec![3]),
            ("0-2,5,7-8\n", vec![0, 1, 2, 5, 7, 8]),
            ("", vec![]),
        ] {
            assert_eq!(super::parse_cores(text), cores, "{text}");
        }
    }
}
