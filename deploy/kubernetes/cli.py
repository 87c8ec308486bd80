"""The command line: `python -m kubernetes up|down|logs|backup|restore|rotate-key`, run by the Makefile's targets."""

import argparse
import subprocess
import sys
from pathlib import Path

from kubernetes import database, deploy, images, removal, secret_files
from kubernetes.kubectl import Failed
from kubernetes.target import Target


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code. A failure is one sentence, with the last events of the object that it names."""
    options = _parser().parse_args(argv)
    try:
        return _run(options)
    except Failed as failed:
        for line in failed.detail:
            print(f"  | {line}", file=sys.stderr)
        print(f"k8s-{options.action}: {failed}", file=sys.stderr)
        return 1
    except subprocess.TimeoutExpired as late:
        print(f"k8s-{options.action}: `{late.cmd[0]}` did not end within {late.timeout:.0f} s", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace) -> int:
    target = Target.from_environment()
    target.check()
    match options.action:
        case "up":
            deploy.up(target)
        case "down":
            removal.down(target, volumes=options.volumes)
        case "logs":
            return target.kubectl.follow(options.service)
        case "backup":
            print(database.backup(target, options.file))
        case "restore":
            database.restore(target, options.file)
        case "rotate-key":
            secret_files.rotate(target, options.step)
            deploy.deploy(target)
        case "load":
            images.load(target, options.image)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kubernetes", description="The stack on Kubernetes.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("up", help="build, deploy, wait until it is ready")
    down = actions.add_parser("down", help="remove what runs; the data stays")
    down.add_argument("--volumes", action="store_true", help="remove the data and the namespace too")
    logs = actions.add_parser("logs", help="follow the logs")
    logs.add_argument("service", nargs="?", default="")
    backup = actions.add_parser("backup", help="the database into a file")
    backup.add_argument("file", nargs="?", type=Path)
    restore = actions.add_parser("restore", help="the database from a file")
    restore.add_argument("file", type=Path)
    rotate = actions.add_parser("rotate-key", help="change the signing key: next, then use")
    rotate.add_argument("step", choices=["next", "use"])
    load = actions.add_parser("load", help="give images to the cluster's nodes")
    load.add_argument("image", nargs="+")
    return parser
