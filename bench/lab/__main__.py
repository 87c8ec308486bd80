"""`python -m bench.lab [SCENARIO...]`: runs them, rewrites docs/gather.md and prints what was promised."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence

import uvloop

from bench.cores import Cores
from bench.errors import BenchError
from bench.figures import Figure
from bench.lab import kept, trial
from bench.lab.claims import claims
from bench.lab.report import PLOTTED, markdown, write
from bench.lab.scenario import Scenario
from bench.lab.scenarios import SCENARIOS
from bench.mock import Mock
from bench.report import verdicts
from bench.results import Row, Table
from bench.surroundings import databases, upstream


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 where the api answered wrongly or did not run; a promise that was not kept is none."""
    parser = argparse.ArgumentParser(prog="python -m bench.lab", description="Upstreams in trouble.")
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("scenarios", nargs="*", choices=[*names, []], metavar="SCENARIO", help=", ".join(names))
    chosen = parser.parse_args(argv).scenarios or names
    cores = Cores()
    cores.pin_self()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            tables = runner.run(_run([one for one in SCENARIOS if one.name in chosen], cores))
    except BenchError as error:
        print(f"lab: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(verdicts([(name, verdict) for name, verdict in claims(tables) if name in tables]))
    return 0


async def _run(scenarios: Sequence[Scenario], cores: Cores) -> dict[str, Table]:
    databases(cores)
    tables = {}
    async with upstream(cores) as server:
        mock = Mock(server.port)
        try:
            for scenario in scenarios:
                tables[scenario.name] = await _scenario(scenario, mock, cores)
                # What was measured is kept if a later one fails.
                kept.save(tables[scenario.name])
                write(SCENARIOS, kept.load())
        finally:
            mock.close()
    return tables


async def _scenario(scenario: Scenario, mock: Mock, cores: Cores) -> Table:
    started = time.monotonic()
    rows = []
    for variant in scenario.variants:
        found = await trial.run(scenario, variant, mock, cores)
        figures = {key: Figure.of([value]) for key, value in found.items()}
        rows.append(Row(variant.name, "", variant.kind, figures))
    table = Table(scenario.name, scenario.title, PLOTTED, rows)
    print(f"\n{scenario.title}\n\n{markdown(table)}\n", flush=True)
    print(f"lab: {scenario.name} took {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return table


if __name__ == "__main__":
    sys.exit(main())
