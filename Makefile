# The commands of Fastness. `make run` and `make test` are all a newcomer needs.

GO      ?= go
BIN     := bin/fastness
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
TOOLS   := $(CURDIR)/test/tools/go.mod
# Where the test vectors that others wrote are (see docs/conformance.md).
FASTNESS_VECTORS ?= $(abspath $(CURDIR)/../shared/vectors)
export FASTNESS_VECTORS
DATA    ?= ./data

.PHONY: all build run test check conformance judges soak stream fips generate deps clean

all: build

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/fastness

# Builds and starts everything on embedded storage, port 4566, HTTP and HTTPS.
run: build
	$(BIN) serve --data $(DATA)

# The FIPS 140-3 module of the Go distribution, and nothing that is not approved.
fips:
	CGO_ENABLED=0 GOFIPS140=v1.26.0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -tags fips -o bin/fastness-fips ./cmd/fastness

# The real components the tests talk to; installs what is missing (Debian, as root).
deps:
	./test/deps.sh

test: deps
	$(GO) test -timeout 25m ./...
	cd test/clients && $(GO) test -timeout 25m ./...
	cd test/encryptionsdk && $(GO) test -timeout 25m ./...
	cd test/crs && $(GO) test -timeout 25m ./...
	cd test/buckets && $(GO) test -timeout 25m ./...

check:
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "gofmt needed:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags conformance ./...
	$(GO) vet -tags sandbox ./test/waf/sandbox ./test/waf/interpreter
	$(GO) tool -modfile=$(TOOLS) staticcheck ./...
	./test/govulncheck.sh $(TOOLS)
	$(GO) test ./internal/archtest
	$(GO) run ./internal/apigen/cmd/apigen -check
	$(GO) mod verify

# Needs the vectors (FASTNESS_VECTORS).
conformance:
	@test -d "$(FASTNESS_VECTORS)" || { echo "no test vectors at $(FASTNESS_VECTORS): set FASTNESS_VECTORS (docs/conformance.md says where to get them)"; exit 1; }
	./test/conformance/run.sh

# The interpreters that judge attacks, in boxes of namespaces, which not every machine lets its users make.
judges: deps
	$(GO) test -tags sandbox ./test/waf/sandbox ./test/waf/interpreter

# Crash and fuzz loops to their full counts: hours.
soak:
	./test/soak.sh

# 4 GiB through fastness encrypt | fastness decrypt, both in one memory cgroup of 96 MiB; where
# none can be made (not root), with GOMEMLIMIT. The peaks of both are measured in any case.
stream:
	FASTNESS_STREAM_MIB=4096 FASTNESS_STREAM_CGROUP=96 $(GO) test -count=1 -v -timeout 1h -run '^TestStreamingInConstantMemory$$' ./test/e2e

generate:
	$(GO) generate ./...

clean:
	rm -rf bin

bench-%:
	./test/bench/$*.sh
