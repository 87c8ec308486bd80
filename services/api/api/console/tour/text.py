"""The tour's text: docs/tour.md as HTML, with its links to source files made links to where the console shows them."""

import posixpath
import re
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from urllib.parse import quote, urlsplit

from django.utils.html import escape
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token

from api.console.tour import sources

# An image has the text beside this file (see deploy/Dockerfile), a checkout has it where people read it.
_PLACES = (Path(__file__).with_name("tour.md"), Path(__file__).parents[5] / "docs" / "tour.md")


@dataclass(frozen=True, slots=True)
class Section:
    """A second-level heading, and what is below it."""

    identifier: str
    title: str
    html: SafeString


@dataclass(frozen=True, slots=True)
class Text:
    """The text, and the files of the repository that it links to and that are here."""

    sections: tuple[Section, ...]
    files: frozenset[str]


@cache
def text() -> Text:
    """Read and rendered once. Blocks, so whoever is on the event loop asks on a thread."""
    place = next(place for place in _PLACES if place.is_file())
    return render(place.read_text())


def render(markdown: str) -> Text:
    """The sections of `markdown`, which lies in `docs/`; what comes before the first one is no section."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    files = {file for token in tokens for file in _relink(token)}
    for token in tokens:
        _align(token)
    starts = [index for index, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h2"]
    sections = []
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        title = tokens[start + 1].content
        html = parser.renderer.render(tokens[start + 3 : end], parser.options, {})
        # Of our own file, whose HTML markdown-it has escaped.
        sections.append(Section(_identifier(title), title, SafeString(_reachable(html, title))))
    return Text(tuple(sections), frozenset(files))


def inline(markdown: str) -> SafeString:
    """A line of our own text, a docstring's say, with its `code` as HTML."""
    html = MarkdownIt("commonmark", {"html": False}).renderInline(markdown)
    return SafeString(html)


def _align(token: Token) -> None:
    """A column of numbers gets a class: the page's policy forbids the style that markdown-it writes."""
    if token.attrs.pop("style", None) == "text-align:right":
        token.attrJoin("class", "number")


def _relink(token: Token) -> list[str]:
    """Point the links of a paragraph to where the console shows their files; what it cannot show is no link."""
    files = []
    shown = True
    for child in token.children or ():
        if child.type == "link_open":
            parts = urlsplit(str(child.attrGet("href")))
            shown = True
            if not parts.scheme and parts.path:
                path = posixpath.normpath(posixpath.join("docs", parts.path))
                shown = sources.file_of(path) is not None
                files += [path] * shown
                child.attrSet("href", f"/tour/source/{quote(path)}")
            elif parts.netloc.startswith("127.0.0.1"):
                child.attrSet("href", parts.path)
        if child.type in {"link_open", "link_close"} and not shown:
            child.tag, child.attrs = "span", {}
    return files


def _reachable(html: str, title: str) -> str:
    """Wide tables and code scroll by themselves on a narrow screen, and for that they take the keyboard."""
    numbers = count(1)

    def opened(_: re.Match[str]) -> str:
        label = f"{escape(title)}, table {next(numbers)}"
        return f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table>'

    html = re.sub("<table>", opened, html).replace("</table>", "</table></div>")
    # A corner that heads nothing.
    return html.replace("<th></th>", "<td></td>").replace("<pre>", '<pre tabindex="0">')


def _identifier(title: str) -> str:
    return "text-" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
