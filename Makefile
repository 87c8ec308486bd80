# Every target works in a fresh clone: what it needs is installed into .venv first (see scripts/bootstrap).
.DEFAULT_GOAL := help
.PHONY: k8s-up k8s-down k8s-logs k8s-backup k8s-restore k8s-rotate-key k8s-e2e k8s-test k8s-chaos k8s-lint
.PHONY: help run stop status test check lint types fmt e2e browser e2e-browser screenshots chaos up down logs psql backup \
    restore roll base-images containers chaos-containers sbom bench bench-check lab django-tests protocol snapshots lock \
    check-locks clean

# If it is exported, every process compiles Django anew: a second each, and a run of all suites starts some hundred.
unexport PYTHONDONTWRITEBYTECODE

DEVSTACK := env PYTHONPATH=devstack .venv/bin/python -m devstack
KUBERNETES := env PYTHONPATH=deploy .venv/bin/python -m kubernetes

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## the whole stack without Docker, until Ctrl-C (ARGS=--detach: in the background)
	@scripts/bootstrap run
	@$(DEVSTACK) run $(ARGS)

stop: ## stop what `make run` started
	@scripts/bootstrap run
	@$(DEVSTACK) stop

status: ## its processes and their health
	@scripts/bootstrap run
	@$(DEVSTACK) status

test: ## every suite, side by side: lint, types, tests, end to end, browser (S="realtime e2e" SEED= COVERAGE=1)
	@scripts/bootstrap dev
	@$(if $(COVERAGE),COVERAGE=$(COVERAGE)) scripts/test $(if $(SEED),--seed $(SEED)) $(S)

check: ## format, lint, types, and the quick tests that your change can affect (BASE=: compared with this commit)
	@scripts/bootstrap dev
	@scripts/test --check $(if $(BASE),--base $(BASE)) $(if $(SEED),--seed $(SEED))

lint: ## ruff, import-linter, Django's deployment checks, missing migrations, the manifests of Kubernetes
	@scripts/bootstrap dev
	@$(DEVSTACK) exec -- scripts/lint
	@deploy/kubernetes/lint

types: ## mypy --strict
	@scripts/bootstrap dev
	@scripts/types

fmt: ## format, and fix what ruff can fix
	@scripts/bootstrap dev
	@.venv/bin/ruff check -q --fix --exit-zero .
	@.venv/bin/ruff format .

e2e: ## the end-to-end suite against API_URL, REALTIME_URL and UPSTREAM_URL (default: what `make run` started)
	@scripts/bootstrap dev
	@scripts/e2e $(ARGS)

browser: ## install what the browser suite needs: Chromium by apt-get where it is missing, axe-core by npm
	@scripts/bootstrap dev
	@scripts/browser

e2e-browser: ## the console in a real browser, against what `make run` started or a stack of its own
	@scripts/bootstrap dev
	@scripts/e2e-browser $(ARGS)

screenshots: ## docs/images/console-*.png, from a stack of its own
	@scripts/bootstrap dev
	@$(DEVSTACK) stack -- scripts/e2e-browser --screenshots -k test_screenshots

chaos: ## kill, freeze and cut everything under load, and check that nothing is lost (SEED= DURATION= ONLY= STOCK=1)
	@scripts/bootstrap dev
	@SEED=$(SEED) DURATION=$(DURATION) ONLY="$(ONLY)" RATE=$(RATE) HEAL=$(HEAL) STRICT=$(STRICT) STOCK=$(STOCK) scripts/chaos

django-tests: ## Django's own tests of its ASGI handler, against ours
	@scripts/bootstrap dev
	@scripts/django-tests

protocol: ## write docs/asyncapi.json and the table of close codes in docs/protocol.md from the code
	@scripts/bootstrap dev
	@.venv/bin/python scripts/protocol.py

snapshots: ## write the files of tests/snapshots, which have the paths, metrics, variables, ... of both services
	@scripts/bootstrap dev
	@.venv/bin/python -m tests.snapshots.snapshots

bench: ## every workload beside its peers, into docs/performance.md (W="json rows" ROUNDS= SECONDS=)
	@scripts/bootstrap dev
	@scripts/bench-venv
	@scripts/node-packages bench/peers/node
	@$(DEVSTACK) exec -- .venv/bin/python -m bench $(W) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))

bench-check: ## a short run; compares its ratios with the committed ones and writes nothing
	@scripts/bootstrap dev
	@scripts/bench-venv
	@scripts/node-packages bench/peers/node
	@$(DEVSTACK) exec -- .venv/bin/python -m bench --check $(W)

lab: ## the gather view against upstreams in trouble, with and without each mechanism, into docs/gather.md (S="tail hang")
	@scripts/bootstrap dev
	@$(DEVSTACK) exec -- .venv/bin/python -m bench.lab $(S)

up: ## the whole stack in containers, behind http://localhost:8080 (ARGS="--scale realtime=4")
	@deploy/containers/up $(ARGS)

down: ## stop it; the data stays (ARGS=-v: that goes too)
	@docker compose down $(ARGS)

logs: ## follow the logs of the containers (S=api: of one service)
	@docker compose logs -f --tail 100 $(S)

psql: ## a SQL prompt in the containers' database
	@docker compose exec postgres psql -U postgres millrace $(ARGS)

backup: ## the containers' database into backups/ (FILE=...)
	@deploy/containers/backup $(FILE)

restore: ## the containers' database as it was (FILE=backups/...)
	@deploy/containers/restore $(FILE)

roll: ## replace a service's containers one after the other, without a failed request (S=api or S=realtime)
	@deploy/containers/roll $(S)

base-images: ## build the base images from Debian packages, where no container registry can be reached
	@deploy/base-images/build $(ARGS)

containers: ## a stack in containers of its own, the end-to-end suite through its gateway, and the containers' own suite
	@scripts/bootstrap dev
	@deploy/containers/check

chaos-containers: ## the faults on containers: kill, crash, pause and cut each one, through the gateway (SEED= ONLY= DURATION=)
	@scripts/bootstrap dev
	@SEED=$(SEED) DURATION=$(DURATION) ONLY="$(ONLY)" RATE=$(RATE) HEAL=$(HEAL) \
	    deploy/containers/own-stack deploy/containers/chaos

k8s-up: ## the whole stack on the cluster that kubectl reaches (K8S_COMPONENTS= K8S_URL= K8S_LOAD= REGISTRY= K8S_CONTEXT=)
	@scripts/bootstrap dev
	@$(KUBERNETES) up $(ARGS)

k8s-down: ## stop it; the data stays (ARGS=--volumes: that goes too)
	@scripts/bootstrap dev
	@$(KUBERNETES) down $(ARGS)

k8s-logs: ## follow the logs of its pods (S=api: of one service)
	@scripts/bootstrap dev
	@$(KUBERNETES) logs $(S)

k8s-backup: ## its database into backups/ (FILE=...)
	@scripts/bootstrap dev
	@$(KUBERNETES) backup $(FILE)

k8s-restore: ## its database as it was (FILE=backups/...)
	@scripts/bootstrap dev
	@$(KUBERNETES) restore $(FILE)

k8s-rotate-key: ## change the signing key in two steps, each with a rollout (STEP=next, then STEP=use)
	@scripts/bootstrap dev
	@$(KUBERNETES) rotate-key $(STEP)

k8s-e2e: ## the end-to-end suite through its gateway (needs K8S_COMPONENTS=testing; API_URL= UPSTREAM_URL= METRICS_URL=)
	@scripts/bootstrap dev
	@deploy/kubernetes/e2e $(ARGS)

k8s-test: ## the cluster suite: rollouts, drains, dying nodes, policies, rollbacks under load (RATE= SOCKETS= ARGS="-k drain")
	@scripts/bootstrap dev
	@RATE=$(RATE) SOCKETS=$(SOCKETS) deploy/kubernetes/test $(ARGS)

k8s-chaos: ## the faults on pods and nodes, under load, with the checker of `make chaos` (K8S_NODES= SEED= ONLY=)
	@scripts/bootstrap dev
	@SEED=$(SEED) DURATION=$(DURATION) ONLY="$(ONLY)" RATE=$(RATE) HEAL=$(HEAL) KUBERNETES=1 scripts/chaos

k8s-lint: ## render every set of manifests, validate it for 1.34, 1.36 and 1.37, and check our own rules; needs no cluster
	@scripts/bootstrap dev
	@deploy/kubernetes/lint

sbom: ## CycloneDX bills of materials of the services' images, from their locks, into sbom/
	@scripts/bootstrap dev
	@scripts/sbom

lock: ## write locks/ anew, keeping versions (UPGRADE=1: the newest)
	@UPGRADE=$(UPGRADE) scripts/lock

check-locks: ## fail where locks/ does not match the pyproject.toml files
	@scripts/lock --check

clean: ## remove .venv, caches and reports; .data/ stays
	@rm -rf .venv .cache .coverage* htmlcov .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find libs services deploy tests bench -name __pycache__ -prune -exec rm -rf {} +
