//! Replays the committed corpora and tries mutations of them, on a small scale what `cargo xtask fuzz` does with coverage
//! feedback.

use std::fs;
use std::path::{Path, PathBuf};

use espo_fuzz_targets::{TARGETS, Target};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

/// A change of an input.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(Index, u8),
    Cut(Index),
    Remove(Index, Index),
    Insert(Index, &'static str),
    Repeat(Index, Index),
    Splice(Index, Index, Index),
}

/// Pieces of the formats that are read.
const PIECES: [&str; 27] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "\0",
    "null",
    "true",
    "-1",
    "1e999",
    "99999999999999999999",
    "[]",
    "{}",
    "\\u0000",
    "\\ud800",
    "é",
    "\u{202e}",
    "../",
    "*/",
    "__APPEND__",
    "'",
    "#",
    "=",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        index().prop_map(Mutation::Cut),
        (index(), index()).prop_map(|(from, to)| Mutation::Remove(from, to)),
        (index(), prop::sample::select(&PIECES[..]))
            .prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        (index(), index()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
        (index(), index(), index()).prop_map(|(seed, at, from)| Mutation::Splice(seed, at, from)),
    ]
}

fn apply(mutation: &Mutation, seeds: &[Vec<u8>], data: &mut Vec<u8>) {
    let at = |index: &Index, data: &Vec<u8>| index.index(data.len() + 1);
    match mutation {
        Mutation::Replace(index, byte) if !data.is_empty() => {
            let at = index.index(data.len());
            data[at] = *byte;
        }
        Mutation::Replace(..) => {}
        Mutation::Cut(index) => data.truncate(at(index, data)),
        Mutation::Remove(from, to) => {
            let (from, to) = (at(from, data), at(to, data));
            data.drain(from.min(to)..from.max(to).min(from.min(to) + 40));
        }
        Mutation::Insert(index, piece) => {
            let at = at(index, data);
            data.splice(at..at, piece.bytes());
        }
        Mutation::Repeat(from, to) => {
            let (from, to) = (at(from, data), at(to, data));
            let piece = data[from.min(to)..from.max(to).min(from.min(to) + 200)].to_vec();
            let end = from.max(to);
            data.splice(end..end, piece);
        }
        Mutation::Splice(seed, index, from) => {
            let other = &seeds[seed.index(seeds.len())];
            let (at, from) = (at(index, data), from.index(other.len() + 1));
            data.truncate(at);
            data.extend_from_slice(&other[from..]);
        }
    }
}

fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    let read = |path: PathBuf| {
        let data = fs::read(&path).unwrap();
        (path, data)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn every_input_of_the_corpora_passes() {
    for target in &TARGETS {
        for (path, data) in corpus(target) {
            // The name of the file is in the output if the target panics.
            println!("{}", path.display());
            (target.run)(&data);
        }
    }
}

#[test]
fn mutations_of_the_corpora_pass() {
    for target in &TARGETS {
        let seeds: Vec<Vec<u8>> = corpus(target).into_iter().map(|(_, data)| data).collect();
        let input = (any::<Index>(), prop::collection::vec(mutation(), 1..6)).prop_map(
            |(seed, mutations)| {
                let mut data = seeds[seed.index(seeds.len())].clone();
                for mutation in &mutations {
                    apply(mutation, &seeds, &mut data);
                }
                data
            },
        );
        let config = Config {
            cases: target.cases,
            failure_persistence: None,
            max_shrink_iters: 400,
            ..Config::default()
        };
        println!("{}", target.name);
        let result = TestRunner::new(config).run(&input, |data| {
            (target.run)(&data);
            Ok(())
        });
        if let Err(error) = result {
            panic!("{}: {error}", target.name);
        }
    }
}

/// Otherwise `cargo xtask fuzz` and this test would run different targets.
#[test]
fn every_target_has_a_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    let mut programs: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    programs.sort_unstable();
    let mut names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    names.sort_unstable();
    assert_eq!(programs, names);
}
