//! Arguments → commands; failures → exit codes. All of it is in [`vestibule::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    vestibule::cli::main()
}
