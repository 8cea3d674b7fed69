# make run     builds Signet and starts the demonstration; prints one URL to open
# make test    everything that proves it, against real service providers and a real browser (about half an hour when cold)
# make check   formatting, lints, documentation
# make bench   how fast, as a share of what this machine's RSA can do

.PHONY: run test check bench

run:
	@tests/install.sh build
	@cargo run -- demo

# STAGES="unit browser" runs only those; tests/README.md lists them.
test:
	@tests/run.sh $(STAGES)

# The fuzz targets are checked and not built: with a path in place of libFuzzer, nothing of it is compiled, so that no C++ compiler
# is needed.
check:
	@tests/install.sh build
	cargo fmt --check
	cargo fmt --check --manifest-path tests/interop/samael-sp/Cargo.toml
	cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
	cargo clippy --all-targets -- -D warnings
	cargo clippy --no-default-features -- -D warnings
	CUSTOM_LIBFUZZER_PATH=/nowhere/libFuzzer.a cargo clippy --locked --manifest-path tests/fuzz/Cargo.toml --target-dir target -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

bench:
	@tests/install.sh build
	cargo bench --quiet --bench speed
