# Wanglou 望楼. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
CONSOLE := alert/console
DIST := $(CONSOLE)/dist/index.html
CONSOLE_SOURCES := $(shell find $(CONSOLE) schemas/openapi.json -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.PHONY: help run build test check soak bench console packages lint walk unit clean

help: ## what there is
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build everything and start the all-in-one with the demo town
	@target="$${CARGO_TARGET_DIR:-target}"; exec "$$target/release/wanglou" demo

build: $(DIST) ## the binary, target/release/wanglou, with the console in it
	$(CARGO) build --release --locked -p wanglou

console: $(DIST) ## the web console alone

$(DIST): $(CONSOLE_SOURCES)
	cd $(CONSOLE) && npm ci --no-audit --no-fund && npm run build
	@touch $@

test: packages $(DIST) lint walk unit ## everything that must hold; sets up what the tests need

packages:
	@deploy/packages.sh

lint: $(DIST)
	$(CARGO) fmt --all --check
	cd $(CONSOLE) && npm run check && npm test
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items

# What people do, in a browser against the stand-in for the gateway. Each ends by itself; the time is for a machine that is stuck.
walk: packages $(DIST) ## what people do in the console, in a browser
	cd $(CONSOLE) && timeout 5m node e2e/mock.mjs
	cd $(CONSOLE) && timeout 3m node e2e/chain.mjs

unit: $(DIST)
	$(CARGO) test --locked --workspace

# In the profile of the tests, whose overflow checks find more than speed does. Cut off after three hours, built before that.
soak: packages $(DIST) ## the long ones: nights of 200 kills for each log and each records database, more random input, simulated months
	$(CARGO) test --locked --workspace --test soak --test kills --test recall --test latency --test town --lib --no-run
	WANGLOU_SOAK=200 timeout 60m $(CARGO) test --locked --workspace --test soak -- --nocapture
	WANGLOU_SOAK=200 timeout 60m $(CARGO) test --locked --workspace --test kills -- --nocapture
	WANGLOU_SOAK=40 WANGLOU_OUTAGE=3600 timeout 90m $(CARGO) test --locked --workspace --test recall -- --nocapture
	PROPTEST_CASES=5000 timeout 30m $(CARGO) test --locked --workspace --lib --test latency -- --include-ignored
	timeout 60m $(CARGO) test --locked --workspace --test town -- --ignored --nocapture
	WANGLOU_FUZZ=60 timeout 90m $(CARGO) test --locked --workspace --lib -- --ignored --nocapture fuzz::for_a_long_time

bench: build ## the figures: criterion benches, the load program, the simulated town (DAYS of it), many series, emerging topics
	$(CARGO) bench --locked -p benches
	$(CARGO) run --release --locked -p benches --bin load -- --minutes $${MINUTES:-10}
	$(CARGO) run --release --locked -p benches --bin town -- --days $${DAYS:-60} --seed $${SEED:-1}
	$(CARGO) run --release --locked -p benches --bin series -- --series 10000
	$(CARGO) run --release --locked -p benches --bin series -- --series 1000000
	$(CARGO) run --release --locked -p benches --bin emerging -- --posts 1000000 --rate 2

clean: ## what was built
	$(CARGO) clean
	rm -rf $(CONSOLE)/dist $(CONSOLE)/node_modules
