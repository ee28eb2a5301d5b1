//! Measures page decoding: typed records compared with structs with serde's derive and with `serde_json::Value`.
//!
//! `cargo bench -p espo-benches --bench decode`

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use espo_benches::{DerivedPage, account_page};
use espo_core::typed::{Decode, Page};
use espo_typed::Account;
use serde::de::IgnoredAny;

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode a page");
    for records in [20, 200] {
        let text = account_page(records);
        let bytes = text.as_bytes();
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let mut bench = |name: &str, run: &dyn Fn()| {
            group.bench_function(BenchmarkId::new(name, records), |bencher| bencher.iter(run));
        };
        bench("typed, unknown attributes kept", &|| {
            let text = std::str::from_utf8(bytes).expect("UTF-8");
            let page: Page<Account> = Account::decode_page(text).expect("a page");
            assert_eq!(page.records.len(), records);
        });
        bench("serde derive, from text", &|| {
            let text = std::str::from_utf8(bytes).expect("UTF-8");
            let page: DerivedPage = serde_json::from_str(text).expect("a page");
            assert_eq!(page.list.len(), records);
        });
        bench("serde derive, from bytes", &|| {
            let page: DerivedPage = serde_json::from_slice(bytes).expect("a page");
            assert_eq!(page.list.len(), records);
        });
        bench("serde_json::Value", &|| {
            let page: serde_json::Value = serde_json::from_slice(bytes).expect("a page");
            assert_eq!(page["list"].as_array().map(Vec::len), Some(records));
        });
        bench("skip", &|| {
            serde_json::from_slice::<IgnoredAny>(bytes).expect("JSON");
        });
    }
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let page: Page<Account> = Account::decode_page(&account_page(20)).expect("a page");
    criterion.bench_function("a page of 20 back to JSON", |bencher| {
        bencher.iter_batched(
            || page.records.clone(),
            |list| {
                list.iter()
                    .map(espo_core::typed::Record::to_json)
                    .collect::<Vec<_>>()
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
