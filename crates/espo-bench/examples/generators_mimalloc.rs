//! `generators` with the allocator of `espo-bench`, to measure the effect of the allocator on a minimal loop.

#[path = "generators.rs"]
mod generators;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    generators::main();
}
