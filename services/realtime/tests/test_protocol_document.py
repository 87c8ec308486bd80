"""docs/protocol.md says what the service does."""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import protocol
from chassis import errors
from realtime import frames
from realtime.close_codes import CloseCode, close_code

DOCUMENT = (protocol.DOCS / "protocol.md").read_text()
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


@pytest.mark.parametrize("path", protocol.written(), ids=lambda path: path.name)
def test_written_files(path: Path) -> None:
    """What `make protocol` writes is what is committed."""
    assert path.read_text() == protocol.written()[path], "run `make protocol`"


def test_close_codes() -> None:
    """The table of close codes is the enumeration, and nothing else on the page is."""
    rows = re.findall(r"^\| (4\d\d\d) \| `(\w+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert rows == [(str(int(code)), code.name, code.description) for code in CloseCode]


def test_table_is_replaced() -> None:
    """Whatever stands between the marks is replaced by the table; the rest of the page stays."""
    damaged = DOCUMENT.replace("| 4029 |", "| 4030 |").replace("| 4013 |", "a line\n| 4013 |")
    assert damaged != DOCUMENT
    assert protocol.with_table(damaged) == DOCUMENT


@pytest.mark.parametrize("page", ["", DOCUMENT + DOCUMENT, DOCUMENT.replace("<!-- end", "<!-- the end")])
def test_page_without_marks(page: str) -> None:
    """A page without exactly one place for the table is an error, not a page without it."""
    with pytest.raises(ValueError, match="close codes"):
        protocol.with_table(page)


async def test_command(tmp_path: Path) -> None:
    """The command writes the files that are out of date, and names them."""
    (tmp_path / "protocol.md").write_text(protocol.with_table(DOCUMENT).replace("| 4029 |", "| 4030 |"))
    program = "import pathlib, sys; sys.path.append(sys.argv[2]); import protocol;"
    program += "protocol.DOCS = pathlib.Path(sys.argv[1]); protocol.main()"
    folders = [str(tmp_path), str(Path(protocol.__file__).parent)]
    for printed in ("docs/protocol.md\ndocs/asyncapi.json\n", ""):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, *folders, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert (process.returncode, output.decode()) == (0, printed)
    for name in ("protocol.md", "asyncapi.json"):
        assert (tmp_path / name).read_text() == (protocol.DOCS / name).read_text()


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
