//! Equal seeds send equal requests, and all shards together send what a single generator would send.

use std::collections::BTreeMap;

use crate::support::{Behaviour, Seen, Server, options};
use espo_bench::{Arrivals, Error, Limit, Load, Report, Shard, merge, run};

const MIX: &str = "[data]\nskew = { hot = 0.2, share = 0.8 }\n[[operation]]\nkind = \"list\"\nentity = \"Account\"\npages = 4\nweight = 3\n\
                   [[operation]]\nkind = \"read\"\nentity = \"Account\"\nweight = 3\n[[operation]]\nkind = \"search\"\nentity = \"Account\"\n\
                   [[operation]]\nkind = \"create\"\nentity = \"Contact\"\nfields = [\"*\"]\n[[operation]]\nkind = \"update\"\nentity = \"Contact\"\n";

fn server() -> Server {
    Server::start(Behaviour {
        records: [("Account".to_owned(), 30)].into(),
        ..Behaviour::default()
    })
}

/// Returns the requests of each worker, in order. IDs assigned by the server differ between runs, so each is replaced
/// by the position of its first use by the worker.
fn by_worker(seen: Vec<Seen>) -> BTreeMap<String, Vec<String>> {
    let mut workers: BTreeMap<String, Vec<(u64, Seen)>> = BTreeMap::new();
    for request in seen {
        let (worker, number) = request.tag.split_once('/').unwrap();
        workers
            .entry(worker.to_owned())
            .or_default()
            .push((number.parse().unwrap(), request.clone()));
    }
    workers
        .into_iter()
        .map(|(worker, mut all)| {
            all.sort_by_key(|(number, _)| *number);
            let mut ids = BTreeMap::new();
            let lines = all.into_iter().map(|(number, r)| {
                let mut target = r.target;
                if let Some(id) = target.strip_prefix("/api/v1/Contact/").map(str::to_owned) {
                    let known = ids.len();
                    let place = *ids.entry(id).or_insert(known);
                    target = format!("/api/v1/Contact/#{place}");
                }
                format!("{number} {} {target} {}", r.method, r.body)
            });
            (worker, lines.collect())
        })
        .collect()
}

#[test]
fn equal_seeds_send_equal_requests_per_worker() {
    let go = |seed: u64| {
        let (server, folder) = (server(), tempfile::tempdir().unwrap());
        let mut o = options(&server, MIX);
        o.load = Some(Load::Closed { concurrency: 4 });
        o.limit = Some(Limit::Requests(200));
        o.seed = Some(seed);
        o.run_id = Some("0a1b2c3d".into());
        o.ledger = Some(folder.path().join("a.ledger"));
        run(o).unwrap();
        by_worker(server.seen())
    };
    let (first, second, other) = (go(7), go(7), go(8));
    assert_eq!(first.len(), 4);
    assert_eq!(first, second);
    assert_ne!(first, other);
}

fn shard(server: &Server, shard: Option<Shard>) -> Report {
    let mut o = options(
        server,
        &MIX[..MIX.find("[[operation]]\nkind = \"create\"").unwrap()],
    );
    o.load = Some(Load::Open {
        rate: 400.0,
        arrivals: Arrivals::Poisson,
    });
    o.limit = Some(Limit::Requests(400));
    o.shard = shard;
    run(o).unwrap()
}

#[test]
fn shards_send_the_whole_load_and_merge_without_loss() {
    let requests = |server: &Server| {
        let mut all: Vec<String> = server
            .seen()
            .into_iter()
            .map(|s| format!("{} {}", s.method, s.target))
            .collect();
        all.sort();
        all
    };
    let (one, four) = (server(), server());
    let whole = shard(&one, None);
    let shards: Vec<Report> = (0..4)
        .map(|index| shard(&four, Some(Shard { index, count: 4 })))
        .collect();
    assert_eq!(requests(&one), requests(&four));
    assert!(shards.iter().all(|s| s.totals.requests > 50));

    let merged = merge(shards.clone()).unwrap();
    assert_eq!(merged.totals.requests, whole.totals.requests);
    // The percentiles of the merged report cover all samples.
    for operation in &merged.operations {
        let mut all = Vec::new();
        for shard in &shards {
            let ok = &shard.operation(&operation.name).unwrap().outcomes[0];
            for value in ok.response.to_histogram().unwrap().iter_recorded() {
                all.extend(std::iter::repeat_n(
                    value.value_iterated_to(),
                    usize::try_from(value.count_at_value()).unwrap(),
                ));
            }
        }
        all.sort_unstable();
        let response = &operation.outcomes[0].response;
        assert_eq!(response.count, all.len() as u64);
        for (shown, q) in [
            (response.p50, 0.5),
            (response.p90, 0.9),
            (response.p99, 0.99),
            (response.max, 1.0),
        ] {
            let rank = ((all.len() as f64 * q).ceil() as usize).max(1) - 1;
            let merged = operation.outcomes[0].response.to_histogram().unwrap();
            assert!(
                merged.equivalent(shown, all[rank]),
                "{} {q}: {shown} and {}",
                operation.name,
                all[rank]
            );
        }
    }

    let missing = merge(shards[..3].to_vec()).unwrap_err();
    assert!(
        matches!(&missing, Error::Usage(m) if m.contains("missing shards: 3/4")),
        "{missing}"
    );
    let twice = merge([&shards[..], &shards[..1]].concat()).unwrap_err();
    assert!(twice.to_string().contains("given twice"), "{twice}");
    let mut other = shards.clone();
    other[2].run.seed = 99;
    assert!(
        merge(other)
            .unwrap_err()
            .to_string()
            .contains("its seed differs")
    );
    assert!(
        merge(vec![whole])
            .unwrap_err()
            .to_string()
            .contains("not a shard")
    );
}
