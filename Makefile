# Everything a person or the CI does with Graft. `make` alone lists the targets.
# One release build serves all: the tests are compiled with the same flags as the command.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup build quickstart test benchmark lint format docs env clean

# Set SWIFT_BUILD_FLAGS for all targets alike: other flags mean another build.
SWIFT_BUILD_FLAGS ?=
TEST_FLAGS ?=
BUILD = swift build --configuration release $(SWIFT_BUILD_FLAGS)
SWIFT_SOURCES = $(wildcard Package.swift Sources Tests Snippets Benchmarks/Package.swift Benchmarks/Sources)

help: ## List the targets
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 20

setup: ## Fetch what is missing: Debian packages, libtorch (TORCH_VERSION=, LIBTORCH=), the model
	@Scripts/setup.sh

build: setup ## Build the command: .build/release/graft
	@$(BUILD)

quickstart: build ## Train, check and use an adapter on a real model
	@Scripts/quickstart.sh .build/release/graft "$$(Scripts/model.sh)"

test: setup ## Run all tests (TEST_FLAGS='--filter NAME' for some)
	@$(BUILD) --build-tests
	@swift test --configuration release --skip-build --disable-xctest $(TEST_FLAGS)
ifeq ($(strip $(TEST_FLAGS)),)
	@for lanes in 4 8; do echo "kernels of vectors of at most $$lanes floats:"; \
	GRAFT_VECTOR_LANES=$$lanes swift test --configuration release --skip-build --disable-xctest \
	--filter GraftTorchTests; done
endif

benchmark: build ## Count instructions of the hot paths and compare them with Benchmarks/Thresholds
	@Benchmarks/run.sh

lint: ## Check the format and style of Swift files and scripts
	@swift format lint --strict --recursive --parallel $(SWIFT_SOURCES)
	@for script in Scripts/*.sh .ci/run; do bash -n "$$script"; done
	@if command -v shellcheck >/dev/null; then shellcheck -x Scripts/*.sh .ci/run; \
	else echo "lint: shellcheck is not installed; the scripts' syntax alone was checked"; fi

format: ## Format the Swift files in place
	@swift format --in-place --recursive --parallel $(SWIFT_SOURCES)

docs: build ## Make the reference of every library in .build/docs
	@Scripts/docs.sh

env: ## Say which tools and libraries are in use, to go with a bug report
	@Scripts/env.sh

clean: ## Remove what was built here; downloads stay in the cache
	@rm -rf .build .libtorch
