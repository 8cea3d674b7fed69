//! Parses the command line and hands it to [`signet::cli`]; nothing else.

/// Memory is wiped when it is given back: passwords, codes, keys and pages that show them go through buffers of libraries (of
/// connections, forms, templates, mails), which nobody else wipes.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> std::process::ExitCode {
    signet::cli::run()
}
