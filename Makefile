# Hearth. `make run` starts a server, `make test` runs every suite, `make help` lists the rest.
#   SAN=address,undefined | SAN=thread   builds with sanitizers into a folder of its own
#   CC=clang                             builds with clang into a folder of its own
include packages.mk

CC      ?= gcc
ifeq ($(CC),cc)
CC      := gcc
endif
CXX     := $(if $(findstring clang,$(CC)),clang++,g++)
SAN     ?=
PREFIX  ?= /usr/local
comma   := ,
BUILD   := build$(if $(filter-out gcc,$(CC)),/$(notdir $(CC)))$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(COVER),/cover)

LIBS     := libmicrohttpd libcurl gnutls libsodium sqlite3
VERSION  := $(shell cat VERSION)
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wundef -Wcast-qual -Wwrite-strings -Wvla \
            -Wswitch-enum -Wpointer-arith -Werror
WARN_C   := $(WARNINGS) -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wbad-function-cast
HARDEN   := -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection $(if $(SAN),,-D_FORTIFY_SOURCE=2)
OPT      := $(if $(SAN)$(COVER),-O1,-O2) -g
CPPFLAGS += -Isrc -I$(BUILD)/gen -D_GNU_SOURCE -DHEARTH_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
CFLAGS   += -std=c17 $(OPT) $(WARN_C) $(HARDEN) -pthread
CXXFLAGS += -std=c++17 $(OPT) $(WARNINGS) $(HARDEN) -pthread
LDFLAGS  += -pie -Wl,-z,relro,-z,now -pthread
LDLIBS   += $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lm
ifneq ($(SAN),)
CFLAGS   += -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
CXXFLAGS += -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
LDFLAGS  += -fsanitize=$(SAN)
endif
ifneq ($(COVER),)
CFLAGS   += --coverage
LDFLAGS  += --coverage
endif

SRC   := $(filter-out src/main/main.c,$(wildcard src/*/*.c)) $(wildcard src/*/*.cc)
OBJ   := $(patsubst src/%,$(BUILD)/obj/%.o,$(SRC))
UNIT  := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*/test_*.c))
FUZZ  := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/bench_*.c))

.PHONY: all
all: $(BUILD)/hearth

$(BUILD)/hearth: $(BUILD)/obj/main/main.c.o $(BUILD)/libhearth.a
	$(CXX) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libhearth.a: $(OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/obj/%.c.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.cc.o: src/%.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

# Schema changes are compiled in, in the order of their numbers.
$(BUILD)/obj/store/migrations.c.o: $(BUILD)/gen/migrations.inc
$(BUILD)/gen/migrations.inc: tools/embed-sql $(wildcard src/store/migrations/*.sql)
	@mkdir -p $(@D)
	tools/embed-sql src/store/migrations > $@.new && mv $@.new $@

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libhearth.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/unit $(CFLAGS) -MMD -MP -o $@ $< $(BUILD)/libhearth.a $(LDFLAGS) -lcmocka $(LDLIBS) -lstdc++

$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/libhearth.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer -MMD -MP -o $@ $< $(BUILD)/libhearth.a $(LDFLAGS) $(LDLIBS) -lstdc++

$(BUILD)/bench/%: tests/bench/%.c $(BUILD)/libhearth.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -o $@ $< $(BUILD)/libhearth.a $(LDFLAGS) $(LDLIBS) -lstdc++

include tests/tests.mk

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
