"""`timeline.svg`: what was sent, acknowledged and delivered each second, how long it took, and the faults as bands."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from tests.chaos.history import Event
from tests.chaos.logs import sends_of
from tests.chaos.measures import Latencies, Window, deliveries

_LEFT, _RIGHT, _TOP, _HEIGHT, _GAP = 70, 120, 180, 120, 34
_STYLE = """
  svg { font: 12px system-ui, sans-serif; --ink: #1f2328; --faint: #8b949e66; --band: #d1242f1c; --edge: #d1242f;
        --one: #0969da; --two: #1a7f37; --paper: #ffffff }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e6edf3; --faint: #6e768166; --band: #ff7b7226; --edge: #ff7b72; --one: #58a6ff; --two: #3fb950;
          --paper: #0d1117 } }
  .paper { fill: var(--paper) } text { fill: var(--ink) } .axis { stroke: var(--faint) } .band { fill: var(--band) }
  .name { fill: var(--edge); font-size: 11px } path { fill: none; stroke-width: 1.5 }
  .one { stroke: var(--one) } .two { stroke: var(--two) } text.one { fill: var(--one); stroke: none }
  text.two { fill: var(--two); stroke: none }
"""
type Series = Mapping[int, float]


class _Canvas:
    """Pixels for seconds, and the elements so far."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(seconds, 1.0)
        self.width = min(4000, max(1000, int(self.seconds * 5)))
        self.elements: list[str] = []

    def x(self, t: float) -> float:
        return round(_LEFT + t / self.seconds * (self.width - _LEFT - _RIGHT), 1)

    def text(self, x: float, y: float, words: str, attributes: str = "") -> None:
        self.elements.append(f'<text x="{x}" y="{y}" {attributes}>{escape(words)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        self.elements.append(f'<line class="axis" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')


def timeline(events: Sequence[Event], windows: Sequence[Window]) -> str:
    """The picture, as SVG text that is legible on light and on dark pages."""
    canvas = _Canvas(max((event.t for event in events), default=1.0))
    panels = (
        ("a second", (("sends and repeats", "one", _count(events, "send")), ("acks", "two", _count(events, "ack")))),
        ("a second", (("deliveries", "one", _count(events, "message")),)),
        ("seconds, p99", (("ack to delivery", "one", _slowest(events)),)),
    )
    bottom = _TOP + len(panels) * (_HEIGHT + _GAP) - _GAP
    _bands(canvas, windows, bottom)
    for number, (unit, series) in enumerate(panels):
        _panel(canvas, _TOP + number * (_HEIGHT + _GAP), unit, series)
    _seconds(canvas, bottom)
    size = f'width="{canvas.width}" height="{bottom + 40}" viewBox="0 0 {canvas.width} {bottom + 40}"'
    paper = '<rect class="paper" width="100%" height="100%"/>'
    body = "\n".join(canvas.elements)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{_STYLE}</style>\n{paper}\n{body}\n</svg>\n'


def _count(events: Iterable[Event], kind: str) -> Series:
    return Counter(int(event.t) for event in events if event.kind == kind)


def _slowest(events: Sequence[Event]) -> Series:
    found: dict[int, Latencies] = defaultdict(Latencies)
    for send, at in deliveries(events, sends_of(events)):
        if send.acked is not None:
            found[int(send.acked)].values.append(max(0.0, at - send.acked))
    return {second: latencies.at(0.99) or 0.0 for second, latencies in found.items()}


def _bands(canvas: _Canvas, windows: Sequence[Window], bottom: int) -> None:
    for window in windows:
        left, right = canvas.x(window.start), canvas.x(window.stop)
        width = max(1.5, round(right - left, 1))
        canvas.elements.append(
            f'<rect class="band" x="{left}" y="{_TOP}" width="{width}" height="{bottom - _TOP}">'
            f"<title>{escape('; '.join(window.done))}</title></rect>"
        )
        slanted = f'class="name" transform="rotate(-50 {left} {_TOP - 24})"'
        canvas.text(left, _TOP - 24, window.label, slanted)


def _panel(canvas: _Canvas, top: int, unit: str, series: Sequence[tuple[str, str, Series]]) -> None:
    most = _rounded(max((value for _, _, values in series for value in values.values()), default=1.0))
    floor = top + _HEIGHT
    for share in (0, 0.5, 1):
        y = floor - share * _HEIGHT
        canvas.line(_LEFT, y, canvas.width - _RIGHT, y)
        canvas.text(_LEFT - 6, y + 4, f"{most * share:g}", 'text-anchor="end"')
    for number, (name, style, values) in enumerate(series):
        points = [
            f"{canvas.x(second + 0.5)},{round(floor - values.get(second, 0.0) / most * _HEIGHT, 1)}"
            for second in range(int(canvas.seconds))
        ]
        canvas.elements.append(f'<path class="{style}" d="M{" L".join(points)}"/>')
        canvas.text(_LEFT + 6 + number * 200, top - 6, f"{name} ({unit})", f'class="{style}"')


def _seconds(canvas: _Canvas, bottom: int) -> None:
    step = next(step for step in (10, 20, 60, 120, 300, 600, 3600) if canvas.seconds / step <= 25 or step == 3600)
    for second in range(0, int(canvas.seconds) + 1, step):
        canvas.text(canvas.x(second), bottom + 18, f"{second} s", 'text-anchor="middle"')


def _rounded(value: float) -> float:
    """The next of 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value)
