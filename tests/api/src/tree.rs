//! The modules of a crate.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Item, ItemImpl, Type};

pub(crate) struct Crate {
    pub(crate) root: Module,
}

pub(crate) struct Module {
    /// Names, starting below the root; empty for the root.
    pub(crate) path: Vec<String>,
    pub(crate) items: Vec<Item>,
    pub(crate) children: BTreeMap<String, Module>,
}

impl Crate {
    pub(crate) fn read(lib: &Path) -> Self {
        let folder = lib.parent().unwrap_or(Path::new("."));
        Self {
            root: Module::new(Vec::new(), parse(lib), folder),
        }
    }

    /// The module that a path in a `use` refers to, and its last name. `None` for other crates.
    pub(crate) fn resolve<'c>(
        &'c self,
        from: &'c Module,
        path: &[String],
    ) -> Option<(&'c Module, String)> {
        let (last, mut names) = path.split_last()?;
        let mut module = from;
        while let Some((first, rest)) = names.split_first() {
            module = match first.as_str() {
                "crate" => &self.root,
                "self" => module,
                "super" => self.parent(module)?,
                name => module.children.get(name)?,
            };
            names = rest;
        }
        let is_here = last == "*"
            || module.children.contains_key(last)
            || module.items.iter().any(|item| match item {
                Item::Use(inner) => crate::flatten(&inner.tree, &[])
                    .iter()
                    .any(|(from, name)| name == last && from != path),
                item => crate::items::name(item).is_some_and(|(name, _)| name == *last),
            });
        is_here.then(|| (module, last.clone()))
    }

    fn parent(&self, module: &Module) -> Option<&Module> {
        let (_, path) = module.path.split_last()?;
        path.iter()
            .try_fold(&self.root, |module, name| module.children.get(name))
    }

    /// The `impl` blocks of a type that is defined in a module. Types are found by their last name; where several types
    /// have it, only blocks in the type's own module and below count.
    pub(crate) fn impls_of<'c>(
        &'c self,
        home: &Module,
        name: &str,
    ) -> Vec<(&'c Module, &'c ItemImpl)> {
        let mut definitions = 0;
        let mut all: Vec<(&Module, &ItemImpl)> = Vec::new();
        self.root.visit(&mut |module| {
            for item in &module.items {
                match item {
                    Item::Impl(block) if self_name(&block.self_ty).as_deref() == Some(name) => {
                        all.push((module, block));
                    }
                    Item::Struct(_) | Item::Enum(_)
                        if crate::items::name(item).is_some_and(|(item, _)| item == name) =>
                    {
                        definitions += 1;
                    }
                    _ => {}
                }
            }
        });
        let is_own = |path: &[String]| definitions == 1 || path.starts_with(&home.path);
        all.retain(|(module, _)| is_own(&module.path));
        all
    }
}

impl Module {
    fn new(path: Vec<String>, items: Vec<Item>, folder: &Path) -> Self {
        let mut children = BTreeMap::new();
        for item in &items {
            let Item::Mod(inner) = item else { continue };
            if crate::items::is_test(&inner.attrs) {
                continue;
            }
            let name = inner.ident.to_string();
            let child = [path.as_slice(), std::slice::from_ref(&name)].concat();
            let below = folder.join(&name);
            let items = match &inner.content {
                Some((_, items)) => items.clone(),
                None => parse(&file(folder, &name)),
            };
            children.insert(name, Module::new(child, items, &below));
        }
        Self {
            path,
            items,
            children,
        }
    }

    fn visit<'m>(&'m self, visit: &mut impl FnMut(&'m Module)) {
        visit(self);
        for child in self.children.values() {
            child.visit(visit);
        }
    }
}

fn file(folder: &Path, name: &str) -> PathBuf {
    let flat = folder.join(format!("{name}.rs"));
    match flat.exists() {
        true => flat,
        false => folder.join(name).join("mod.rs"),
    }
}

fn parse(path: &Path) -> Vec<Item> {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    file.items
}

fn self_name(type_: &Type) -> Option<String> {
    match type_ {
        Type::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
        Type::Reference(inner) => self_name(&inner.elem),
        _ => None,
    }
}
