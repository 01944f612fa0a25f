//! The program: parses its arguments, runs one command, ends with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    mission_control::cli::run(std::env::args_os())
}

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
