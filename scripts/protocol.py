"""`make protocol`: writes what docs/ says of the protocol and the code knows better."""

import os
import re
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
_BEGIN, _END = "<!-- close codes: written by `make protocol` -->\n", "<!-- end of the close codes -->\n"
# The settings are imported; nothing connects to anything.
_NOTHING = {
    "SECRET_KEY": "protocol",
    "DATABASE_URL": "postgresql://127.0.0.1/none",
    "REDIS_URL": "redis://127.0.0.1/0",
}


def table() -> str:
    """The close codes as a Markdown table."""
    from realtime.close_codes import CloseCode  # noqa: PLC0415 - needs Django, which the command sets up

    rows = [f"| {int(code)} | `{code.name}` | {code.description} |\n" for code in CloseCode]
    return "".join(["| code | name | meaning |\n", "| --- | --- | --- |\n", *rows])


def with_table(page: str) -> str:
    """`page` with the table between its two marks; raises `ValueError` unless it has them once."""
    begin, end = re.escape(_BEGIN), re.escape(_END)
    parts = re.split(f"(?<={begin})|(?={end})", page)
    if len(parts) != 3:
        raise ValueError(f"not one {_BEGIN.strip()} and one {_END.strip()} after it")
    return f"{parts[0]}\n{table()}\n{parts[2]}"


def written() -> dict[Path, str]:
    """The files that are written, with what belongs in them."""
    from realtime import asyncapi  # noqa: PLC0415 - needs Django, which the command sets up

    page = DOCS / "protocol.md"
    return {page: with_table(page.read_text()), DOCS / "asyncapi.json": asyncapi.text()}


def main() -> None:
    """Write the files, and say which of them changed."""
    os.environ.update(_NOTHING)
    from chassis.env import configure  # noqa: PLC0415 - with these variables

    configure("realtime.settings")
    for path, content in written().items():
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
            sys.stdout.write(f"docs/{path.name}\n")


if __name__ == "__main__":
    main()
