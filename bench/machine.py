"""What the figures were measured on, without names of hosts or places."""

import os
import platform
from pathlib import Path

from bench.cores import usable_cores

# Of the last minute, when this process started: what else the machine does makes figures wider.
LOAD_BEFORE = os.getloadavg()[0]
BUSY = 1.0


def describe() -> dict[str, str]:
    """CPU, cores, memory, kernel, Python, and how busy the machine was before the run."""
    return {
        "CPU": _field("/proc/cpuinfo", "model name"),
        "cores": str(len(usable_cores())),
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.1f} GB",
        "kernel": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "Python": platform.python_version(),
        "load before": f"{LOAD_BEFORE:.1f}",
    }


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"
