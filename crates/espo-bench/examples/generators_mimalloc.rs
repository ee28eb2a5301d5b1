//! `generators` with the allocator that `espo-bench` has: what the allocator alone gives to a bare loop.

#[path = "generators.rs"]
mod generators;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    generators::main();
}
