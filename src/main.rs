//! Parses the command line and hands it to [`signet::cli`]; nothing else.

fn main() -> std::process::ExitCode {
    signet::cli::run()
}
