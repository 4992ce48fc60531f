# `make` alone lists the targets. Everything runs in a virtual environment of its own: .venv
PYTHON ?= python3
VENV ?= .venv
# ci instead of dev: what WX_REQUIRE_* ask for, too
EXTRAS ?= dev
comma := ,
INSTALLED = $(VENV)/installed-$(subst $(comma),-,$(EXTRAS))
# The suite on every core, or what TESTS names of it, file by file: what the tests of a file share is
# made once. What ARGS names runs on one core. MORE is for CI: options beside either. Nobody knows the
# number of tests before the last file begins, so there are no percentages.
ON_ALL_CORES = -n auto --dist loadfile --no-loadscope-reorder -p tests.whole_files \
	-o console_output_style=classic
PYTEST = pytest $(MORE) $(or $(ARGS),$(ON_ALL_CORES) $(TESTS))
# Tests wait for sockets and processes: two workers a core keep all cores busy.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))
# Without bytecode, each of the hundred processes that the tests start would compile all modules.
unexport PYTHONDONTWRITEBYTECODE
BIN = $(VENV)/bin
INSTALL ?= $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help

.PHONY: help
help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(INSTALLED): setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade pip
	@# PYTHONWARNINGS: setuptools warns at every editable install
	PYTHONWARNINGS=ignore $(INSTALL) --editable '.[$(EXTRAS)]' $(EXTRA)
	touch $@

.PHONY: venv
venv: $(INSTALLED)  ## the virtual environment, with the app and its tools

.PHONY: demo
demo: venv  ## the main job on the embedded emulator; ONCE=1 ends after printing
	cd example_project && $(abspath $(BIN))/python demo.py $(if $(ONCE),--once)

.PHONY: rollout
rollout: venv  ## a release for forty tenants in waves, with two workers of Celery: no service needed
	cd example_project && $(abspath $(BIN))/python rollout.py

.PHONY: test
test: venv  ## the test suite
	$(BIN)/python -m $(PYTEST)

.PHONY: lint
lint: venv  ## ruff, and the migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m django makemigrations --check --dry-run wx_static_store wx_static_store_callback wx_static_store_rollouts wx_static_store_health \
		|| { echo "A model has no migration: run the same without --check --dry-run, and commit the file."; exit 1; }

.PHONY: audit
audit:  ## bandit: calls that are often a weakness; pyproject.toml has the exceptions
	$(MAKE) venv EXTRAS=ci
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml wx_static_store

.PHONY: types
types: venv  ## mypy, strict
	$(BIN)/mypy

.PHONY: check
check: lint types  ## lint, types, and the tests of what changed against main: under two minutes
	$(BIN)/python -m tests.changed

.PHONY: figures
figures: venv  ## lines, arrows between folders, short functions, comments
	@$(BIN)/python -m tests.figures

.PHONY: coverage
coverage: venv  ## the test suite with branch coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# What is damaged must not slip through between few random examples.
sabotage mutants proof: export WX_ALL_EXAMPLES = 1
# Those that take a while catch some of it, too.
sabotage proof: export WX_SLOW = 1

.PHONY: sabotage
sabotage: venv  ## damage a copy in many small ways: each must turn a test red
	$(BIN)/python -m tests.sabotage.run $(ARGS)

.PHONY: mutants
mutants:  ## damage each line: what do the tests miss? ARGS=core/retry; SAMPLE=1 for CI; goes on where it stood
	$(MAKE) venv VENV=.venv-mutants EXTRAS=dev,mutants
	.venv-mutants/bin/python -m tests.mutants $(if $(SAMPLE),--sample) $(ARGS)

# What the emulator, which knows no Django, shows to people: the names of what takes such a text.
EMULATOR_TEXTS = -k -ktranslate -kmarked -kBadInput -kunknown -kKind -k_option:2 -k_quirk:2 -k_refusal
EMULATOR_CATALOGUE = locale/zh/LC_MESSAGES/emulator.po

.PHONY: messages
messages: venv  ## the Chinese catalogues, brought up to date (needs gettext)
	cd wx_static_store && $(abspath $(BIN))/django-admin makemessages -l zh_Hans --add-location file --no-obsolete
	cd wx_static_store/emulator && xgettext $(EMULATOR_TEXTS) --from-code UTF-8 --add-location=file -o - *.py | sed s/CHARSET/UTF-8/ \
		| msgmerge --quiet --update --backup=none --previous $(EMULATOR_CATALOGUE) - \
		&& msgattrib --no-obsolete -o $(EMULATOR_CATALOGUE) $(EMULATOR_CATALOGUE)
	@# Their time would change them each time, and collide in each merge.
	perl -i -ne 'print unless /^"POT-Creation-Date/' $$(git ls-files 'wx_static_store/*.po')
	cd wx_static_store && $(abspath $(BIN))/django-admin compilemessages

SPHINX = $(BIN)/sphinx-build -q -W -n --keep-going

.PHONY: docs
docs:  ## the documentation in English and Chinese: docs/_build/html/index.html
	$(MAKE) venv EXTRAS=docs
	@# -a, all pages: Sphinx forgets the index entries of a page that it does not write
	$(SPHINX) -a docs docs/_build/html/en
	$(SPHINX) -a -D language=zh_CN docs docs/_build/html/zh
	cp docs/languages.html docs/_build/html/index.html

.PHONY: docs-serve
docs-serve: docs  ## the documentation at http://127.0.0.1:8800/
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory docs/_build/html 8800

.PHONY: pictures
pictures:  ## the pictures of the documentation, taken in the running example (Debian: chromium, chromium-l10n)
	$(MAKE) venv EXTRAS=ci
	$(BIN)/python docs/pictures.py en
	$(BIN)/python docs/pictures.py zh-CN

.PHONY: docs-messages
docs-messages:  ## the Chinese catalogues of the documentation, brought up to date
	$(MAKE) venv EXTRAS=docs
	$(SPHINX) -b gettext docs docs/_build/gettext
	$(BIN)/sphinx-intl update -p docs/_build/gettext -l zh_CN -d docs/locale

.PHONY: dist
dist:  ## the wheel, which README.rst installs, and the source archive, the same bytes each time: in dist/
	$(MAKE) venv VENV=.venv-dist EXTRAS=dist
	rm -rf dist
	export SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct || date +%s)}; \
		.venv-dist/bin/python -m build && .venv-dist/bin/python .ci/same_bytes.py dist/*.tar.gz

.PHONY: release
release: dist  ## the same with its parts list, judged as an index and its readers do; CONTRIBUTING.rst
	$(MAKE) venv VENV=.venv-release EXTRAS=release
	$(MAKE) sbom judge BIN=.venv-release/bin

# What one wheel brings into an empty environment. `ci` has the tools of both targets, too.
.PHONY: sbom
sbom:
	rm -rf .venv-sbom && $(PYTHON) -m venv --without-pip .venv-sbom
	$(BIN)/python -m pip --python .venv-sbom install --quiet dist/*.whl
	@# where pip found the wheel: a folder of this machine
	rm .venv-sbom/lib/python3.*/site-packages/wx_static_store-*/direct_url.json
	$(BIN)/cyclonedx-py environment --output-reproducible --output-file dist/sbom.cdx.json .venv-sbom

.PHONY: judge
judge:
	$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/pyroma --min 10 dist/*.tar.gz

.PHONY: nightly
nightly: venv  ## what takes too long for each run of CI (15 minutes); PART=3 is one of its eleven parts
	$(BIN)/python -m tests.nightly $(PART)

.PHONY: fuzz
fuzz:  ## random pushes at the callback, FOR=60 seconds of them
	$(MAKE) venv VENV=.venv-fuzz EXTRAS=dev,fuzz
	.venv-fuzz/bin/python -m tests.callback.fuzz -max_total_time=$(or $(FOR),60)

.PHONY: soak
soak: venv  ## random runs, faults and kills, judged by a checker of its own: SEED=1 FOR=600
	$(BIN)/python -m tests.soak --seed $(or $(SEED),1) --for $(or $(FOR),600) $(ARGS)

.PHONY: soak-deploy
soak-deploy: venv  ## killed deploys and roll backs, watched for a page that is mixed: SEED=1 RUNS=200
	$(BIN)/python -m tests.soak.deploys --seed $(or $(SEED),1) --runs $(or $(RUNS),200)

.PHONY: soak-prune
soak-prune: venv  ## deploys and prunes at once, killed at random: no byte may be lost: SEED=1 ROUNDS=500
	$(BIN)/python -m tests.soak.prunes --seed $(or $(SEED),1) --rounds $(or $(ROUNDS),500) $(ARGS)

.PHONY: soak-waiting
soak-waiting: venv  ## saves that wait while the cloud comes and goes, killed at random: SEED=1 FOR=120
	$(BIN)/python -m tests.soak.waiting --seed $(or $(SEED),1) --for $(or $(FOR),120) $(ARGS)

.PHONY: bench
bench:  ## how fast it is, against a limit and its peers; ARGS="--only b,d --quick"
	$(MAKE) venv VENV=.venv-bench EXTRAS=deploy,bench
	@# a peer that cannot be installed is told in the table
	-$(MAKE) venv VENV=.venv-bench EXTRAS=deploy,bench,peers
	.venv-bench/bin/python -m benchmarks $(ARGS)

.PHONY: proof
proof:  ## faults, bad inputs, kills, databases and sabotage: writes docs/explanation/proof.rst
	$(MAKE) venv EXTRAS=ci
	$(BIN)/python -m tests.proof

.PHONY: clean
clean:  ## remove what the other targets made
	rm -rf $(VENV) build dist docs/_build *.egg-info .coverage htmlcov .pytest_cache .mypy_cache .ruff_cache example_project/var
