//! The `regulars` binary. Everything is in the library beside it, so that tests can name its parts.

use std::process::ExitCode;

/// Half the time of glibc's allocator in the JSON path.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::cli::main()
}
