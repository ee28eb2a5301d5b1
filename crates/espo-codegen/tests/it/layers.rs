//! The code is the same for the export of an instance and for the layers on its disk, however they share the definitions.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use espo_codegen::{Generator, Output};
use espo_schema::{Schema, write_folder};
use serde_json::{Value, json};

/// A number below `count` that follows from the seed and the path.
fn choice(seed: u64, path: &[String], purpose: &str, count: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    (seed, path, purpose).hash(&mut hasher);
    usize::try_from(hasher.finish() % count as u64).expect("it is below a usize")
}

fn put(tree: &mut Value, path: &[String], value: Value) {
    let (last, parents) = path.split_last().expect("a path");
    let mut parent = tree;
    for key in parents {
        let here = parent.as_object_mut().expect("an object");
        parent = here.entry(key.clone()).or_insert_with(|| json!({}));
    }
    parent[last] = value;
}

/// Puts each value of the tree into one of the layers. Some have another value in an earlier layer, and some lists are
/// continued in a later one.
fn split(tree: &Value, path: &mut Vec<String>, seed: u64, layers: &mut [Value]) {
    if let Some(members) = tree.as_object().filter(|members| !members.is_empty()) {
        for (key, value) in members {
            path.push(key.clone());
            split(value, path, seed, layers);
            path.pop();
        }
        return;
    }
    let layer = choice(seed, path, "layer", layers.len());
    let is_file = path.len() <= 2;
    let list = tree.as_array().filter(|list| list.len() > 1);
    // An object cannot take the place of a file's body.
    if is_file || layer == 0 {
        put(&mut layers[layer], path, tree.clone());
    } else if let Some(list) = list.filter(|_| choice(seed, path, "list", 2) == 0) {
        let (start, end) = list.split_at(1 + choice(seed, path, "start", list.len() - 1));
        put(&mut layers[layer - 1], path, json!(start));
        let end: Vec<Value> = [json!("__APPEND__")]
            .into_iter()
            .chain(end.to_vec())
            .collect();
        put(&mut layers[layer], path, json!(end));
    } else {
        let is_empty = [
            json!(null),
            json!(false),
            json!(""),
            json!(0),
            json!("0"),
            json!([]),
        ];
        if !is_empty.contains(tree) && choice(seed, path, "before", 8) == 0 {
            put(&mut layers[layer - 1], path, json!("another value"));
        }
        put(&mut layers[layer], path, tree.clone());
    }
}

/// Writes the layers of a tree, and returns their directories.
fn written(tree: &Value, seed: u64, folder: &Path) -> Vec<PathBuf> {
    let count = [1, 2, 3, 5, 20][choice(seed, &[], "count", 5)];
    let mut layers = vec![json!({}); count];
    split(tree, &mut Vec::new(), seed, &mut layers);
    let has_unset = count > 1;
    if has_unset {
        layers[0]["entityDefs"]["Account"]["fields"]["cGone"] = json!({"type": "varchar"});
    }
    let mut paths = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let path = folder.join(format!("{number:02}"));
        fs::create_dir_all(&path).expect("a directory");
        write_folder(layer, &path).expect("the layer is written");
        paths.push(path);
    }
    if has_unset {
        let section = paths[count - 1].join("entityDefs");
        fs::create_dir_all(&section).expect("a directory");
        fs::write(section.join("unset.json"), r#"["Account.fields.cGone"]"#).expect("a file");
    }
    paths
}

fn generated(schema: &Schema) -> Output {
    let is_custom =
        |name: &&String| name.starts_with('C') && !Schema::stock().entity_types.contains_key(*name);
    let custom = schema.entity_types.keys().filter(is_custom).cloned();
    let only: Vec<String> = custom
        .chain(["Account".to_owned(), "Meeting".to_owned()])
        .collect();
    Generator::new().only(only).generate(schema).expect("Rust")
}

#[test]
fn layers_and_the_export_of_an_instance_give_the_same_code() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/odd-exports/layers");
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("espo-layers");
    for (seed, names) in [
        (1, &[][..]),
        (2, &["labels/0"]),
        (3, &["custom_types/0", "custom_types/1"]),
        (4, &["option_shapes/0", "composites/0"]),
        (5, &["odd_links/0"]),
        (6, &["pipelines/0"]),
        (7, &["numbers_as_strings/0"]),
        (8, &["foreign_fields/0"]),
    ] {
        let layers: Vec<PathBuf> = names.iter().map(|name| fixtures.join(name)).collect();
        let instance = Schema::stock().overlay(&layers).expect("metadata");
        let export = Schema::from_value(instance.raw, "export.json").expect("metadata");
        let expected = generated(&export);
        for seed in [seed, seed + 100, seed + 200] {
            let folder = scratch.join(seed.to_string());
            let _ = fs::remove_dir_all(&folder);
            let paths = written(&export.raw, seed, &folder);
            let loaded = Schema::load(&paths).expect("the layers load");
            let output = generated(&loaded);
            for ((path, text), (same, expected)) in output.files().zip(expected.files()) {
                assert_eq!(path, same, "seed {seed}");
                assert!(
                    text == expected,
                    "{} differs for seed {seed}",
                    path.display()
                );
            }
            assert_eq!(
                output.files().count(),
                expected.files().count(),
                "seed {seed}"
            );
            assert!(output == expected, "features differ for seed {seed}");
        }
    }
    let _ = fs::remove_dir_all(scratch);
}
