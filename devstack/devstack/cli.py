"""The command line."""

import argparse
import asyncio
import errno
import sys
from pathlib import Path

from devstack import control, running, temporary
from devstack.output import Output, StackError
from devstack.services import ROOT
from devstack.state import DataDirectory


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code."""
    options = _parser().parse_args(argv)
    # A command's own output belongs on stdout.
    out = Output(sys.stderr if options.action in {"exec", "stack"} else sys.stdout)
    failures = Output(sys.stderr) if options.action == "urls" else out
    try:
        if options.action == "run" and options.detach:
            return running.detach(DataDirectory(options.data), out, _background(options))
        return asyncio.run(_dispatch(options, out))
    except StackError as error:
        failures.fail(str(error), error.detail)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            failures.fail("the disk is full; free some space and start again: nothing acknowledged is lost")
        else:
            failures.fail(str(error))
    return 1


async def _dispatch(options: argparse.Namespace, out: Output) -> int:
    directory = DataDirectory(options.data)
    match options.action:
        case "run":
            return await running.run(directory, out, demo=options.demo)
        case "stop":
            return await control.stop(directory, out)
        case "status":
            return await control.status(directory, out)
        case "urls":
            return await control.urls(directory, out)
        case _:
            command = options.command[options.command[:1] == ["--"] :]
            if not command:
                raise StackError(f"which command? python -m devstack {options.action} -- CMD ...")
            return await temporary.run_command(command, out, services=options.action == "stack", demo=True)


def _background(options: argparse.Namespace) -> list[str]:
    return ["run", "--data", str(options.data), *([] if options.demo else ["--no-demo"])]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack", description="The complete stack without Docker.")
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run", help="start everything and keep it up until Ctrl-C")
    run.add_argument("--detach", action="store_true", help="in the background; returns when all is healthy")
    run.add_argument("--no-demo", dest="demo", action="store_false", help="no demo data, logins or guests")
    stop = actions.add_parser("stop", help="stop the stack that runs")
    status = actions.add_parser("status", help="its processes; exit code 3 where none runs")
    urls = actions.add_parser("urls", help="its addresses, as `export` lines")
    own = actions.add_parser("exec", help="run a command with its own PostgreSQL and Valkey")
    stack = actions.add_parser("stack", help="run a command with its own complete stack")
    for with_command in (own, stack):
        with_command.add_argument("command", nargs=argparse.REMAINDER)
    for action in (run, stop, status, urls, own, stack):
        action.add_argument("--data", type=Path, default=ROOT / ".data", help="where data, logs and state live")
    return parser
