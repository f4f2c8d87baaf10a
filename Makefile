# Everything CI does has a target here. `make` is what to run before a commit.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0
GOTESTSUM   = gotest.tools/gotestsum@v1.13.0
HOSTS       = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64

.PHONY: all build fmt vet hosts lint test e2e full bench benchmarks scale fuzz

all: fmt vet lint test

build: ## the program, here
	go build -trimpath -o lithe ./cmd/lithe

fmt: ## fails when a file is not gofmt's
	@test -z "$$(gofmt -l cmd internal)" || { gofmt -l cmd internal; exit 1; }

vet: ## on every system lithe is compiled for
	go vet ./...
	GOOS=darwin GOARCH=arm64 go vet ./...
	GOOS=windows GOARCH=amd64 go vet ./...

# go list compiles all that it exports, tests with it, and links nothing: that would take minutes and find no more.
hosts: ## the program and all tests, compiled for every system that lithe is for
	@for host in $(HOSTS); do \
		export GOOS=$${host%/*} GOARCH=$${host#*/} CGO_ENABLED=0; echo "$$host"; \
		go build -trimpath -o /dev/null ./cmd/lithe && go list -export -test -deps ./... >/dev/null || exit 1; \
	done

lint:
	go run $(STATICCHECK) ./...

test: ## what a newcomer runs: nothing but Go is needed
	go test ./...

e2e: ## with real engines, interpreters and package registries; see CONTRIBUTING.md
	LITHE_E2E=1 go run $(GOTESTSUM) --format testname -- -race -timeout 30m ./...

full: ## what takes longer than CI may
	.ci/full

bench:
	go test -run '^$$' -bench . -benchmem ./...

benchmarks: ## measures lithe beside hand-written Dockerfiles, as root, and writes docs/benchmarks.md
	bench/measure

scale: ## measures how cost grows, and writes it for docs/benchmarks.md
	LITHE_FULL=1 go test ./internal/scaletest -count=1 -timeout 60m -v -update
	bench/page "go run ./cmd/lithe"

fuzz: ## a minute for each parser
	.ci/fuzz 60s
