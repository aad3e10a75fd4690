# Targets for developers and continuous integration. `make` lists them.
.DEFAULT_GOAL := help
.PHONY: release release-test chart site words lighthouse help demo test test-fast test-race test-servers lint cross fmt screenshots bench build schema generate new-migration fuzz walks chaos clean needs

GO       ?= go
LINT      = $(GO) tool -modfile=tools/go.mod golangci-lint
PICTURES  = docs/images
# The workspace of the product and its test module.
BOTH      = $(CURDIR)/test/all.work
# The platforms of the product; internal/rules has the same list.
PLATFORMS = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 freebsd/amd64 freebsd/arm64 windows/amd64 windows/arm64
VERSION   = $(shell git describe --tags --always --dirty 2>/dev/null || echo development)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 22

demo: ## start the portal and all servers on this machine (needs Java 17 or later)
	$(GO) run ./cmd/entree demo

# Chaos mostly waits for the parts that it broke, so the linter runs beside it.
# The Java servers of the tests live for minutes: the JVM's second compiler would
# cost more time than it saves.
test: export JAVA_TOOL_OPTIONS = -XX:TieredStopAtLevel=1
test: export TMPDIR = $(shell ./scripts/temp.sh)
# The random tests draw the same cases for each commit, and chaos the same faults:
# `make walks` and `make chaos` draw others.
test: export RAPID_SEED ?= 10
test: export CHAOS_SEED ?= 10
test: needs ## all tests, on a real Keycloak, mail server, browser and databases; installs missing programs
	$(MAKE) -j2 --output-sync chaos lint CHAOS_S=30
	$(MAKE) test-servers MEANWHILE='$(MAKE) test-race'

# The packages that run with the race detector and need no demo. All other packages
# run beside a demo; each package runs once. The detector leaves out SQLite, which is
# a translated C program behind one lock per connection, and no other package: one
# without the detector that uses sync.Map would bring its copy of sync.Map's generic
# functions, and the detector would not see what sync.Map orders.
RACED = ./internal/domain/... ./internal/activation/... ./internal/password/... ./internal/naming/... ./internal/jobs/... ./internal/store/... ./portal/... ./internal/sso/...

test-race: bin/gotestsum
	$(ONCE_MORE) --packages "$$($(GO) list $(RACED))" \
		-- -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false -count=1 -timeout 20m

# The longest packages start first, so that none runs alone at the end.
LONGEST = entree/test/e2e ./cmd/entree entree/test/introduce entree/test/crash ./keycloak

# A test that fails beside everything else runs once more, alone, and the output tells
# it: docs/adr/0107 has the reasons. A random test repeats the draws that failed.
ONCE_MORE = bin/gotestsum --format standard-quiet --rerun-fails=1 --rerun-fails-max-failures=4 \
	--rerun-fails-run-root-test --rerun-fails-abort-on-data-race

bin/gotestsum: tools/go.mod
	@mkdir -p bin
	GOWORK=off $(GO) -C tools build -o ../bin/gotestsum gotest.tools/gotestsum
	@touch bin/gotestsum

test-servers: export GOWORK = $(BOTH)
test-servers: bin/gotestsum
	MEANWHILE='$(MEANWHILE)' ./scripts/with-demo.sh $(ONCE_MORE) --packages "$$($(GO) list $(LONGEST)) $$($(GO) list ./... entree/test/... | grep -vxF "$$($(GO) list $(LONGEST) $(RACED))")" \
		-- -count=1 -timeout 40m

test-fast: ## the tests that need no server and no browser
	$(GO) test -skip /postgres $$($(GO) list ./internal/... ./portal/... | grep -vE '/devenv/|/registry/directory$$') ./internal/devenv/reference

lint: ## gofmt, go vet and the linter (.golangci.yml), in both modules
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	$(GO) vet ./...
	$(LINT) run ./...
	$(GO) -C tools test -count=1 ./argon2asm
	cd test && $(GO) vet ./... && $(GO) tool -modfile=../tools/go.mod golangci-lint run ./...

fmt: ## format the code
	gofmt -w .

screenshots: needs ## take the pictures of the documents in a browser on a running demo
	mkdir -p $(PICTURES)
	GOWORK=$(BOTH) ENTREE_SCREENSHOTS=$(CURDIR)/$(PICTURES) ./scripts/with-demo.sh $(GO) test -count=1 -run 'TestTheHowTo|TestTheSeptemberMorning|TestPictures' entree/test/e2e

bench: needs ## measure the cost of an activation and draw the picture of README.md (six minutes)
	$(GO) run ./cmd/entree-dev bench portal
	$(GO) run ./cmd/entree-dev bench rush --svg $(PICTURES)/rush.svg

build: ## build the program into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -tags nomsgpack -ldflags "-s -w -X entree/internal/buildinfo.version=$(VERSION)" -o bin/entree ./cmd/entree

release: ## build programs, packages, images, SBOM and checksums into dist/ (VERSION, SIGNING_KEY; docs/releases.md)
	./scripts/release.sh

release-test: needs chart ## build a release twice, install it on a fresh Debian and in a container, and activate a student there
	@./scripts/need.sh podman podman runc
	@./scripts/need.sh mmdebstrap mmdebstrap
	@./scripts/need.sh systemd-nspawn systemd-container
	@./scripts/need.sh rpm rpm
	@./scripts/need.sh qemu-aarch64-static qemu-user-static
	GOWORK=$(BOTH) TMPDIR=$$(./scripts/temp.sh) ./scripts/with-demo.sh $(GO) -C test run ./release

chart: ## validate the Helm chart by the schemas of Kubernetes, and the compose file (needs Python and PyPI)
	./scripts/chart.sh

words: ## check the French and English of pages and mails with LanguageTool (a few minutes; needs a JDK)
	mvn -B -q -f tools/words/pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath -Dmdep.outputFile=$(WORDS)
	$(GO) -C tools run ./words $(CURDIR)/portal/i18n/messages $(CURDIR)/templates/mail | \
		java -cp "$$(cat $(WORDS))" tools/words/Words.java tools/words/words.txt tools/words/rules.txt
WORDS = $(or $(TMPDIR),/tmp)/entree-words

# Lighthouse needs a newer Node.js than Debian has.
LIGHTHOUSE = $(or $(TMPDIR),/tmp)/entree-lighthouse
lighthouse: needs ## print Lighthouse's scores of the main pages; under 100 is an error, except for performance (needs npm and its registry)
	@./scripts/need.sh npm npm
	npm install --prefix $(LIGHTHOUSE) --silent --no-audit --no-fund lighthouse@13.5.0 node@26.10.0
	GOWORK=$(BOTH) ENTREE_LIGHTHOUSE=$(LIGHTHOUSE)/node_modules ./scripts/with-demo.sh $(GO) test -count=1 -timeout 40m -run TestLighthouse -v entree/test/e2e

SITE = $(or $(TMPDIR),/tmp)/entree-site
site: ## build the documentation as a site into dist/site; a broken link is an error (needs Python and PyPI)
	test -x $(SITE)/bin/mkdocs || { python3 -m venv $(SITE) && $(SITE)/bin/pip install --quiet -r tools/site/requirements.txt; }
	$(SITE)/bin/mkdocs build --quiet --config-file tools/site/mkdocs.yml

cross: ## compile both programs for every platform
	@set -e; for platform in $(PLATFORMS); do \
		echo "$$platform"; \
		GOOS=$${platform%/*} GOARCH=$${platform#*/} CGO_ENABLED=0 $(GO) build -tags nomsgpack -o /dev/null ./cmd/...; \
	done

schema: ## write docs/schema.sql from the migrations
	$(GO) test -count=1 -run TestSchemaDocument ./internal/store -update

generate: schema ## write what is generated: schema.sql, configuration.md, metrics.md, Argon2's assembly
	$(GO) test -count=1 -run TestConfigurationDocument ./internal/devenv/reference -update
	$(GO) test -count=1 -run TestMetricsDocument ./portal/web -update
	$(GO) -C tools run ./argon2asm -pkg argon2 -out ../internal/argon2/block_amd64.s -stubs ../internal/argon2/block_amd64.go

new-migration: ## create the next migration file of both databases: make new-migration NAME=add_phone
	@./scripts/new-migration.sh "$(NAME)"

fuzz: ## run each fuzz target for half a minute
	$(GO) test -fuzz FuzzCheck -fuzztime 30s ./internal/password
	$(GO) test -fuzz FuzzParseAddress -fuzztime 30s ./internal/domain
	$(GO) test -fuzz FuzzImport -fuzztime 30s ./internal/registry
	$(GO) test -fuzz FuzzCleanDigits -fuzztime 30s ./internal/domain
	$(GO) test -fuzz FuzzCharter -fuzztime 30s ./portal
	$(GO) test -fuzz FuzzCookie -fuzztime 30s ./portal/web
	$(GO) test -fuzz FuzzFormToken -fuzztime 30s ./portal
	$(GO) test -fuzz FuzzMessageID -fuzztime 30s ./internal/mail
	$(GO) test -fuzz FuzzReport -fuzztime 30s ./internal/mail/bounce
	$(GO) test -fuzz FuzzWords -fuzztime 30s ./internal/naming
	$(GO) test -fuzz FuzzTicketAnswer -fuzztime 30s ./internal/sso
	$(GO) test -fuzz FuzzIDKey -fuzztime 30s ./internal/argon2

walks: ## random walks with other draws than those of `make test`, WALKS=3000 of each
	$(GO) test -count=1 -timeout 3h -run 'RandomWalk|WhateverAttackersDo' ./internal/activation ./internal/app ./portal -rapid.checks=$(or $(WALKS),3000)

chaos: needs ## let students activate while servers fail, for CHAOS_S=120 seconds; CHAOS_SEED repeats a run
	CHAOS_S=$(or $(CHAOS_S),120) $(GO) -C test run ./chaos

clean: ## remove built files
	rm -rf bin dist

# needs installs the programs that the tests need besides Go, or names them.
needs:
	@./scripts/need.sh java openjdk-17-jre-headless
	@./scripts/need-java.sh 21
	@./scripts/need.sh mvn maven
	@./scripts/need.sh chromium chromium fonts-dejavu-core
	@./scripts/need.sh '/usr/lib/postgresql/*/bin/initdb' postgresql
	@./scripts/need.sh pgrep procps
	@./scripts/need.sh /usr/sbin/nginx nginx-light
	@./scripts/need.sh spin spin
	@./scripts/need.sh cc gcc libc6-dev
	@./scripts/need.sh systemd-analyze systemd
	@./scripts/need.sh promtool prometheus
	@./scripts/need.sh sqlite3 sqlite3
	@./scripts/need.sh /usr/sbin/slapd slapd
	@./scripts/need.sh /usr/lib/ldap/pw-pbkdf2.so slapd-contrib
	@./scripts/need.sh /usr/share/perl5/Net/SMPP.pm libnet-smpp-perl
	@./scripts/need.sh pdftotext poppler-utils
	@./scripts/need.sh /usr/sbin/apache2 apache2-bin
	@./scripts/need.sh /usr/lib/apache2/modules/mod_auth_openidc.so libapache2-mod-auth-openidc
	@./scripts/need.sh /usr/lib/apache2/modules/mod_auth_cas.so libapache2-mod-auth-cas
