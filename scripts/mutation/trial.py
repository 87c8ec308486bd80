"""Runs the tests of a module on one mutant. The file on disk is never changed."""

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# The same cases each time; a first failing example will do. Looking for all plugins takes longer than most tests.
_OPTIONS = ["-qx", "-p", "no:cacheprovider", "--hypothesis-seed=1"]
_PLUGINS = ["_hypothesis_pytestplugin", "pytest_asyncio.plugin", "pytest_timeout"]
# Importing these makes what two processes cannot share.
_NOT_SHARED = ("twisted", "daphne", "autobahn", "channels.testing", "coverage")


@dataclass(frozen=True, slots=True)
class Module:
    """A module under test: its file, its tests, the Django settings of the tests (None: without Django).

    `accepted` has the changes that no test should notice, with the reasons; `methods` those of a JavaScript module.
    """

    name: str
    source: Path
    tests: Sequence[str]
    settings: str | None
    accepted: dict[str, str]
    methods: Sequence[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status` is pytest's exit status, or None if the tests were ended; `seconds` is how long it took."""

    status: int | None
    seconds: float


def run(module: Module, text: str, limit: float, loaded: Path | None = None) -> Outcome:
    """Run the tests with `text` as the module's source, each in at most `limit` seconds and all in three times that.

    `loaded` is written: the names of the modules that the tests need.
    """
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _child(module, text, limit, loaded)
    while time.monotonic() - began < 3 * limit:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return Outcome(os.waitstatus_to_exitcode(status), time.monotonic() - began)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Outcome(None, time.monotonic() - began)


def preload(names: Iterable[str]) -> None:
    """Import what all trials need and what is not ours, so that a trial does not have to."""
    for name in names:
        if not name.startswith(_NOT_SHARED):
            # What needs Django's settings is imported by the trial.
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def _child(module: Module, text: str, limit: float, loaded: Path | None) -> None:
    status: int = 3
    try:
        os.setsid()
        silence = os.open(os.devnull if loaded is None else str(loaded.with_suffix(".log")), os.O_WRONLY | os.O_CREAT)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        _prepare(module, text)
        status = int(pytest.main([*_OPTIONS, *_of_settings(module), f"--timeout={limit}", *module.tests]))
        if loaded is not None:
            loaded.write_text(json.dumps([name for name, found in list(sys.modules.items()) if _is_foreign(found)]))
    finally:
        os._exit(status)


def _of_settings(module: Module) -> list[str]:
    plugins = [*_PLUGINS, *(["pytest_django.plugin"] if module.settings else [])]
    return [option for plugin in plugins for option in ("-p", plugin)] + (["--reuse-db"] if module.settings else [])


def _is_foreign(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None) or ""
    return "site-packages" in file or not file.startswith(str(ROOT))


def _prepare(module: Module, text: str) -> None:
    from hypothesis import Phase, settings  # noqa: PLC0415 - the parent gets it by `preload`

    settings.register_profile("mutation", phases=[Phase.explicit, Phase.generate], database=None)
    settings.load_profile("mutation")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    if module.settings:
        os.environ["DJANGO_SETTINGS_MODULE"] = module.settings
    if module.source.suffix == ".js":
        _serve(text)
    else:
        sys.meta_path.insert(0, _Finder(module.source, text))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the mutant for the name of its module."""

    def __init__(self, source: Path, text: str) -> None:
        package = source.parent
        while (package.parent / "__init__.py").exists():
            package = package.parent
        self._name = ".".join(source.relative_to(package.parent).with_suffix("").parts)
        self._loader = _Loader(self._name, str(source), text)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The mutant's, or None for any other module."""
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._loader.path, loader=self._loader)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text, self.path, "exec")


def _serve(text: str) -> None:
    """Serve `text` at any path, as the stack that the end-to-end tests ask for the JavaScript client."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        log_message: Callable[..., None] = lambda *_: None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ |= dict.fromkeys(("API_URL", "REALTIME_URL", "UPSTREAM_URL"), f"http://127.0.0.1:{server.server_port}")
