"""Every workload by the name that `make bench W=` takes; each module has a `WORKLOAD`."""

from importlib import import_module

from bench.workload import Workload

# In the order of docs/performance.md.
MODULES = {
    "json": "bench.workloads.json_view",
    "rows": "bench.workloads.rows",
    "gather": "bench.workloads.gather",
    "fanout": "bench.workloads.fanout",
    "idle": "bench.workloads.idle",
    "sse": "bench.workloads.sse",
    "storm": "bench.workloads.storm",
}
NAMES = tuple(MODULES)


def load(name: str) -> Workload:
    """Raises KeyError for a name that is none."""
    workload: Workload = import_module(MODULES[name]).WORKLOAD
    return workload
