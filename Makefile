# What a person or a machine does with this repository. Everything longer than a line is a script in Tests/.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test build format lint bench bench-short clean

# make run: where to listen, and the folder for events, keys and journal.
PORT ?= 8080
ADMIN_PORT ?= 9464
DATA ?= data

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

run: ## build and serve on the embedded store; prints a key and two curl lines (PORT=8080 ADMIN_PORT=9464 DATA=data)
	@PORT='$(PORT)' ADMIN_PORT='$(ADMIN_PORT)' DATA='$(DATA)' exec Tests/EndToEnd/run.sh

test: ## everything: lint, build without warnings, unit, integration and end-to-end tests
	@exec Tests/EndToEnd/test.sh </dev/null

build: ## the release binary, .build/release/callflow
	@Tests/EndToEnd/prepare.sh build
	@Tests/EndToEnd/build.sh

format: ## rewrite the Swift files in the house style
	swift format --in-place --parallel --recursive Package.swift Sources Tests

lint: ## complain about Swift files that are not in the house style
	@Tests/EndToEnd/lint.sh

bench: ## single POSTs against the C ceiling, batches, reads, memory; fails below the acceptance figures
	@Tests/EndToEnd/prepare.sh test
	@Tests/EndToEnd/build.sh
	@exec python3 Tests/Benchmarks/bench.py

bench-short: ## the same with short runs and no bound
	@exec python3 Tests/Benchmarks/bench.py --short

clean: ## remove what was built; downloaded tools and data stay
	rm -rf .build
