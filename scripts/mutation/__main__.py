"""The command behind `scripts/mutants`."""

import json
import re
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

from mutation import operators, trial
from mutation.operators import Mutant
from mutation.trial import ROOT, Module

# One test may take as long as all tests together do without a mutation, but no less than this, in seconds.
_AT_LEAST = 5.0


def modules() -> dict[str, Module]:
    """All of modules.toml."""
    found = tomllib.loads(Path(__file__).with_name("modules.toml").read_text())
    return {
        name: Module(
            name,
            ROOT / one["source"],
            one["tests"],
            one.get("settings"),
            one.get("accepted", {}),
            one.get("methods", []),
        )
        for name, one in found.items()
    }


def mutants_of(module: Module, source: str) -> list[Mutant]:
    """The mutants of a module in either language."""
    python = module.source.suffix == ".py"
    return operators.of_python(source) if python else operators.of_javascript(source, module.methods)


def seconds_unmutated(module: Module, source: str) -> float:
    """How long the tests take, which must pass: once from nothing, once with all imported that they need."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = Path(folder) / "loaded.json"
        for _ in range(2):
            sound = trial.run(module, source, 100, loaded)
            if sound.status != 0:
                sys.exit(f"{module.name}: its tests fail without a mutation:\n{loaded.with_suffix('.log').read_text()}")
            trial.preload(json.loads(loaded.read_text()))
    return sound.seconds


def judge(module: Module, changes: set[str]) -> Counter[str]:
    """Try each mutant, or only those of `changes`, and print those that survive; how many had which outcome."""
    source = module.source.read_text()
    limit = max(_AT_LEAST, seconds_unmutated(module, source))
    counts: Counter[str] = Counter()
    for mutant in mutants_of(module, source):
        if changes and mutant.change not in changes:
            continue
        killed = trial.run(module, mutant.source, limit).status != 0
        outcome = "killed" if killed else "accepted" if mutant.change in module.accepted else "survived"
        counts[outcome] += 1
        if outcome == "survived":
            print(f"survived: {module.name}:{mutant.line}: {mutant.change}", flush=True)
    return counts


def row(name: str, counts: Counter[str]) -> str:
    """A row of the table; the score is the share of the mutants that are not accepted which a test kills."""
    judged = counts["killed"] + counts["survived"]
    score = f"{100 * counts['killed'] / judged:.0f} %" if judged else ""
    return f"| {name} | {counts.total()} | {counts['killed']} | {counts['accepted']} | {counts['survived']} | {score} |"


def survivors(output: str) -> dict[str, set[str]]:
    """The changes of each module that survived in an earlier run, by what it printed."""
    found: dict[str, set[str]] = {}
    for name, change in re.findall(r"^survived: (.+?):\d+: (.*)$", output, re.MULTILINE):
        found.setdefault(name, set()).add(change)
    return found


def main(arguments: list[str]) -> int:
    """Judge the chosen modules; 1 if a mutant survives that modules.toml does not accept."""
    known = modules()
    chosen: dict[str, set[str]] = {name: set() for name in arguments or known}
    if arguments[:1] == ["--again"]:
        chosen = survivors(Path(arguments[1]).read_text())
    if unknown := chosen.keys() - known.keys():
        sys.exit(f"unknown module {', '.join(unknown)}; there are: {', '.join(known)}")
    rows, survived = [], 0
    for name, changes in chosen.items():
        counts = judge(known[name], changes)
        rows.append(row(name, counts))
        print(rows[-1], flush=True)  # the whole table may take long
        survived += counts["survived"]
    print(
        "\n| module | mutants | killed | accepted | survived | score |\n| --- | --- | --- | --- | --- | --- |",
        *rows,
        sep="\n",
    )
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
