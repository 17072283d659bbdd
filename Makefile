# Hearth. `make run` starts a server, `make test` runs every suite, `make help` lists the rest.
#   SAN=address,undefined | SAN=thread   builds with sanitizers into a folder of its own
#   CC=clang, COVER=1, FUZZER=1          likewise, with clang, for coverage, for libFuzzer (which wants clang)
include packages.mk

CC      ?= gcc
ifeq ($(CC),cc)
CC      := gcc
endif
CXX     := $(if $(findstring clang,$(CC)),clang++,g++)
SAN     ?=
PREFIX  ?= /usr/local
DATA    ?= data
comma   := ,
BUILD   := build$(if $(filter-out gcc,$(CC)),/$(notdir $(CC)))$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(COVER),/cover)$(if $(FUZZER),/fuzzer)

LIBS     := libmicrohttpd libcurl gnutls libsodium sqlite3 libpq
VERSION  := $(shell cat VERSION)
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wundef -Wcast-qual -Wwrite-strings -Wvla \
            -Wswitch-enum -Wpointer-arith -Werror
WARN_C   := $(WARNINGS) -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wbad-function-cast
# What a compiler has for its machine, and refuses on others.
MACHINE  := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
X86      := $(filter x86_64 i386 i486 i586 i686,$(MACHINE))
HARDEN   := -fPIE -fstack-protector-strong $(if $(SAN),,-D_FORTIFY_SOURCE=2) $(if $(X86),-fcf-protection) \
            $(if $(filter aarch64 arm64,$(MACHINE)),-mbranch-protection=standard) \
            $(if $(or $(X86),$(if $(findstring clang,$(CC)),,gcc)),-fstack-clash-protection)
OPT      := $(if $(SAN)$(COVER),-O1,-O2) -g
INSTRUMENT := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all) \
              $(if $(COVER),--coverage) $(if $(FUZZER),-fsanitize=fuzzer-no-link)
CPPFLAGS += -Isrc -I$(BUILD)/gen -D_GNU_SOURCE -DHEARTH_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
CFLAGS   += -std=c17 $(OPT) $(WARN_C) $(HARDEN) $(INSTRUMENT) -pthread
CXXFLAGS += -std=c++17 $(OPT) $(WARNINGS) $(HARDEN) $(INSTRUMENT) -pthread
LDFLAGS  += -pie -Wl,-z,relro,-z,now $(INSTRUMENT) -pthread
LDLIBS   += $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lm
# What runs is printed in short; V=1 prints it in full.
say = $(if $(V),,@echo "  $(1)	$(2)";)
DEPFLAGS  = -MMD -MP -MF $@.d -MT $@

SRC   := $(filter-out src/main/main.c,$(wildcard src/*/*.c)) $(wildcard src/*/*.cc)
OBJ   := $(patsubst src/%,$(BUILD)/obj/%.o,$(SRC))
UNIT  := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*/test_*.c))
FUZZ  := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/bench_*.c))

.PHONY: all
all: $(BUILD)/hearth

$(BUILD)/hearth: $(BUILD)/obj/main/main.c.o $(BUILD)/libhearth.a
	$(call say,LINK,$@)$(CXX) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libhearth.a: $(OBJ)
	@rm -f $@.new
	$(call say,AR,$@)ar rcs $@.new $^ && mv $@.new $@

# The flags are in the Makefile, the version in a flag.
$(BUILD)/obj/%.c.o: src/%.c Makefile VERSION | $(BUILD)/packages
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPFLAGS) -c -o $@ $<

$(BUILD)/obj/%.cc.o: src/%.cc Makefile VERSION | $(BUILD)/packages
	@mkdir -p $(@D)
	$(call say,CXX,$@)$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(DEPFLAGS) -c -o $@ $<

# Schema changes are compiled in, in the order of their numbers.
$(BUILD)/obj/store/migrations.c.o: $(BUILD)/gen/migrations.inc
$(BUILD)/gen/migrations.inc: tools/embed-sql $(wildcard src/store/migrations/*.sql)
	@mkdir -p $(@D)
	tools/embed-sql src/store/migrations > $@.new && mv $@.new $@

# A missing package gets a message of its own before the compiler stumbles over it.
$(BUILD)/packages: packages.mk
	@tools/packages check $(PACKAGES_BUILD)
	@mkdir -p $(@D) && touch $@

.PHONY: deps run install docs clean help
deps:
	@tools/packages install $(PACKAGES_BUILD)

run: deps
	@$(MAKE) --no-print-directory --silent all
	@build/hearth init --if-missing --config $(DATA)/hearth.toml --set server_name=localhost \
	    --set database_path=$(DATA) --set allow_registration=true
	@exec build/hearth serve --welcome --config $(DATA)/hearth.toml

install: all
	install -D -m 755 $(BUILD)/hearth $(DESTDIR)$(PREFIX)/bin/hearth
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/doc/hearth
	sed 's#/usr/local/#$(PREFIX)/#g' contrib/hearth.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/hearth.service
	install -m 644 README.md CHANGELOG.md LICENSE docs/*.md $(DESTDIR)$(PREFIX)/share/doc/hearth
	$(BUILD)/hearth options --toml > $(DESTDIR)$(PREFIX)/share/doc/hearth/hearth.toml.example

docs: all
	$(BUILD)/hearth options --markdown > docs/configuration.md

clean:
	rm -rf build

help:
	@echo "make              build build/hearth"
	@echo "make deps         install the Debian packages that building needs"
	@echo "make run          deps, build, configure if need be (DATA=data), start on 127.0.0.1:8008"
	@echo "make test         install what tests need, run every suite; the last line is the sum"
	@echo "make unit | system | lint     one part of it (tests/run --list names all suites)"
	@echo "make cover        coverage of the unit tests, in build/cover/report"
	@echo "make fuzz         every fuzz target for FUZZ_SECONDS=60"
	@echo "make bench        every benchmark"
	@echo "make docs         docs/configuration.md from the table of options"
	@echo "make install      DESTDIR= PREFIX=/usr/local: program, documents, systemd unit"
	@echo "make clean        remove build/"
	@echo "Variables: CC=clang  SAN=address,undefined  SAN=thread  V=1"

include tests/tests.mk

-include $(addsuffix .d,$(OBJ) $(BUILD)/obj/main/main.c.o $(UNIT) $(FUZZ) $(BENCH))
