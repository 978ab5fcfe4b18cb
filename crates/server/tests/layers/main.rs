//! The layers of ARCHITECTURE.md, section 2, held by the sources themselves: who may name whom, where SQL stands, how long
//! a file is. (Lengths of functions are clippy's: `too-many-lines-threshold`.)
//!
//! The sources are parsed, once for all rules. What is behind `#[cfg(test)]` is left out.

#![expect(clippy::unwrap_used, reason = "the whole program is tests, their helpers included")]

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use source::{Module, Reference};

/// Crates without features and layers: what features stand on, and programs that only test or measure. Add none that has a
/// feature.
const WITHOUT_LAYERS: &[&str] = &["database", "kernel", "platform", "schema", "bench", "fixtures"];

/// Longest file, in lines.
const MOST_LINES: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every Rust file below some folders of every crate.
fn files(folders: &[&str]) -> Vec<PathBuf> {
    let crates = std::fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let mut open: Vec<PathBuf> = crates.flat_map(|c| folders.iter().map(move |f| c.join(f))).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// The modules of the crates that have features, as they are written.
fn modules() -> Vec<Module> {
    let root = root();
    let all = files(&["src"]).into_iter().map(|path| Module::read(&root, &path));
    let mut all: Vec<Module> = all.filter(|m| !WITHOUT_LAYERS.contains(&m.path[0].as_str())).collect();
    let tests: BTreeSet<Vec<String>> = all.iter().flat_map(|m| &m.test_modules).cloned().collect();
    all.retain(|m| !tests.iter().any(|test| m.path.starts_with(test)));
    assert!(all.len() > 100, "{} modules", all.len());
    all
}

/// What breaks a rule, with what to do about it.
struct Broken(Vec<String>, &'static str);

#[test]
fn the_layers_hold() {
    let modules = modules();
    let rules = [
        Broken(
            forbidden(&modules, &["service", "store", "model", "jobs"], &["api"]),
            "Routes stand on top: what a service or a job shares with them (a body's members, a view) belongs into `model`.",
        ),
        Broken(
            forbidden(&modules, &["model"], &["api", "jobs", "service", "store"]),
            "A model has values and pure rules: move the type that it needs into a `model`, or what needs it into the service.",
        ),
        Broken(
            own_service(&modules),
            "A service calls its store and not the other way round: move the type that both need into `model`.",
        ),
        Broken(
            lines(&modules, |module| &module.open_stores),
            "Write `mod store;`: rows leave a feature through `pub use` in its service, statements never.",
        ),
        Broken(
            lines(&modules, |module| if module.layer() == Some("store") { &[] } else { &module.sql }),
            "Move the statement into the `store` of the feature whose table it is.",
        ),
        Broken(
            lines(&modules, |module| &module.unused_scopes),
            "Narrow the statement by the scope, or leave the parameter out: the row was loaded within one, or is nobody's.",
        ),
        Broken(
            circles(&modules),
            "Of two folders one stands on the other. What the lower one has to tell the upper is contributed beside the \
             crate's `feature()` (docs/decisions/0022-features-contribute-what-follows-a-change.md).",
        ),
    ];
    let broken = rules.iter().filter(|Broken(found, _)| !found.is_empty());
    let told: Vec<String> =
        broken.map(|Broken(found, rule)| format!("{rule}\n{}", found.join("\n"))).collect();
    assert!(told.is_empty(), "ARCHITECTURE.md, section 2, does not hold.\n\n{}\n", told.join("\n\n"));
}

/// The lines of modules that something is wrong with.
fn lines(modules: &[Module], wrong: impl Fn(&Module) -> &[usize]) -> Vec<String> {
    let each = modules.iter().flat_map(|module| wrong(module).iter().map(move |line| (module, line)));
    each.map(|(module, line)| format!("  {}:{line}", module.file)).collect()
}

/// What modules of some layers name of others.
fn named<'a>(
    modules: &'a [Module],
    from: &'a [&str],
    to: &'a [&str],
) -> impl Iterator<Item = (&'a Module, &'a Reference)> {
    let from = modules.iter().filter(|module| module.layer().is_some_and(|own| from.contains(&own)));
    let all = from.flat_map(|module| module.references.iter().map(move |reference| (module, reference)));
    all.filter(|(module, reference)| {
        let other = source::layer(&reference.path);
        other != module.layer() && other.is_some_and(|other| to.contains(&other))
    })
}

fn told((module, Reference { line, path }): (&Module, &Reference)) -> String {
    format!("  {}:{line} names {}", module.file, path.join("::"))
}

fn forbidden(modules: &[Module], from: &[&str], to: &[&str]) -> Vec<String> {
    named(modules, from, to).map(told).collect()
}

/// Stores that name the service of their own feature; that of another is how its rows are had.
fn own_service(modules: &[Module]) -> Vec<String> {
    let up = named(modules, &["store"], &["service", "jobs"]);
    up.filter(|(module, reference)| module.path[..2] == reference.path[..2]).map(told).collect()
}

/// From folder to folder: the first line that names it.
type Edges = BTreeMap<String, BTreeMap<String, String>>;

fn circles(modules: &[Module]) -> Vec<String> {
    let mut crates: BTreeMap<&str, Edges> = BTreeMap::new();
    for module in modules {
        // The root of a crate assembles its features.
        let [package, folder, ..] = &module.path[..] else { continue };
        for Reference { line, path } in &module.references {
            if let [other_package, other, ..] = &path[..]
                && other_package == package
                && other != folder
                && is_module(package, other)
            {
                let edges = crates.entry(package).or_default().entry(folder.clone()).or_default();
                edges.entry(other.clone()).or_insert_with(|| format!("{}:{line}", module.file));
            }
        }
    }
    crates.values().filter_map(circle).collect()
}

fn is_module(package: &str, name: &str) -> bool {
    let source = root().join("crates").join(package).join("src");
    source.join(name).is_dir() || source.join(format!("{name}.rs")).is_file()
}

/// A way through the folders of a crate that comes back to where it was.
fn circle(edges: &Edges) -> Option<String> {
    let mut done = BTreeSet::new();
    edges.keys().find_map(|start| walk(edges, start, &mut Vec::new(), &mut done))
}

fn walk<'a>(
    edges: &'a Edges,
    folder: &'a str,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<String> {
    if let Some(at) = way.iter().position(|passed| *passed == folder) {
        let folders: Vec<&str> = way[at..].iter().copied().chain([folder]).collect();
        let step = |two: &[&str]| format!("  {} names {} at {}", two[0], two[1], edges[two[0]][two[1]]);
        return Some(folders.windows(2).map(step).collect::<Vec<_>>().join("\n"));
    }
    if !done.insert(folder) {
        return None;
    }
    way.push(folder);
    let found = edges.get(folder).and_then(|next| next.keys().find_map(|to| walk(edges, to, way, done)));
    way.pop();
    found
}

#[test]
fn what_breaks_a_rule_is_seen() {
    let planted =
        |file: &str, text: &str| Module::parse(&root(), &format!("crates/customers/src/{file}"), text);
    let store = planted(
        "tags/store.rs",
        "use super::service::Tagged; pub async fn find(tx: &mut Tx, _: &Scope) { tx.one(sql!(\"SELECT 1\"), []).await }",
    );
    let model = planted(
        "search/model/words.rs",
        "fn f() -> Hit { super::super::store::hit(json!(crate::tags::api::X)) }",
    );
    let feature = planted(
        "search/mod.rs",
        "mod model;\npub(crate) mod store;\n#[cfg(test)]\nmod plans;\nuse model::X;",
    );
    let below =
        planted("customer/service/mod.rs", "use crate::{search::service::{self as search, find}, tags};");
    let up = planted("search/service.rs", "use crate::customer::service;");
    let modules = [store, model, feature, below, up];
    let [store, model, feature, ..] = &modules;
    assert_eq!((own_service(&modules).len(), &store.sql, &store.unused_scopes), (1, &vec![1], &vec![1]));
    assert_eq!(forbidden(&modules, &["model"], &["api", "store"]).len(), 2, "{:?}", model.references);
    assert_eq!((&feature.open_stores, feature.test_modules.len()), (&vec![2], 1));
    assert_eq!(feature.references[0].path, ["customers", "search", "model", "X"]);
    let circle = circles(&modules);
    assert!(circle.len() == 1 && circle[0].contains("customer names search at"), "{circle:?}");
}

#[test]
fn files_are_short() {
    let root = root();
    let long = files(&["src", "tests"]).into_iter().filter_map(|path| {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        let file = path.strip_prefix(&root).unwrap().display();
        (lines > MOST_LINES).then(|| format!("  {file}: {lines} lines"))
    });
    let long: Vec<String> = long.collect();
    assert!(
        long.is_empty(),
        "Split the file into a folder of the same name, by what its parts are about.\n{}",
        long.join("\n")
    );
}
