# Every target is one line; what it does is in scripts/.

.PHONY: demo test check golden fuzz man bench bench-quick bench-batch bench-micro install

demo: ## Build, convert a real archive both ways, show that the image ID is unchanged
	cargo build --release --locked
	scripts/demo "$${CARGO_TARGET_DIR:-target}/release/transload"

test: check ## Install what the tests need (Debian, as root) and run everything that CI runs

check:
	scripts/install-engines
	scripts/check

golden: ## Rewrite the golden files; review them like code
	UPDATE_GOLDEN=1 cargo test --locked --test it -- determinism golden

SECONDS = 60

fuzz: ## Fuzz every target for a while: make fuzz SECONDS=600; scripts/fuzz says what it needs
	scripts/fuzz $(SECONDS)

man: ## Write the manual pages to target/man
	cargo run --locked --quiet -- man target/man

bench: ## Measure everything against skopeo and write benches/RESULTS.md; see scripts/bench --help
	scripts/bench

bench-batch: ## Measure batches against a loop of skopeo and write benches/BATCH.md; takes 35 GB of disk
	cargo build --release --locked
	scripts/bench-batch

bench-quick: ## Measure the ordinary image only: under 5 minutes, when the images are there
	scripts/bench --quick

bench-micro: ## Measure the parts one by one
	cargo bench --locked --bench micro

install: ## Install the command into ~/.cargo/bin
	cargo install --locked --path .
