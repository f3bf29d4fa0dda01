# `make run` does the main job, `make test` checks everything; both set up what they need.
# One profile for app and tests, so that the dependencies compile once.

ifdef CI
# Outside the checkout, so that a fresh clone finds what an earlier one compiled.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pmpo-studio/target
endif
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: run test setup check fmt

run: setup
	@sh scripts/run.sh

test: check
	cargo test --release --locked --workspace

check: setup
	cargo fmt --all --check
	sh scripts/check-architecture.sh
	sh scripts/clippy.sh

setup:
	@sh scripts/setup.sh

fmt:
	cargo fmt --all
