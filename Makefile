# Reading Room. `make help` lists the targets; the README says what to do with them.
#
#   BUILD=dir   where everything is built (build; build-san with SAN=1)
#   SAN=1       with AddressSanitizer and UndefinedBehaviorSanitizer, leaks are errors
#   TEST=1      with the test seams (ROOM_TEST_CLOCK_MS); SAN=1 has them too
#   CI=true     warnings are errors
#   V=1         show whole commands

SHELL    = /bin/bash
PREFIX  ?= /usr/local
BUILD   ?= $(if $(SAN),build-san,build)
PKGS     = fcgi hiredis jansson libjwt libcurl sqlite3 libpq libsodium
FUZZ_S  ?= 60

# ---- flags ----

# Those that are not installed are not needed yet.
pkg = $(foreach p,$(PKGS),$(shell pkg-config $(1) $(p) 2>/dev/null))

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
           -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough $(if $(CI),-Werror)
SANFLAGS = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
HARDEN   = -fstack-protector-strong -D_FORTIFY_SOURCE=2
CFLAGS  ?= -O2 -g
ALL_CFLAGS  = -std=gnu11 -D_GNU_SOURCE= $(CFLAGS) $(WARNINGS) $(if $(SAN),$(SANFLAGS),$(HARDEN)) -pthread -iquote src \
              $(if $(SAN)$(TEST),-DROOM_TEST) $(call pkg,--cflags)
ALL_LDFLAGS = $(LDFLAGS) $(if $(SAN),$(SANFLAGS),-Wl,-z,relro,-z,now) -pthread -Wl,--as-needed
LIBS        = $(call pkg,--libs) -lm
ALL_CFLAGS := $(ALL_CFLAGS)
LIBS       := $(LIBS)

# ---- sources: whatever is there ----

LIB_SRC  := $(wildcard $(addprefix src/,$(addsuffix /*.c,base http store chat outside api stream worker)))
ROOM_SRC := $(wildcard src/room.c src/room/*.c)
LOAD_SRC := $(wildcard tests/bench/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
LUA_SRC  := $(wildcard src/store/lua/*.lua)
SQL_SRC  := $(wildcard sql/*.sql)

obj       = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB      := $(BUILD)/libroom.a
LIB_OBJ  := $(call obj,$(LIB_SRC)) $(BUILD)/obj/gen/lua.o $(BUILD)/obj/gen/sql.o
FCGI     := $(patsubst cgi-bin/%.c,$(BUILD)/%.fcgi,$(wildcard cgi-bin/*.c))
PROGRAMS := $(FCGI) $(if $(ROOM_SRC),$(BUILD)/room)
UNITS    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
REPLAYS  := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
DRIVERS  := $(patsubst tests/%.c,$(BUILD)/%,$(wildcard tests/drivers/*.c))
SOURCES  := $(LIB_SRC) $(ROOM_SRC) $(wildcard cgi-bin/*.c) $(LOAD_SRC) $(UNIT_SRC) $(wildcard tests/fuzz/*.c tests/drivers/*.c)

say  = $(if $(V),,@echo '  $(1)';)
link = $(call say,ld $@)$(CC) $(ALL_LDFLAGS) -o $@ $(1) $(LIB) $(LIBS)

# ---- targets ----

all: $(LIB) $(PROGRAMS)              ## build the two handlers and the room command (the default)

demo:                           ## install what is missing, build, and run everything on this machine
	@tools/demo

test:                           ## install what is missing, build, and run every test (SAN=1: under sanitizers)
	tools/install test
	$(MAKE) -j2 all $(BUILD)/load units
	$(MAKE) unit
	BUILD="$(abspath $(BUILD))" tests/run

units: $(UNITS) $(REPLAYS) $(DRIVERS)

unit: units                     ## build and run the C unit tests, and replay the fuzz corpus
	@BUILD=$(BUILD) tests/unit/run $(UNITS)
	@for f in $(REPLAYS); do echo "replay $${f##*/}"; "$$f" tests/fuzz/corpus/$${f##*/fuzz_} || exit 1; done

valgrind: units                 ## the unit tests under valgrind
	@BUILD=$(BUILD) RUNNER="valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --child-silent-after-fork=yes" tests/unit/run $(UNITS)

fuzz:                           ## fuzz each target for FUZZ_S seconds with clang's libFuzzer
	@tools/fuzz $(FUZZ_S) $(FUZZ_SRC)

bench: all $(BUILD)/load $(BUILD)/drivers/seed ## the figures of the README, as a table
	@BUILD="$(abspath $(BUILD))" tests/bench/run

lint:                           ## layers, format, lengths, clang-tidy, cppcheck
	@CFLAGS="$(ALL_CFLAGS)" tools/lint

format:                         ## clang-format everything in place
	$$(command -v clang-format-14 || command -v clang-format) -i $(SOURCES) $(wildcard src/*/*.h src/*.h tests/*/*.h)

install: all                    ## into DESTDIR and PREFIX (/usr/local)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/reading-room $(DESTDIR)$(PREFIX)/share/reading-room
	install -m 755 $(BUILD)/room $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(FCGI) $(DESTDIR)$(PREFIX)/lib/reading-room/
	install -m 644 lighttpd.conf $(DESTDIR)$(PREFIX)/share/reading-room/
	cp -R web $(DESTDIR)$(PREFIX)/share/reading-room/

uninstall:                      ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/room
	rm -rf $(DESTDIR)$(PREFIX)/lib/reading-room $(DESTDIR)$(PREFIX)/share/reading-room

clean:                          ## remove the build directories
	rm -rf $(BUILD) build build-san build-fuzz

help:                           ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

.PHONY: all demo test units unit valgrind fuzz bench lint format install uninstall clean help

# ---- how things are made ----

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,cc $<)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/gen/lua.c: tools/embed-lua $(LUA_SRC) $(wildcard src/store/lua)
	@mkdir -p $(@D)
	tools/embed-lua src/store/lua > $@.new && mv $@.new $@

$(BUILD)/gen/sql.c: tools/embed-sql $(SQL_SRC) $(wildcard sql)
	@mkdir -p $(@D)
	tools/embed-sql sql > $@.new && mv $@.new $@

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(call say,cc $<)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(call say,ar $@)$(AR) rcs $@ $^

$(BUILD)/%.fcgi: $(BUILD)/obj/cgi-bin/%.o $(LIB)
	$(call link,$<)

$(BUILD)/room: $(call obj,$(ROOM_SRC)) $(LIB)
	$(call link,$(filter %.o,$^))

$(BUILD)/load: $(call obj,$(LOAD_SRC)) $(LIB)
	$(call link,$(filter %.o,$^))

# A unit program that defines __wrap_f gets f replaced by it in every object (ld --wrap).
$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(LIB)
	@mkdir -p $(@D)
	$(call link,$< $$(nm $< | sed -n 's/.* T __wrap_/-Wl,--wrap=/p')) -lcmocka

# Small programs through which tests/**/*.test.mjs reach the library.
$(BUILD)/drivers/%: $(BUILD)/obj/tests/drivers/%.o $(LIB)
	@mkdir -p $(@D)
	$(call link,$<)

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/tests/fuzz/replay.o $(LIB)
	@mkdir -p $(@D)
	$(call link,$(filter %.o,$^))

.SECONDARY:
-include $(patsubst %.c,$(BUILD)/obj/%.d,$(SOURCES))
