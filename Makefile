# Everything that one does with Lookout. Each target prints what it does and how long it took; what takes more than a
# line is in scripts/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
LOOKOUT := ./lookout

##@ Run

.PHONY: up
up: ## Start the stack, or bring a running one up to date; prints where everything is
	@scripts/up.sh

.PHONY: down
down: ## Stop the stack; all data stays
	@scripts/stack.sh down

.PHONY: status
status: ## Which part runs, and is it well
	@scripts/stack.sh status

.PHONY: logs
logs: ## Follow the containers' log lines (SERVICE=name for one)
	@scripts/stack.sh logs $(SERVICE)

.PHONY: secrets
secrets: ## Make the secrets that can be made, ask for those only you have
	@$(LOOKOUT) secrets --ask

##@ Change services.yaml

.PHONY: check
check: ## Check services.yaml and all that it renders to, with the tools' own checkers
	@$(LOOKOUT) check

.PHONY: render
render: ## Render services.yaml
	@$(LOOKOUT) render

.PHONY: plan
plan: ## Show what apply would change, in the files and in the running stack
	@$(LOOKOUT) plan

.PHONY: apply
apply: ## Render, check, write, and make the running stack follow
	@$(LOOKOUT) apply

##@ Move to another version

.PHONY: upgrade
upgrade: ## Take a newer Lookout into this clone (VERSION=v1.2.3 for another one; BACK=1 undoes it)
	@VERSION='$(VERSION)' BACK='$(BACK)' YES='$(YES)' KEEP='$(KEEP)' scripts/upgrade.sh

##@ Work on Lookout

.PHONY: test
test: ## All that guards a change: lint, tests, coverage, freshness, the whole stack end to end
	@scripts/test.sh

.PHONY: docs
docs: ## Make the pages and tables about the product: docs/reference/, the library's rules
	@scripts/docs.sh

.PHONY: picture
picture: ## Draw the README's picture, when what it shows has changed
	@scripts/picture.sh

.PHONY: mutants
mutants: ## Make every alert wrong in every way; its proof has to notice (PACK=name for one)
	@scripts/mutants.sh $(PACK)

.PHONY: marks
marks: ## Prove rules as they are by default, for everybody's first check (after a change of a pack)
	@scripts/marks.sh

.PHONY: soak
soak: ## The same as test, with larger numbers
	@LOOKOUT_SOAK=1 scripts/test.sh

.PHONY: release
release: ## Check, write the version, commit and tag (VERSION=1.2.3, REPOSITORY=https://…)
	@scripts/release.sh "$(VERSION)" "$(REPOSITORY)"

.PHONY: clean
clean: ## Remove the stack and all that it has stored (CONFIRM=yes)
	@scripts/stack.sh clean $(CONFIRM)

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-8s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)
