//! The `wharf` program.

fn main() -> std::process::ExitCode {
    wharf::cli::main()
}
