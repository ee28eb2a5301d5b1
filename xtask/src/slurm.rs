//! `cargo xtask slurm-test`: a distributed run on a local Slurm cluster of four nodes, compared with a single run.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::{Failure, cargo, print, root};

const PACKAGES: [&str; 4] = ["slurmctld", "slurmd", "slurm-client", "munge"];
const NODES: u16 = 4;
const FIRST_PORT: u16 = 17_100;
const WORKLOAD: &str = "\
[[operation]]
kind = \"list\"
entity = \"Account\"
weight = 3
max_size = 5

[[operation]]
kind = \"read\"
entity = \"Contact\"
";

pub(crate) fn test(mut parser: lexopt::Parser) -> Result<(), Failure> {
    use lexopt::prelude::*;
    let mut install = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("install") => install = true,
            other => return Err(other.unexpected().into()),
        }
    }
    find_slurm(install)?;
    succeed(&mut cargo("build --locked -p espo-bench -p espo-sim"))?;
    let programs = root()
        .join(std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from));
    let programs = programs.join("debug");
    let directory = root().join("target/slurm-test");
    // Files of an earlier test must not be mistaken for results of this one.
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).map_err(|e| cannot("create", &directory, &e))?;
    write(&directory.join("w.toml"), WORKLOAD)?;

    let simulator = Simulator::start(&programs.join("espo-sim"))?;
    let bench = Bench {
        program: programs.join("espo-bench"),
        directory: directory.clone(),
        key: simulator.key.clone(),
    };
    let load = ["--rate", "60", "--requests", "600", "--seed", "7"];
    let single = Recorder::start(&simulator.address)?;
    let url = single.url();
    let mut run = vec!["run", "w.toml", "--url", &url];
    run.extend(load);
    run.extend(["--json", "single.json", "--quiet"]);
    succeed(&mut bench.command(&run))?;

    let cluster = Cluster::start(&directory)?;
    let shards = Recorder::start(&simulator.address)?;
    let url = shards.url();
    let count = NODES.to_string();
    let program = bench.program.display().to_string();
    let mut script = vec!["slurm", "w.toml", "--url", &url, "--shards", &count];
    script.extend(["--program", &program, "--cpus", "1", "--wait", "2m", "--"]);
    script.extend(load);
    let text = output(&mut bench.command(&script))?;
    write(&directory.join("espo-bench.sh"), &text)?;
    print(&output(&mut cluster.command("sinfo", &["-N", "-l"]))?)?;
    succeed(
        cluster
            .command("sbatch", &["--wait", "espo-bench.sh"])
            .env("ESPO_API_KEY", &simulator.key),
    )?;
    let job = std::fs::read_dir(&directory)
        .map_err(|e| cannot("read", &directory, &e))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.join("start").exists())
        .ok_or_else(|| Failure::Check("the job wrote no results".into()))?;
    let reports: Vec<String> = (0..NODES)
        .map(|i| job.join(format!("shard-{i}.json")).display().to_string())
        .collect();
    let mut merge = vec!["merge"];
    merge.extend(reports.iter().map(String::as_str));
    merge.extend(["--json", "merged.json"]);
    print(&output(&mut bench.command(&merge))?)?;
    compare(&single.seen(), &shards.seen())
}

/// Requests of the preparation may differ, because each shard prepares separately.
fn compare(single: &[String], shards: &[String]) -> Result<(), Failure> {
    let count = |lines: &[String]| {
        let mut counts = BTreeMap::<String, i64>::new();
        for line in lines
            .iter()
            .filter(|l| l.contains("/api/v1/Account?") || l.contains("/api/v1/Contact/"))
        {
            *counts.entry(line.clone()).or_default() += 1;
        }
        counts
    };
    let (one, many) = (count(single), count(shards));
    let total: i64 = one.values().sum();
    let mut differences = Vec::new();
    for line in one.keys().chain(many.keys()) {
        let (a, b) = (one.get(line).unwrap_or(&0), many.get(line).unwrap_or(&0));
        // Samples of records are listed once by the single run and once by each shard.
        let is_sample = *b == *a * i64::from(NODES) && *a <= 2;
        if a != b && !is_sample {
            differences.push(format!(
                "{line}: {a} times in the single run, {b} times on the cluster"
            ));
        }
    }
    if !differences.is_empty() {
        return Err(Failure::Check(differences.join("\n")));
    }
    print(&format!(
        "the {NODES} nodes sent the same {total} requests as the single run ({} different ones)\n",
        one.len()
    ))
}

fn find_slurm(install: bool) -> Result<(), Failure> {
    let is_there = |program: &str| {
        let mut command = Command::new(program);
        command
            .arg("-V")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok()
    };
    if ["slurmctld", "slurmd", "sbatch", "munged"]
        .into_iter()
        .all(is_there)
    {
        return Ok(());
    }
    if !install {
        return Err(Failure::Input(format!(
            "Slurm is not installed: pass --install to install Debian's packages {}",
            PACKAGES.join(", ")
        )));
    }
    succeed(Command::new("apt-get").arg("update"))?;
    let install = ["install", "-y", "--no-install-recommends"];
    succeed(Command::new("apt-get").args(install).args(PACKAGES))
}

struct Bench {
    program: PathBuf,
    directory: PathBuf,
    key: String,
}

impl Bench {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.directory);
        command.env("ESPO_API_KEY", &self.key);
        command
    }
}

struct Simulator {
    child: Child,
    address: String,
    key: String,
}

impl Simulator {
    fn start(program: &Path) -> Result<Self, Failure> {
        let mut child = Command::new(program)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--records",
                "Account=200,Contact=200",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| cannot("run", program, &e))?;
        let mut line = String::new();
        let read = child
            .stdout
            .take()
            .map(|out| BufReader::new(out).read_line(&mut line));
        let found = |key: &str| {
            let (_, rest) = line.split_once(&format!("\"{key}\":"))?;
            Some(rest.split('"').nth(1)?.to_owned())
        };
        match (read, found("url"), found("apiKey")) {
            (Some(Ok(_)), Some(url), Some(key)) => Ok(Self {
                child,
                address: url.trim_start_matches("http://").to_owned(),
                key,
            }),
            _ => Err(Failure::Check(format!(
                "unexpected ready line of espo-sim: {line}"
            ))),
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A proxy that records the request lines. The requests of the workload have no body.
struct Recorder {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    fn start(server: &str) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .map_err(|e| Failure::Input(format!("cannot listen on a loopback port: {e}")))?;
        let port = listener.local_addr().map_or(0, |a| a.port());
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let (server, lines) = (server.to_owned(), Arc::clone(&seen));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = TcpStream::connect(&server) else {
                    continue;
                };
                let lines = Arc::clone(&lines);
                std::thread::spawn(move || relay(client, upstream, &lines));
            }
        });
        Ok(Self { port, seen })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn seen(&self) -> Vec<String> {
        self.seen
            .lock()
            .map(|lines| lines.clone())
            .unwrap_or_default()
    }
}

fn relay(client: TcpStream, upstream: TcpStream, seen: &Mutex<Vec<String>>) {
    let (Ok(mut to_client), Ok(mut from_server)) = (client.try_clone(), upstream.try_clone())
    else {
        return;
    };
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(std::net::Shutdown::Both);
    });
    let (mut reader, mut upstream) = (BufReader::new(client), upstream);
    let mut line = Vec::new();
    while matches!(reader.read_until(b'\n', &mut line), Ok(n) if n > 0) {
        if line.starts_with(b"GET ")
            && let Ok(mut seen) = seen.lock()
        {
            seen.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        if upstream.write_all(&line).is_err() {
            break;
        }
        line.clear();
    }
    let _ = upstream.shutdown(std::net::Shutdown::Both);
}

/// munged, slurmctld and four slurmd on this machine, with all their files in one directory.
struct Cluster {
    directory: PathBuf,
    children: Vec<Child>,
}

impl Cluster {
    fn start(directory: &Path) -> Result<Self, Failure> {
        use std::os::unix::fs::PermissionsExt as _;
        let host = output(&mut Command::new("hostname"))?.trim().to_owned();
        let shown = directory.display();
        let key = directory.join("munge.key");
        let mut random = [0; 128];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut f| f.read_exact(&mut random))
            .and_then(|()| std::fs::write(&key, random))
            .and_then(|()| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)))
            .map_err(|e| cannot("write", &key, &e))?;
        let (last_node, last_port) = (NODES - 1, FIRST_PORT + NODES);
        let first_node_port = FIRST_PORT + 1;
        let configuration = format!(
            "ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={FIRST_PORT}\nSlurmUser=root\nSlurmdUser=root\n\
             AuthType=auth/munge\nAuthInfo=socket={shown}/munge.socket\nCredType=cred/munge\nMpiDefault=none\n\
             ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nReturnToService=2\nSelectType=select/linear\n\
             SchedulerType=sched/backfill\nAccountingStorageType=accounting_storage/none\nJobAcctGatherType=jobacct_gather/none\n\
             SlurmdParameters=config_overrides\nStateSaveLocation={shown}/state\nSlurmdSpoolDir={shown}/spool-%n\n\
             SlurmctldPidFile={shown}/slurmctld.pid\nSlurmdPidFile={shown}/slurmd-%n.pid\n\
             SlurmctldLogFile={shown}/slurmctld.log\nSlurmdLogFile={shown}/slurmd-%n.log\n\
             NodeName=n[0-{last_node}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first_node_port}-{last_port}] CPUs=1 State=UNKNOWN\n\
             PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n"
        );
        write(&directory.join("slurm.conf"), &configuration)?;
        let mut cluster = Self {
            directory: directory.to_owned(),
            children: Vec::new(),
        };
        let path = |name: &str| format!("{shown}/{name}");
        let munge: [String; 7] = [
            "--foreground".into(),
            "--force".into(),
            format!("--key-file={}", path("munge.key")),
            format!("--socket={}", path("munge.socket")),
            format!("--pid-file={}", path("munge.pid")),
            format!("--log-file={}", path("munge.log")),
            format!("--seed-file={}", path("munge.seed")),
        ];
        cluster.daemon("munged", &munge.each_ref().map(String::as_str))?;
        cluster.wait_for("munge", &["-S", &path("munge.socket"), "-n"], "")?;
        cluster.daemon("slurmctld", &["-D"])?;
        for node in 0..NODES {
            cluster.daemon("slurmd", &["-D", "-N", &format!("n{node}")])?;
        }
        let all_idle = NODES.to_string();
        cluster.wait_for("sinfo", &["-h", "-t", "idle", "-o", "%D"], &all_idle)?;
        Ok(cluster)
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.directory);
        command.env("SLURM_CONF", self.directory.join("slurm.conf"));
        command
    }

    fn daemon(&mut self, program: &str, arguments: &[&str]) -> Result<(), Failure> {
        let mut command = self.command(program, arguments);
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.spawn();
        self.children
            .push(child.map_err(|e| cannot("run", Path::new(program), &e))?);
        Ok(())
    }

    /// Waits until a command succeeds and prints this; for at most a minute.
    fn wait_for(&self, program: &str, arguments: &[&str], wanted: &str) -> Result<(), Failure> {
        for _ in 0..120 {
            let got = self.command(program, arguments).output();
            if got.is_ok_and(|o| {
                let text = String::from_utf8_lossy(&o.stdout).trim().to_owned();
                o.status.success() && (wanted.is_empty() || text == wanted)
            }) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        Err(Failure::Check(format!(
            "the cluster did not start: `{program}` reported no success; see the logs in {}",
            self.directory.display()
        )))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            end(child);
        }
    }
}

/// Ends a process that this task has started.
fn end(child: &mut Child) {
    let asked = Command::new("kill").arg(child.id().to_string()).status();
    for _ in 0..50 {
        if asked.is_err() || child.try_wait().is_ok_and(|status| status.is_some()) {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let status = command.status();
    let shown = command.get_program().display();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Check(format!("{shown} ended with {status}"))),
        Err(error) => Err(Failure::Input(format!("cannot run {shown}: {error}"))),
    }
}

fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command.stderr(Stdio::inherit()).output();
    let shown = command.get_program().display();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => Err(Failure::Check(format!(
            "{shown} ended with {}",
            output.status
        ))),
        Err(error) => Err(Failure::Input(format!("cannot run {shown}: {error}"))),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|e| cannot("write", path, &e))
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::Input(format!("cannot {verb} {}: {error}", path.display()))
}
