//! Which release this is, for `regulars --version`: the commit and its day where git knows them, or what whoever builds
//! without git says in `REGULARS_BUILD`, such as `65f319b 2026-11-27`.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=REGULARS_BUILD");
    #[expect(clippy::disallowed_methods, reason = "a build has no configuration but its environment")]
    let said = std::env::var("REGULARS_BUILD").ok().filter(|said| !said.trim().is_empty());
    let version = std::env::var_os("CARGO_PKG_VERSION").unwrap_or_default().to_string_lossy().into_owned();
    let build = said.or_else(|| git(&["log", "-1", "--format=%h %cs", "--abbrev=9"]));
    match build {
        Some(build) => println!("cargo:rustc-env=REGULARS_VERSION={version} ({})", build.trim()),
        None => println!("cargo:rustc-env=REGULARS_VERSION={version}"),
    }
    // Whatever moves the head of this work tree, and only files that are there: others would build it every time.
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", name]).filter(|path| Path::new(path).exists()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    println!("cargo:rerun-if-changed=build.rs");
}

fn git(args: &[&str]) -> Option<String> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")?;
    let done = Command::new("git").args(args).current_dir(here).output().ok()?;
    let text = String::from_utf8(done.stdout).ok()?.trim().to_owned();
    (done.status.success() && !text.is_empty()).then_some(text)
}
