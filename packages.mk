# The Debian 12 packages Hearth needs: one list, used by `make deps`, the tests and the documentation.

# To build and run.
PACKAGES_BUILD = gcc g++ make pkg-config libmicrohttpd-dev libcurl4-gnutls-dev libgnutls28-dev libsodium-dev \
	libsqlite3-dev libpq-dev libtomlplusplus-dev

# To test, check and measure besides.
PACKAGES_TEST = libcmocka-dev clang clang-tidy clang-format cppcheck libclang-rt-14-dev llvm libubsan1 \
	python3 python3-venv nodejs npm universal-ctags sqlite3 postgresql-15 ca-certificates
