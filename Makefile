# Needs Go 1.26, Node.js 20 and Python 3.10, or newer. Everything else is
# installed into .local/ and built into dist/.

# The system to build the functions for: this machine, or Linux on arm64 for AWS.
SYSTEM ?= $(shell go env GOOS)
ARCH ?= $(shell go env GOARCH)
# The sanctions list that is packed with process-inquiry: the repository's own,
# which is invented, or yours.
OFAC_OWN := shared/source/ofac/list
OFAC_DIR ?= $(OFAC_OWN)
# The local AWS engine of run and test: ministack (the default), localstack, or
# localstack-docker, which nobody has tested yet.
export ENGINE
# The stage that synth and deploy use.
STAGE ?= dev

CDK := .local/node/node_modules/.bin/cdk
# The folder that the functions are built into.
DIST := dist
PACKAGE = $(DIST)/functions/process-inquiry

# Node.js 20 works, so warnings about its age only distract. The CDK command must
# not phone home.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export CDK_DISABLE_CLI_TELEMETRY := true
export CDK_DISABLE_VERSION_CHECK := true
export NODE_NO_WARNINGS := 1

.PHONY: help
help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }'

.PHONY: run
run: check-go ## Run the service on this machine and screen a sample batch (BATCH=file PORT=n OFAC_DIR=dir ONCE=1 ENGINE=localstack)
	@test -e dist/local || echo "Compiling the runner, which takes half a minute the first time ..."
	@go build -o dist/local ./infra/local
	@exec dist/local $(if $(BATCH),-batch "$(BATCH)") $(if $(PORT),-port "$(PORT)") $(if $(ONCE),-once) -ofac "$(OFAC_DIR)"

.PHONY: build
build: check-go functions tools ## Build the functions for this machine, and the tools (dist/bi, dist/admin)

# Without -buildvcs=false, every commit would change, and so deploy, every function.
.PHONY: functions
functions:
	@test -d "$(OFAC_DIR)" || { echo "There is no folder $(OFAC_DIR). Set OFAC_DIR to the folder that has the sanctions list."; exit 1; }
	@mkdir -p $(DIST)/bin
	@CGO_ENABLED=0 GOOS=$(SYSTEM) GOARCH=$(ARCH) \
		go build -trimpath -buildvcs=false -ldflags="-s -w" -tags lambda.norpc -o $(DIST)/bin/ ./functions/...
	@for built in $(DIST)/bin/*; do \
		into=$(DIST)/functions/$${built##*/}; mkdir -p $$into; \
		cmp -s $$built $$into/bootstrap || cp $$built $$into/bootstrap; \
	done
	@mkdir -p $(PACKAGE) && rm -rf $(PACKAGE)/ofac && cp -R "$(OFAC_DIR)" $(PACKAGE)/ofac

# Compiling the CDK takes a minute. These flags let go build reuse what go test and go
# vet have compiled.
.PHONY: tools
tools:
	@mkdir -p dist
	@go build -ldflags="-s -w" -o dist/ $(wildcard ./infra ./infra/admin ./client/cmd/bi)

.PHONY: setup
setup: check-go ## Install the local engine and the CDK command (run and test do this themselves)
	@go run ./infra/local -setup

.PHONY: test
test: build setup ## Run all tests, the fast ones first
	@go tool gotestsum --format pkgname --raw-command -- infra/local/test-phases all

.PHONY: test-localstack
test-localstack: export ENGINE := localstack
test-localstack: build setup ## Run the tests of the whole service on LocalStack instead of the default engine
	@go test -count=1 -timeout 1h -v ./infra/e2e

.PHONY: test-fast
test-fast: check-go ## Run the tests that need neither the CDK nor the whole engine
	@go tool gotestsum --format pkgname --raw-command -- infra/local/test-phases fast

.PHONY: test-race
test-race: check-go ## Run all concurrent code under the race detector (needs a C compiler)
	@CGO_ENABLED=1 go tool gotestsum --format pkgname --raw-command -- infra/local/test-phases race

.PHONY: fuzz
fuzz: check-go ## Fuzz every target for FUZZTIME (20s)
	@for folder in $$(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n 1 dirname | sort -u); do \
		for target in $$(go test -list '^Fuzz' ./$$folder | grep ^Fuzz); do \
			echo "$$folder $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(or $(FUZZTIME),20s) ./$$folder || exit 1; \
		done; \
	done

.PHONY: simulate
simulate: check-go ## Run SEEDS (10000) random histories in the simulator, or show one (SEED=n)
	@go test ./simulation -run 'TestSimulation$$' -timeout 0 -v $(if $(SEED),-seed $(SEED),-histories $(or $(SEEDS),10000))

.PHONY: generate
generate: check-go ## Write the generated files (docs/openapi.json, the reference page)
	@go generate ./...

.PHONY: lint
lint: check-go ## Check formatting, generated files and workflows, and run vet and staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "Run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	@go vet ./...
	@go tool staticcheck ./...
	@go test -run '^TestGenerate$$' ./shared/httpapi/internal/pagegen >/dev/null || { echo "Generated files are stale. Run make generate."; exit 1; }
	@go tool actionlint -shellcheck= -pyflakes=
	@zizmor=$$(go run ./infra/local -zizmor) && $$zizmor --offline --quiet .github

.PHONY: bench
bench: check-go ## Measure what an inquiry uses and costs, and write docs/figures.md (OFAC_DIR=dir)
	@$(MAKE) --no-print-directory functions DIST=dist/bench/aws SYSTEM=linux ARCH=arm64 OFAC_DIR=$(OFAC_OWN)
	@$(MAKE) --no-print-directory functions DIST=dist/bench/here OFAC_DIR=$(OFAC_OWN)
	@go run ./infra/bench -packages dist/bench/aws/functions -programs dist/bench/here/functions \
		$(if $(filter-out $(OFAC_OWN),$(OFAC_DIR)),-list "$(OFAC_DIR)") -figures docs/figures.md

.PHONY: bench-code
bench-code: check-go ## Run the Go benchmarks
	@go test -run '^$$' -bench . -benchmem ./shared/... ./functions/...

.PHONY: load
load: build setup ## Run 40 batches of 250 inquiries at the same time on this machine
	@go test -count=1 -timeout 1h -v -run '^TestLoad$$' ./infra/e2e -load

.PHONY: synth
synth: setup tools ## Write the CloudFormation template of STAGE into cdk.out/
	@$(MAKE) --no-print-directory functions SYSTEM=linux ARCH=arm64
	@$(CDK) synth --quiet --app dist/infra --context stage=$(STAGE) --no-notices

.PHONY: deploy
deploy: setup tools ## Deploy STAGE to the AWS account of your credentials (APPROVE=never asks no questions)
	@$(MAKE) --no-print-directory functions SYSTEM=linux ARCH=arm64
	@$(CDK) deploy --app dist/infra --context stage=$(STAGE) --no-notices $(if $(APPROVE),--require-approval "$(APPROVE)")

.PHONY: release
release: check-go ## Build bi for every system into dist/release, with checksums and notes (VERSION=v1.2.3)
	@infra/release/build "$(VERSION)" dist/release

.PHONY: clean
clean: ## Delete everything that was built or installed
	@rm -rf dist cdk.out .local

.PHONY: check-go
check-go:
	@command -v go >/dev/null || { echo "This needs Go 1.26 or newer, and there is no go command on the PATH. Install Go from go.dev/dl and run this again."; exit 1; }
	@have=$$(GOTOOLCHAIN=local go version | sed -E 's/.*go([0-9]+\.[0-9]+).*/\1/'); \
	test "$$(printf '1.26\n%s\n' $$have | sort -V | head -n 1)" = 1.26 || \
	{ echo "This needs Go 1.26 or newer, and this is Go $$have. Install a newer one from go.dev/dl and run this again."; exit 1; }
