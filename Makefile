# Everything a developer runs. `make help` lists the targets.
# To go on by hand, see CONTRIBUTING.md.

SHELL   := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
# How long each fuzz target runs in `make fuzz`.
FUZZTIME ?= 30s
# Further flags for `go test`, such as TESTFLAGS="-run TestMerge -v".
TESTFLAGS ?=
# Flags of the measuring programs, such as BENCHFLAGS="-rounds 3 -subjects floor,plain".
BENCHFLAGS ?=
SOAKFLAGS  ?=
SCALEFLAGS ?=
LINT    := bin/golangci-lint
# The modules beside the main one: the tools, and the proxy that is the unit of the measurements.
MODULES := tools bench/floor

.DEFAULT_GOAL := help
.PHONY: build run test race lint fmt generate check tidy vet fuzz bench soak scale setup clean help

build: ## build bin/polygate
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/polygate ./cmd/polygate

run: build ## start a gateway with an example that answers at once, see examples/quickstart
	bin/polygate run -c examples/quickstart/config.yaml --data-dir data --example

test: setup ## run all tests
	$(GO) test $(TESTFLAGS) ./...

race: setup ## run all tests with the race detector
	$(GO) test -race $(TESTFLAGS) ./...

lint: $(LINT) ## look for mistakes with golangci-lint
	$(LINT) run ./...

fmt: $(LINT) ## format all Go files
	$(LINT) fmt ./...

generate: ## run all generators
	$(GO) generate ./...

tidy: ## tidy the modules
	$(GO) mod tidy
	for m in $(MODULES); do (cd $$m && $(GO) mod tidy); done

vet: ## run go vet
	$(GO) vet ./...

check: $(LINT) ## all checks before a commit: format, lint, modules, generated files
	$(LINT) fmt --diff ./...
	$(LINT) run ./...
	$(GO) mod tidy -diff
	for m in $(MODULES); do (cd $$m && $(GO) mod tidy -diff); done
	scripts/unchanged $(MAKE) --no-print-directory generate

fuzz: ## run every fuzz target in the tree for FUZZTIME (30s)
	GO='$(GO)' scripts/fuzz '$(FUZZTIME)'

bench: build bin/floor ## measure CPU per proxied request against other proxies, see bench/README.md
	$(GO) run ./bench/measure $(BENCHFLAGS)

soak: build ## a million requests and large bodies with memory watched
	$(GO) run ./bench/soak $(SOAKFLAGS)

scale: build ## 100,000 routes: start, memory, changes under load, see bench/README.md
	$(GO) run ./bench/scale $(SCALEFLAGS)

setup: ## install the programs that the tests and measurements use (Debian)
	scripts/setup

clean: ## remove what was built
	rm -rf bin dist

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# Tools are built once and again when their version changes.
$(LINT): tools/go.mod tools/go.sum
	cd tools && $(GO) build -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bin/floor: bench/floor/main.go bench/floor/go.mod bench/floor/go.sum
	cd bench/floor && $(GO) build -trimpath -o ../../$@ .
