"""Workloads beside their peers in one run: see README.md."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
# Logs of the servers, and what belongs to one run only.
CACHE = ROOT / ".cache" / "bench"
