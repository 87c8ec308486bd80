"""What users of a service may depend on, read from its code: `python tests/snapshots/collect.py api` prints it as JSON.

A process for each service, because Django has one set of settings. Nothing is connected to.
"""

import ast
import asyncio
import importlib
import json
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packages import needed, packages

ROOT = Path(__file__).parents[2]
DOCUMENTS = {"api": "/api/openapi.json", "realtime": "/asyncapi.json"}
_FOLDERS = ("libs", "services", "demo")
_EVENT = re.compile(r"(accounts|rooms?|bus)\.[a-z_]+")
_TYPES = ("str", "int", "bool", "float", "list", "dj_db_url")


def collected(service: str) -> dict[str, str]:
    """The texts of the service's snapshots, by the names of their files."""
    importlib.import_module(f"{service}.asgi")
    files = _own_files(service)
    document = DOCUMENTS[service]
    return {
        "paths.txt": _lines(_paths()),
        "metrics.txt": _lines(_metrics()),
        "variables.txt": _lines({line for file in files for line in _variables(file)}),
        "commands.txt": _lines(_commands()),
        "tables.txt": _lines(_tables()),
        "events.txt": _lines({line for file in files for line in _events(file)}),
        document.rpartition("/")[2]: asyncio.run(_document(document)),
    }


def _lines(found: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in sorted(found))


def _own_files(service: str) -> list[Path]:
    """The files of the packages that the service needs; all of their modules are imported."""
    files: list[Path] = []
    for package in needed([service], packages()):
        imported = importlib.import_module(package.module)
        for found in pkgutil.walk_packages(imported.__path__, f"{package.module}."):
            if not found.name.endswith(".__main__"):
                importlib.import_module(found.name)
        files += (ROOT / package.source).rglob("*.py")
    return files


def _is_here(path: str) -> bool:
    return any(Path(path).is_relative_to(ROOT / folder) for folder in _FOLDERS)


def _paths() -> Iterator[str]:
    """Each path of the service, without what lies below the administration's, which is Django's."""
    from django.urls import URLPattern, URLResolver, get_resolver

    def below(resolver: URLResolver, prefix: str) -> Iterator[str]:
        for each in resolver.url_patterns:
            path = prefix + str(each.pattern)
            if isinstance(each, URLPattern):
                yield path
            elif path == "/admin/":
                yield f"{path}..."
            else:
                yield from below(each, path)

    return below(get_resolver(), "/")


def _metrics() -> Iterator[str]:
    """Kind, name, labels and buckets of each metric of ours."""
    from prometheus_client import REGISTRY
    from prometheus_client.metrics import MetricWrapperBase

    from chassis.database import usage

    usage.up()
    for metric in set(REGISTRY._collector_to_names):
        if isinstance(metric, MetricWrapperBase) and metric._name.startswith("millrace_"):
            buckets: Any = getattr(metric, "_kwargs", {}).get("buckets", ())
            words = (type(metric).__name__, metric._name, *metric._labelnames, *(f"{bound:g}" for bound in buckets))
            yield " ".join(words)


def _variables(file: Path) -> Iterator[str]:
    """Name, type and default of each variable that the code reads; no default means that it must be set."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("env"), attr=kind), args=[ast.Constant(str(name)), *rest]
            ) if kind in _TYPES:
                yield " ".join((name, kind, *map(ast.unparse, rest[:1])))
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get" | "setdefault"),
                args=[ast.Constant(str(name)), *rest],
            ):
                yield " ".join((name, "environ", *map(ast.unparse, rest[:1])))
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(str(name)), ctx=ast.Load()):
                yield f"{name} environ"


def _commands() -> Iterator[str]:
    """The commands of our own applications."""
    from django.apps import apps
    from django.core.management import find_commands

    for config in apps.get_app_configs():
        if _is_here(config.path):
            yield from find_commands(f"{config.path}/management")


def _tables() -> Iterator[str]:
    """Application, model, table and columns of each model, Django's too."""
    from django.apps import apps
    from django.db import connection

    for model in apps.get_models(include_auto_created=True):
        columns = (f"{field.column}:{field.db_type(connection)}" for field in model._meta.local_concrete_fields)
        yield " ".join((model._meta.label, model._meta.db_table, *columns))


def _events(file: Path) -> Iterator[str]:
    """The names of what processes tell each other: they meet in a rolling release."""
    for node in ast.parse(file.read_text()).body:
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=ast.Constant(str(value))):
                if name.isupper() and _EVENT.fullmatch(value):
                    yield value


async def _document(path: str) -> str:
    """The document that the service serves, sorted."""
    from django.test import AsyncClient

    response = await AsyncClient().get(path)
    assert response.status_code == 200, response.content
    return json.dumps(json.loads(response.content), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(collected(sys.argv[1])))
