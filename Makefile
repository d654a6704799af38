# Needs Python 3.11 with pip, git and make. Everything that is built goes to .work/.
# Every target does its own set-up; the second time that costs nothing.

PYTHON ?= python3.11

WORK := $(CURDIR)/.work
PY := $(WORK)/venv/bin/python
PY216 := $(WORK)/venv216/bin/python
LINK := $(WORK)/collections/ansible_collections/dbops/oracle_sessions
READY := $(WORK)/venv/.ready $(LINK)
READY216 := $(WORK)/venv216/.ready $(LINK)

HOST_PATH := $(PATH)
export PATH := $(WORK)/venv/bin:$(PATH)
# so that `import servers` works in scripts, as it does in tests
export PYTHONPATH := $(CURDIR)/tests
export LC_ALL := C.UTF-8
export ANSIBLE_CONFIG := $(CURDIR)/tests/ansible.cfg
# a play that finds no host is no success
export ANSIBLE_HOST_PATTERN_MISMATCH := error
# roles must do with ansible_facts
export ANSIBLE_INJECT_FACT_VARS := false
export ANSIBLE_HOME := $(WORK)/ansible
export ANSIBLE_COLLECTIONS_PATH := $(WORK)/collections
export HYPOTHESIS_STORAGE_DIRECTORY := $(WORK)/hypothesis
export MYPY_CACHE_DIR := $(WORK)/mypy

# Tests that talk to a server wait most of the time: two files at once, each with servers of its own.
SPREAD := -n 2 --dist loadfile

# Otherwise one thing at a time: a busier machine than that makes waits longer than tests allow.
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test unit integration oracle contract-2.16 molecule sanity sanity-2.16 lint format docs-lint changelog-lint package bench clean

help: ## this list
	@grep -E '^[a-z0-9.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(READY) ## watch the collection act among rogue and innocent sessions
	$(PY) tests/demo/demo.py

test: lint docs-lint changelog-lint unit integration contract-2.16 molecule sanity sanity-2.16 package ## all of the following, up to package

# what runs on database hosts is tried with their Python 3.6, which the oldest ansible-core still knows
unit: $(READY) $(READY216) ## pure code
	$(PY) -m pytest -n 2 tests/unit

integration: $(READY) ## modules and roles against a real server
	$(PY) -m pytest $(SPREAD) tests/integration

oracle: $(READY) ## the Oracle dialect alone; against a real database where ORACLE_SESSIONS_TEST_DSN, _USER and _PASSWORD are set
	$(PY) -m pytest tests/integration/oracle tests/integration/contract -k oracle

contract-2.16 sanity-2.16: export PATH := $(WORK)/venv216/bin:$(PATH)
contract-2.16: $(READY216) ## the contract tests on the oldest supported ansible-core
	$(PY216) -m pytest $(SPREAD) tests/integration/contract

molecule: $(READY) ## roles and playbooks, as a user runs them
	molecule test --all --report

sanity: $(READY) ## ansible-test sanity
	$(PY) tests/sanity/run.py

sanity-2.16: $(READY) $(READY216) ## the same on the oldest supported ansible-core
	$(PY) tests/sanity/run.py

# its own inventory has none of the groups that molecule's plays name
lint: export ANSIBLE_HOST_PATTERN_MISMATCH := warning
lint: $(READY) ## style and types
	ruff check
	ruff format --check
	yamllint --strict .
	ansible-lint --strict
	vermin --no-tips --quiet --eval-annotations --target=3.6- plugins/modules/server_process_kill.py plugins/module_utils/server_process
	cd $(WORK)/collections && mypy --config-file $(CURDIR)/pyproject.toml -p ansible_collections.dbops.oracle_sessions.plugins.module_utils

# antsibull-docs writes a log into the home directory
docs-lint: $(READY) ## documentation of modules, roles and filters
	mkdir -p $(WORK)/home
	HOME=$(WORK)/home antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self .

changelog-lint: $(READY) ## changelog fragments
	antsibull-changelog lint

package: export ANSIBLE_COLLECTIONS_PATH := $(WORK)/install
package: $(READY) ## build the tarball, install it, run what was installed
	rm -rf $(WORK)/dist $(WORK)/install
	ansible-galaxy collection build --output-path $(WORK)/dist
	ansible-galaxy collection install --offline -p $(WORK)/install $(WORK)/dist/*.tar.gz
	$(PY) tests/package/check_installed.py $(WORK)/dist/*.tar.gz

bench: $(READY) ## how fast it is, and how long the window between look and act
	$(PY) tests/bench/bench.py
	$(PY) tests/bench/bench_oracle.py

format: $(READY) ## put the Python files into shape
	ruff check --fix
	ruff format

clean: ## remove all that was built
	rm -rf $(WORK)

# Built anew when the requirements change, by the Python and the pip of the machine: some distributions leave ensurepip
# out of venv.
$(WORK)/venv/.ready $(WORK)/venv216/.ready: export PATH := $(HOST_PATH)
$(WORK)/venv/.ready: requirements/main.txt
$(WORK)/venv216/.ready: requirements/core-2.16.txt
$(WORK)/venv/.ready $(WORK)/venv216/.ready:
	$(PYTHON) -m venv --clear --without-pip $(@D)
	$(PYTHON) -m pip --python $(@D)/bin/python install --quiet --disable-pip-version-check -r $<
	touch $@

$(LINK):
	mkdir -p $(@D)
	ln -sfn $(CURDIR) $@
