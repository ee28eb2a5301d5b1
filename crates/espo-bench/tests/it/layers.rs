//! The order of the modules: each uses only itself, its submodules and lower modules, so that each can be read alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use syn::visit::Visit;

/// The modules of the crate, from the lowest to the highest.
const LAYERS: [&str; 26] = [
    "error",
    "units",
    "seed",
    "time",
    "digest",
    "host",
    "schedule",
    "data",
    "workload",
    "record",
    "report",
    "slo",
    "target",
    "ledger",
    "clean",
    "compare",
    "trend",
    "merge",
    "shards",
    "k8s",
    "slurm",
    "init",
    "output",
    "dashboard",
    "drive",
    "capacity",
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

pub(crate) fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Returns the path of a file's module: `report::curve`.
fn module(file: &Path) -> Vec<String> {
    let path = file.strip_prefix(source()).unwrap().with_extension("");
    let mut parts: Vec<String> = path
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// Collects the paths of a file that start with `crate`, `self` or `super`, except in tests.
#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
}

impl Paths {
    fn of_use(&mut self, tree: &syn::UseTree, prefix: &[String]) {
        let with = |name: &syn::Ident| {
            let mut path = prefix.to_vec();
            path.push(name.to_string());
            path
        };
        match tree {
            syn::UseTree::Path(path) => self.of_use(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) => self.found.push(with(&name.ident)),
            syn::UseTree::Rename(rename) => self.found.push(with(&rename.ident)),
            syn::UseTree::Glob(_) => self.found.push(prefix.to_vec()),
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.of_use(item, prefix);
                }
            }
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let list = attribute.meta.require_list();
        attribute.path().is_ident("cfg")
            && list.is_ok_and(|l| l.tokens.to_string().contains("test"))
    })
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.of_use(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts = path.segments.iter().map(|s| s.ident.to_string());
        self.found.push(parts.collect());
        syn::visit::visit_path(self, path);
    }
}

/// The modules that each module uses.
static USES: LazyLock<BTreeMap<Vec<String>, BTreeSet<Vec<String>>>> = LazyLock::new(uses);

fn uses() -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let mut all = Vec::new();
    files(&source(), &mut all);
    all.retain(|file| {
        let is_tests = module(file).iter().any(|part| part == "tests");
        !is_tests && !matches!(module(file)[0].as_str(), "lib" | "main" | "cli")
    });
    let known: BTreeSet<Vec<String>> = all.iter().map(|file| module(file)).collect();
    let one = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        let mut paths = Paths::default();
        paths.visit_file(&syn::parse_file(&text).unwrap());
        let used = paths.found.iter().filter_map(|path| {
            let here = module(file);
            let (mut at, rest) = match path[0].as_str() {
                "crate" => (Vec::new(), &path[1..]),
                "self" => (here.clone(), &path[1..]),
                "super" => {
                    let ups = path.iter().take_while(|part| *part == "super").count();
                    (here[..here.len().checked_sub(ups)?].to_vec(), &path[ups..])
                }
                _ => return None,
            };
            for part in rest {
                at.push(part.clone());
                if !known.contains(&at) {
                    at.pop();
                    break;
                }
            }
            (!at.is_empty() && at != here).then_some(at)
        });
        (module(file), used.collect())
    };
    all.iter().map(one).collect()
}

#[test]
fn modules_use_only_lower_modules() {
    let level = |module: &[String]| {
        let found = LAYERS.iter().position(|layer| *layer == module[0]);
        found.unwrap_or_else(|| panic!("{module:?} has no layer"))
    };
    let uses = &*USES;
    let mut upward = Vec::new();
    for (module, used) in uses {
        for other in used.iter().filter(|other| level(other) > level(module)) {
            upward.push(format!("{} uses {}", module.join("::"), other.join("::")));
        }
    }
    assert!(upward.is_empty(), "{}", upward.join("\n"));
    let edges: usize = uses.values().map(BTreeSet::len).sum();
    assert!(
        uses.len() > 80 && edges > 200,
        "{} modules, {edges} uses",
        uses.len()
    );
}

/// A module may use items of the modules that contain it, which in turn use it; nothing else is circular.
#[test]
fn modules_do_not_use_each_other() {
    let uses = &*USES;
    let next = |module: &Vec<String>| -> Vec<Vec<String>> {
        let used = uses.get(module).into_iter().flatten();
        used.filter(|other| !module.starts_with(other))
            .cloned()
            .collect()
    };
    for start in uses.keys() {
        let mut seen = BTreeSet::new();
        let mut waiting = next(start);
        while let Some(module) = waiting.pop() {
            assert_ne!(&module, start, "a circle through {}", start.join("::"));
            if seen.insert(module.clone()) {
                waiting.extend(next(&module));
            }
        }
    }
}
