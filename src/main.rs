//! Arguments → commands; failures → exit codes.

fn main() {}
