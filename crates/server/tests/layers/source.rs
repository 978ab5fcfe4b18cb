//! A Rust file as what it names.

use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{FnArg, Item, ItemMod, ItemUse, Pat, Signature, Type, UseTree, Visibility};

/// The names that a feature's files have.
const LAYERS: [&str; 5] = ["api", "jobs", "service", "store", "model"];

/// Is it a crate of this workspace, under which a path may begin?
fn is_ours(root: &Path, name: &str) -> bool {
    root.join("crates").join(name).join("Cargo.toml").is_file()
}

/// A path in the source.
#[derive(Debug)]
pub struct Reference {
    /// Its line.
    pub line: usize,
    /// Crate, folder, file and so on.
    pub path: Vec<String>,
}

/// A module that is a file.
#[derive(Debug, Default)]
pub struct Module {
    /// From the root of the repository.
    pub file: String,
    /// Its path, which begins with the crate.
    pub path: Vec<String>,
    /// What it names of this workspace.
    pub references: Vec<Reference>,
    /// Lines with SQL.
    pub sql: Vec<usize>,
    /// Lines with a `store` that others can name.
    pub open_stores: Vec<usize>,
    /// Lines with a function that asks for a scope and does not use it.
    pub unused_scopes: Vec<usize>,
    /// Modules in it that are there for tests only.
    pub test_modules: Vec<Vec<String>>,
    children: Vec<String>,
    root: PathBuf,
}

/// The layer that a path stands in: the first of its names that is one.
pub fn layer(path: &[String]) -> Option<&'static str> {
    path.iter().skip(1).find_map(|name| LAYERS.into_iter().find(|layer| layer == name))
}

impl Module {
    /// Reads a file of `crates/*/src`.
    pub fn read(root: &Path, path: &Path) -> Module {
        let file = path.strip_prefix(root).unwrap().to_str().unwrap();
        Module::parse(root, file, &std::fs::read_to_string(path).unwrap())
    }

    /// The same of a text.
    pub fn parse(root: &Path, file: &str, text: &str) -> Module {
        let mut names: Vec<String> = file.split('/').map(str::to_owned).collect();
        let last = names.pop().unwrap().trim_end_matches(".rs").to_owned();
        names.remove(0);
        // `src`
        names.remove(1);
        if !["mod", "lib", "main"].contains(&last.as_str()) {
            names.push(last);
        }
        let parsed = syn::parse_file(text).unwrap_or_else(|e| panic!("{file}: {e}"));
        let children = parsed.items.iter().filter_map(|item| match item {
            Item::Mod(module) => Some(module.ident.to_string()),
            _ => None,
        });
        let mut module = Module {
            file: file.to_owned(),
            path: names,
            children: children.collect(),
            root: root.to_owned(),
            ..Module::default()
        };
        module.visit_file(&parsed);
        module
    }

    /// The layer that it stands in.
    pub fn layer(&self) -> Option<&'static str> {
        layer(&self.path)
    }

    /// Notes a path, if it leads into this workspace.
    fn note(&mut self, line: usize, names: &[String]) {
        let Some((first, rest)) = names.split_first() else { return };
        let mut path = self.path.clone();
        match first.as_str() {
            "crate" => path.truncate(1),
            "self" => {}
            "super" => drop(path.pop()),
            name if self.children.iter().any(|child| child == name) => path.push(name.to_owned()),
            name if rest.is_empty() || !is_ours(&self.root, name) => return,
            name => path = vec![name.to_owned()],
        }
        for name in rest {
            match name.as_str() {
                "super" => drop(path.pop()),
                "self" => {}
                name => path.push(name.to_owned()),
            }
        }
        self.references.push(Reference { line, path });
    }

    fn note_test_module(&mut self, module: &ItemMod) {
        let name = module.ident.to_string();
        self.test_modules.push(self.path.iter().cloned().chain([name]).collect());
    }

    fn note_use(&mut self, line: usize, before: &[String], tree: &UseTree) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => self.note_use(line, &with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => self.note(name.ident.span().start().line, &with(name.ident.to_string())),
            UseTree::Rename(name) => self.note(name.ident.span().start().line, &with(name.ident.to_string())),
            UseTree::Glob(_) => self.note(line, before),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_use(line, before, tree)),
        }
    }

    /// The paths among the tokens of a macro: names with `::` between.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut names: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(name) if names.is_empty() || colons == 2 => {
                    line = name.span().start().line;
                    names.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(point) if point.as_char() == ':' && !names.is_empty() => colons += 1,
                other => {
                    self.note(line, &std::mem::take(&mut names));
                    colons = 0;
                    match other {
                        TokenTree::Ident(name) => {
                            line = name.span().start().line;
                            names.push(name.to_string());
                        }
                        TokenTree::Group(group) => self.note_tokens(group.stream()),
                        TokenTree::Punct(_) | TokenTree::Literal(_) => {}
                    }
                }
            }
        }
        self.note(line, &names);
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| match &a.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

fn is_scope(of: &Type) -> bool {
    match of {
        Type::Reference(of) => is_scope(&of.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Scope"),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        match item {
            Item::Mod(module) if is_test(attributes) => self.note_test_module(module),
            _ if is_test(attributes) => {}
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.ident == "store" && !matches!(module.vis, Visibility::Inherited) {
            self.open_stores.push(module.ident.span().start().line);
        }
        visit::visit_item_mod(self, module);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.note_use(item.use_token.span.start().line, &[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if names.len() > 1 {
            self.note(path.segments[0].ident.span().start().line, &names);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        if let Some(name) = found.path.segments.last().filter(|last| last.ident == "sql") {
            self.sql.push(name.ident.span().start().line);
        }
        self.note_tokens(found.tokens.clone());
        visit::visit_macro(self, found);
    }

    fn visit_signature(&mut self, signature: &'ast Signature) {
        for argument in &signature.inputs {
            if let FnArg::Typed(argument) = argument
                && is_scope(&argument.ty)
                && match &*argument.pat {
                    Pat::Wild(_) => true,
                    Pat::Ident(name) => name.ident.to_string().starts_with('_'),
                    _ => false,
                }
            {
                self.unused_scopes.push(signature.ident.span().start().line);
            }
        }
        visit::visit_signature(self, signature);
    }
}
