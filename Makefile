# The targets that people and CI call; each one installs what it needs beyond Rust, Node, Python, and a JDK with Maven.

PYTHON ?= python3
VENV = .cache/python
IN_VENV = . $(VENV)/bin/activate &&
WITH_POSTGRES = scripts/with-postgres.sh --
DOMAIN ?= pipeline
# As the linker names it on this system; it exists when `mobile` is made.
MOBILE_LIBRARY = $(wildcard target/debug/libheady_mobile.so target/debug/libheady_mobile.dylib)
KOTLIN_SOURCES = heady-mobile/kotlin/target/generated-sources/uniffi
BINDGEN = target/debug/uniffi-bindgen generate --no-format
# As seen from heady-py, whose rules hold for all of it.
PYTHON_CODE = --config pyproject.toml . ../benches ../examples

.PHONY: run test test-rust test-http test-bindings test-mobile lint fmt node py mobile kotlin swift openapi bench peers docs

## The example pipeline, on SQLite in heady.db
run:
	cargo run --release -- run examples/hcfullpipeline.yaml --registry examples/heady-registry.json --allow cargo

## Every test in every language on both databases
test: node py
	$(WITH_POSTGRES) $(MAKE) test-rust test-bindings
	$(MAKE) test-http test-mobile

test-rust:
	cargo test --quiet

# Half a minute of requests made from the OpenAPI document.
test-http:
	scripts/fuzz-http 30

# A difference in the typings is a change of the API: it is committed, or it is a mistake.
test-bindings:
	cargo build --quiet
	git diff --exit-code -- heady-node/index.d.ts heady-node/index.js heady-py/python/heady/_heady.pyi
	cd heady-node && npm test && npm run --silent typecheck
	$(IN_VENV) cd heady-py && pytest && mypy python tests

test-mobile: kotlin swift
	heady-mobile/kotlin/run-tests
	heady-mobile/swift/run-tests

## The Node package, for this machine
node: heady-node/node_modules/.package-lock.json
	cd heady-node && npm run --silent build:debug

heady-node/node_modules/.package-lock.json: heady-node/package-lock.json
	cd heady-node && npm ci --no-audit --no-fund

## The Python package, into the virtual environment in .cache/python
py: $(VENV)/.complete
	$(IN_VENV) cd heady-py && maturin develop --quiet --generate-stubs

## The library behind Kotlin and Swift, and the program that writes their sources
mobile:
	cargo build --quiet -p heady-mobile --features bindgen

## The Kotlin sources; heady-mobile/kotlin is the Maven project around them
kotlin: mobile
	$(BINDGEN) --language kotlin --out-dir $(KOTLIN_SOURCES) $(MOBILE_LIBRARY)
# The message of an error is its sentence and not a list of its fields, and whoever throws one need not name them all.
	find $(KOTLIN_SOURCES) -name '*.kt' -exec perl -0pi \
		-e 's/get\(\) = "reason=\$$\{ `reason` \}, details=\$$\{ `details` \}"/get() = `reason`/g;' \
		-e 's/(val `details`: \S+\?)(\s+\) : HeadyException\(\))/$$1 = null$$2/g' {} +

## The Swift sources; heady-mobile/swift is the package around them
swift: mobile
	$(BINDGEN) --language swift --out-dir heady-mobile/swift/Sources/Heady/Generated $(MOBILE_LIBRARY)
	mv heady-mobile/swift/Sources/Heady/Generated/*.h heady-mobile/swift/Sources/HeadyFFI

$(VENV)/.complete: heady-py/requirements.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r heady-py/requirements.txt
	touch $@

## Formatting and lints, warnings denied
lint: heady-node/node_modules/.package-lock.json $(VENV)/.complete
	cargo fmt --all --check
	cargo clippy --all-targets -- -D warnings
	cargo clippy -p heady-core -- -D warnings
	cargo clippy -p heady-mobile --features bindgen -- -D warnings
	cargo clippy -p heady-benches --all-targets -- -D warnings
	cargo clippy -p heady-node -- -D warnings
	cargo clippy -p heady-py -- -D warnings
	cd heady-node && npx prettier --config .prettierrc.json --check . ../examples/node ../benches
	$(IN_VENV) cd heady-py && ruff format --check $(PYTHON_CODE) && ruff check $(PYTHON_CODE)
	if command -v cargo-deny >/dev/null; then cargo deny check; else echo "cargo-deny is not installed; CI runs it"; fi

fmt: heady-node/node_modules/.package-lock.json $(VENV)/.complete
	cargo fmt --all
	cd heady-node && npx prettier --config .prettierrc.json --write . ../examples/node ../benches
	$(IN_VENV) cd heady-py && ruff format $(PYTHON_CODE) && ruff check --fix $(PYTHON_CODE)

## The OpenAPI document of `heady serve`
openapi:
	cargo run --quiet -- openapi > openapi.json

## The kernels, alone
bench:
	cargo bench --quiet -p heady-benches

## A peer and us side by side, in one go: make peers DOMAIN=pipeline (or registry, or http)
peers:
	benches/peers/run $(DOMAIN)

## The pages of the Rust API, broken links denied
docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --features heady-core/postgres,heady-core/http -p heady-core
