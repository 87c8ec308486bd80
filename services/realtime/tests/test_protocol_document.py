"""docs/protocol.md says what the service does."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from chassis import errors
from realtime import frames
from realtime.close_codes import CloseCode, close_code

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
SENT, RECEIVED = (
    [json.loads(line) for line in block.splitlines()]
    for block in re.findall(r"```json\n(.*?)\n```", DOCUMENT, re.DOTALL)
)


def tag(kind: Any) -> str:
    """The `type` of a frame's struct."""
    return str(kind.__struct_config__.tag)


@pytest.mark.parametrize("frame", RECEIVED, ids=lambda frame: frame["type"])
def test_server_frames(frame: dict[str, Any]) -> None:
    """Each frame of the page is one of the service's, field for field."""
    decoded = msgspec.convert(frame, frames.ServerFrame)
    assert json.loads(frames.encode(decoded)) == frame


def test_all_server_frames_are_there() -> None:
    """The page names every frame that the service sends."""
    assert {frame["type"] for frame in RECEIVED} == {tag(kind) for kind in get_args(frames.ServerFrame)}


def test_client_frames() -> None:
    """The page's client frames decode, and are all there are."""
    kinds = [type(frames.decode(json.dumps(frame))) for frame in SENT]
    assert set(kinds) == set(get_args(frames.ClientFrame))


def test_close_codes() -> None:
    """The table of close codes is the enumeration."""
    rows = re.findall(r"^\| (4\d\d\d) \| `(\w+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert rows == [(str(int(code)), code.name, code.description) for code in CloseCode]


def test_error_codes() -> None:
    """The table of error codes is what errors are told as."""
    kinds: list[type[errors.Error]] = [errors.Error, *errors.Error.__subclasses__()]
    told = {frames.of_error(kind(), None).code for kind in kinds}
    listed = set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE))
    assert listed == (told | {"too_fast", "unavailable"})


@pytest.mark.parametrize("code", CloseCode)
def test_codes_that_daphne_passes(code: CloseCode) -> None:
    """daphne raises for any code but 1000 and 3000-4999."""
    assert 4000 <= code < 5000


def test_defect_closes_with_internal_error() -> None:
    """An error that has no code of its own is an internal one."""
    assert close_code(errors.Error()) is CloseCode.INTERNAL_ERROR
