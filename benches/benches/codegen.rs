//! Measures the generation of the stock SDK.
//!
//! `cargo bench -p espo-benches --bench codegen`

use criterion::{Criterion, criterion_group, criterion_main};
use espo_codegen::Generator;
use espo_schema::Schema;

fn codegen(criterion: &mut Criterion) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../metadata");
    let mut group = criterion.benchmark_group("stock schema");
    group.sample_size(10);
    group.bench_function("load", |bencher| {
        bencher.iter(|| Schema::load(&[&folder]).expect("the checked-in metadata"))
    });
    let schema = Schema::load(&[&folder]).expect("the checked-in metadata");
    group.bench_function("generate all entity types", |bencher| {
        bencher.iter(|| {
            Generator::new()
                .generate(&schema)
                .expect("the stock schema generates")
        });
    });
    group.finish();
}

criterion_group!(benches, codegen);
criterion_main!(benches);
