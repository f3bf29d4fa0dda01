# `make run` does the main job and `make test` checks everything; both set up
# what they need. One profile for all targets, so that dependencies compile once.

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pmpo-studio
ifneq ($(CI),)
ifeq ($(CARGO_TARGET_DIR),)
# Outside the checkout, so that a fresh clone finds what an earlier one compiled.
CARGO_TARGET_DIR := $(CACHE)/target
endif
export CARGO_TARGET_DIR
endif
TARGET := $(or $(CARGO_TARGET_DIR),target)/release

# rustup and set-up put programs there that a shell opened before does not know.
export PATH := $(HOME)/.cargo/bin:$(CACHE)/node/bin:$(PATH)

.PHONY: package test-package run test study pictures bench bench-growth bench-import bench-history bench-plot bench-window cuda metal accelerate mkl build check ui-test setup setup-test wire fmt

# Exit status 3 means that no better prompt was found, which is a result too.
run: build
	@if [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ]; then \
		$(TARGET)/pmpo-studio; \
	else \
		echo "There is no display here, so the same job runs in this terminal."; \
		$(TARGET)/pmpo sample || [ $$? -eq 3 ]; \
	fi

# The window's tests drive the program itself, so it is built first. At the end a short
# study: the samples must be the successes that they are said to be.
test: check ui-test
	cargo build --release --locked --workspace
	cargo test --release --locked --workspace
	$(TARGET)/pmpo-study --model $(MODEL) --prompts 3 --seeds 1 --preset quick --least 30 \
		--lines $(TARGET)/study.jsonl datasets/*/examples.*

# Whether the loss orders prompts as right answers do, and whether runs end in prompts that
# are right more often. DATA names files with inputs and answers; a whole study of three of
# them takes hours on two cores, STUDY="--seeds 1 --prompts 20" a part of it.
DATA ?= datasets/review-mood/examples.csv datasets/order-details/examples.csv
MODEL ?= $(or $(PMPO_DATA_DIR),$(or $(XDG_DATA_HOME),$(HOME)/.local/share)/pmpo-studio)/models/SmolLM2-135M-Instruct.Q4_1.gguf
study: build
	$(TARGET)/pmpo-study --model $(MODEL) $(STUDY) $(DATA)

# The README's pictures, taken of real runs of the sample in the real window.
pictures: setup-test build
	$(TARGET)/pictures

# How fast answers are scored, beside llama.cpp and transformers on this machine.
bench: build
	@peers=$$(sh scripts/setup-peers.sh) \
		&& $(TARGET)/bench --peers "$$(echo "$$peers" | tail -n 1)" \
		|| { echo "The peers could not be installed; only our own ways are measured."; $(TARGET)/bench; }

# How time and memory grow with examples and with the prompt.
bench-growth: build
	$(TARGET)/bench-growth

# What bringing a file of 100,000 rows costs beyond reading it.
bench-import: build
	$(TARGET)/bench-import

# What a long history costs: versions, runs, their curves.
bench-history: setup-test build
	$(TARGET)/bench-history

# What it costs to draw a run of up to 2,000 prompts while they arrive, and to point at them.
bench-plot: setup-test build
	$(TARGET)/bench-plot
	cd ui && npm run --silent bench

# What the window costs and whether it stays smooth.
bench-window: setup-test build
	$(TARGET)/bench-window

# Both programs for NVIDIA cards; compiles on a computer without one too.
cuda: build
	@sh scripts/build-cuda.sh

# Both programs with Apple's GPU, or Apple's matrix products.
metal accelerate: setup
	@test "$$(uname -s)" = Darwin || { echo "make $@ is for Macs."; exit 1; }
	@sh scripts/ui.sh
	@CARGO_TARGET_DIR=$(or $(CARGO_TARGET_DIR),target)/$@ cargo build --release --locked \
		--package pmpo-cli --package pmpo-studio --features pmpo-cli/$@,pmpo-studio/$@

# Both programs with Intel's matrix products.
mkl: setup
	@sh scripts/ui.sh
	@sh scripts/build-mkl.sh

build: setup
	@sh scripts/ui.sh
	@[ -x $(TARGET)/pmpo ] || echo "Compiling. The first time this takes about 35 minutes on two cores, less with more."
	@cargo build --release --locked --workspace

check: setup-test
	cargo fmt --all --check
	sh scripts/check-architecture.sh
	python3 scripts/check-licences.py
	sh scripts/ui.sh
	python3 scripts/linked.py
	sh scripts/clippy.sh

ui-test: setup-test
	sh scripts/ui.sh
	cd ui && npm run --silent check && npm test --silent

# Writes the window's types from the Rust ones; a test fails when they are stale.
wire:
	PMPO_WRITE_WIRE=1 cargo test --release --locked --workspace --lib the_windows_types

setup:
	@sh scripts/setup.sh

setup-test:
	@sh scripts/setup.sh test

fmt:
	cargo fmt --all

# Packages for Linux, in the package folder of TARGET; `make test-package` tries them.
package: export PMPO_COMMIT := $(shell git rev-parse --short HEAD 2>/dev/null)
package: build
	python3 scripts/package.py $(PACKAGE)

# The packages on fresh Debian systems without a network; needs root.
test-package: package
	@sh scripts/setup.sh package
	python3 scripts/test-package.py
