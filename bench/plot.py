"""A table's headline as bars, in SVG that is legible on light and on dark pages."""

import math
from collections.abc import Sequence
from html import escape

from bench.results import Metric, Table

_LABEL, _WIDTH, _BAR, _STEP, _TOP = 250, 900, 16, 26, 34
_STYLE = """
  svg { font: 12px system-ui, sans-serif; --ink: #1f2328; --faint: #8b949e66; --paper: #ffffff; --range: #1f2328;
        --ours: #1a7f37; --peer: #0969da; --limit: #8b949e }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e6edf3; --faint: #6e768166; --paper: #0d1117; --range: #e6edf3;
          --ours: #3fb950; --peer: #58a6ff; --limit: #6e7681 } }
  .paper { fill: var(--paper) } text { fill: var(--ink) } line { stroke: var(--faint) }
  .ours { fill: var(--ours) } .peer { fill: var(--peer) } .limit { fill: var(--limit) }
  .range { stroke: var(--range); stroke-width: 1.5 } text.ours { font-weight: 600; fill: var(--ink) }
"""


def bars(table: Table) -> str:
    """One bar a contestant: the median, with a line from the lowest to the highest turn.

    The axis is logarithmic where the longest bar is more than 20 times the shortest, and says so.
    """
    return _document([_group(table, table.metrics[0], 0)])


def panels(table: Table) -> str:
    """The same for each metric, one below the other."""
    groups, top = [], 0
    for metric in table.metrics:
        groups.append(_group(table, metric, top))
        top += groups[-1][1]
    return _document(groups)


def _group(table: Table, metric: Metric, top: int) -> tuple[list[str], int]:
    """The elements of one metric's bars, which begin at `top`, and their height."""
    rows = [row for row in table.rows if metric.key in row.figures]
    figures = [row.figures[metric.key] for row in rows]
    most = max((figure.high for figure in figures), default=1.0) or 1.0
    least = min((figure.median for figure in figures if figure.median > 0), default=1.0)
    logarithmic = most / least > 20
    floor = least / 2

    def x(value: float) -> float:
        share = math.log(max(value, floor) / floor) / math.log(most / floor) if logarithmic else value / most
        return round(_LABEL + share * (_WIDTH - _LABEL - 90), 1)

    title = f"{table.title}: {metric.title}" + (" (logarithmic)" if logarithmic else "")
    elements = [f'<text x="8" y="{top + 20}">{escape(title)}</text>']
    for number, (row, figure) in enumerate(zip(rows, figures, strict=True)):
        y = top + _TOP + number * _STEP
        middle = y + _BAR / 2
        elements += [
            f'<text class="{row.kind}" x="{_LABEL - 8}" y="{y + 12}" text-anchor="end">{escape(row.contestant)}</text>'
            if row.kind == "ours"
            else f'<text x="{_LABEL - 8}" y="{y + 12}" text-anchor="end">{escape(row.contestant)}</text>',
            f'<rect class="{row.kind}" x="{_LABEL}" y="{y}" height="{_BAR}" '
            f'width="{round(max(1.0, x(figure.median) - _LABEL), 1)}"/>',
            f'<line class="range" x1="{x(figure.low)}" y1="{middle}" x2="{x(figure.high)}" y2="{middle}"/>',
            f'<text x="{x(figure.high) + 6}" y="{y + 12}">{figure.median:,.{metric.decimals}f}</text>',
        ]
    return elements, _TOP + len(rows) * _STEP + 8


def _document(groups: Sequence[tuple[list[str], int]]) -> str:
    height = sum(height for _, height in groups)
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    body = "\n".join(element for elements, _ in groups for element in elements)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{_STYLE}</style>\n'
        f'<rect class="paper" width="100%" height="100%"/>\n{body}\n</svg>\n'
    )
