# make test: everything that is checked by running, from a fresh clone on Debian 12.

.PHONY: test interop build tools

# Interop runs first, so that the results of cargo test are the last lines. The stores are tested with
# real databases.
test: interop
	tests/stores/with cargo test --locked

# Real peers: a certified identity provider and a real CMS.
interop: build
	tests/interop/run

# Builds the program as the tests use it: a plain build would build half of the crates twice, because
# those of the tests have more features.
build: tools
	cargo test --locked --no-run

# Installs what is missing.
tools:
	tests/tools
	tests/browser/prepare
