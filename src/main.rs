//! Arguments → commands; failures → exit codes. All of it is in [`vestibule::cli`].

use std::process::ExitCode;

/// glibc's allocator spends a tenth of a request on merging freed pieces (loadtest/README.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    vestibule::cli::main()
}
