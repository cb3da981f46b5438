//! Arguments, run, exit code.

fn main() -> std::process::ExitCode {
    tidings::cli::main(std::env::args_os())
}
