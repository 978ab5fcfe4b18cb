//! Puts the texts of `migrations/NNNN_name/{sqlite,postgres}.sql` into the binary, in order of their numbers.

use std::fmt::Write;
use std::path::Path;

fn main() -> std::io::Result<()> {
    // Asked when it runs, not when it is compiled: a copied target directory has a build script of another place.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let root = Path::new(&here).join("../../migrations").canonicalize()?;
    println!("cargo:rerun-if-changed={}", root.display());
    let mut folders: Vec<_> =
        std::fs::read_dir(&root)?.filter_map(Result::ok).map(|e| e.path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    let mut code = String::from("&[\n");
    for folder in folders {
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let text = |engine: &str| folder.join(format!("{engine}.sql")).display().to_string();
        let (sqlite, postgres) = (text("sqlite"), text("postgres"));
        println!("cargo:rerun-if-changed={sqlite}");
        println!("cargo:rerun-if-changed={postgres}");
        writeln!(code, "Migration {{ name: Cow::Borrowed({name:?}), sqlite: Cow::Borrowed(include_str!({sqlite:?})), postgres: Cow::Borrowed(include_str!({postgres:?})) }},")
            .map_err(std::io::Error::other)?;
    }
    code.push(']');
    let out = std::env::var_os("OUT_DIR").map(std::path::PathBuf::from).unwrap_or_default();
    std::fs::write(out.join("migrations.rs"), code)
}
