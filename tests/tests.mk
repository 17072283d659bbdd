# Suites, checks and measurements. tests/run knows how each suite is built, run and counted.

FUZZ_SECONDS ?= 60
SUITES       ?=

TEST_LINK = $(BUILD)/libhearth.a $(LDFLAGS) $(LDLIBS) -lstdc++

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libhearth.a
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CPPFLAGS) -Itests/unit $(CFLAGS) $(DEPFLAGS) -o $@ $< -lcmocka $(TEST_LINK)

$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/libhearth.a
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-missing-prototypes -fsanitize=fuzzer $(DEPFLAGS) -o $@ $< $(TEST_LINK)

$(BUILD)/bench/%: tests/bench/%.c $(BUILD)/libhearth.a
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPFLAGS) -o $@ $< $(TEST_LINK)

.PHONY: test unit system unit-build fuzz-build bench-build test-deps
test: deps test-deps
	@tests/run $(SUITES)

unit:
	@tests/run unit

system: test-deps
	@tests/run system js

unit-build: $(UNIT)
fuzz-build: $(FUZZ)
bench-build: $(BENCH)

# --- what tests need besides: packages, a Python environment, npm packages; all in ignored folders ---

test-deps: .venv/ready tests/system/js/node_modules/.ready
.PHONY: test-packages
test-packages:
	@tools/packages install $(PACKAGES_BUILD) $(PACKAGES_TEST)

.venv/ready: tests/system/requirements.txt | test-packages
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

tests/system/js/node_modules/.ready: tests/system/js/package-lock.json | test-packages
	cd tests/system/js && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# --- lint: one target a check, so that each counts ---

LINT_FILES = $(wildcard src/*/*.[ch] tests/unit/*/*.c tests/unit/*.h tests/fuzz/*.c tests/bench/*.c)
TIDY       = $(patsubst src/%,build/tidy/%.ok,$(wildcard src/*/*.c))

.PHONY: lint lint-format lint-layers lint-headers lint-cppcheck lint-tidy
lint: lint-format lint-layers lint-headers lint-cppcheck lint-tidy

lint-format:
	$(call say,FORMAT,all files)clang-format --dry-run -Werror $(LINT_FILES)

lint-layers:
	tools/check-layers

lint-headers:
	tools/check-headers $(CC) -std=c17 $(WARN_C) $(CPPFLAGS)

lint-cppcheck: | build/packages
	@mkdir -p build/cppcheck
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr -j2 \
	    --suppressions-list=tools/cppcheck.suppress --include=tools/cppcheck.h --cppcheck-build-dir=build/cppcheck -Isrc -D_GNU_SOURCE src

lint-tidy: $(TIDY)

build/tidy/%.c.ok: src/%.c .clang-tidy $(wildcard src/*/*.h)
	@mkdir -p $(@D)
	$(call say,TIDY,$<)clang-tidy --quiet $< -- -std=c17 $(CPPFLAGS) -Wno-unknown-warning-option 2>$@.log || { cat $@.log; exit 1; }
	@touch $@
build/tidy/store/migrations.c.ok: $(BUILD)/gen/migrations.inc

# --- measurements ---

.PHONY: cover fuzz bench
cover:
	@$(MAKE) --no-print-directory COVER=1 unit-build
	@find build/cover -name '*.gcda' -delete
	@status=0; tests/run --build build/cover unit || status=$$?; tools/coverage build/cover; exit $$status

fuzz:
	@$(MAKE) --no-print-directory CC=clang SAN=address,undefined FUZZER=1 fuzz-build
	@tests/run --fuzz-seconds $(FUZZ_SECONDS) fuzz

bench:
	@$(MAKE) --no-print-directory bench-build
	@set -e; for b in $(BENCH); do echo "== $$b"; $$b; done
