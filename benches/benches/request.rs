//! Measures the cost of a request before it is sent: search parameters and the HMAC header.
//!
//! `cargo bench -p espo-benches --bench request`

use criterion::{Criterion, criterion_group, criterion_main};
use espo_core::SearchEncoding;
use espo_core::auth::Signer;
use espo_core::http::Method;
use espo_core::search::{Order, SearchParams, WhereItem};
use espo_typed::opportunity::{self, Stage};

fn search(criterion: &mut Criterion) {
    let params = SearchParams::new()
        .select(["id", "name", "amount", "closeDate", "stage"])
        .filter(WhereItem::is_in("stage", ["Prospecting", "Qualification"]))
        .filter(WhereItem::greater_than("amount", 10_000))
        .order_by("closeDate", Order::Desc)
        .max_size(50);
    let mut group = criterion.benchmark_group("search parameters");
    group.bench_function("typed filter", |bencher| {
        bencher.iter(|| {
            opportunity::STAGE.is_in([Stage::Prospecting, Stage::Qualification])
                & opportunity::AMOUNT.gt(10_000)
        });
    });
    group.bench_function("as JSON", |bencher| {
        bencher.iter(|| params.to_query(SearchEncoding::Json).expect("encodes"))
    });
    group.bench_function("in brackets", |bencher| {
        bencher.iter(|| params.to_query(SearchEncoding::Brackets).expect("encodes"));
    });
    group.finish();
}

fn hmac(criterion: &mut Criterion) {
    let signer = Signer::new(
        "0123456789abcdef0123456789abcdef",
        "fedcba9876543210fedcba9876543210",
        false,
    );
    criterion.bench_function("HMAC header", |bencher| {
        bencher.iter(|| signer.header(&Method::GET, "/Account/6b0595cdc80fa1ab0"));
    });
}

criterion_group!(benches, search, hmac);
criterion_main!(benches);
