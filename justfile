# Shortcuts; everything here is a plain command.

# The demo, on the local log.
demo:
    cargo run --release -- demo

# Every test, as CI runs them.
test:
    tests/run

# Format, lint, and prove that the core builds without the runtime.
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo clippy --no-default-features -- -D warnings

# What it costs: criterion benches.
bench:
    cargo bench
