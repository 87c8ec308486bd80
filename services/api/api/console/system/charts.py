"""The charts of the page, in its order; `static/console/system/charts.js` has what each draws, by its name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart's name, its title, and what it shows in a sentence."""

    name: str
    title: str
    about: str


CHARTS = (
    Chart("requests", "Requests a second", "Answered by the api; not counting what asks for metrics and health."),
    Chart("latency", "Time to answer", "Of the api, by its worst process."),
    Chart("lag", "Event-loop lag", "How late each event loop woke up, at worst: how long something blocked it."),
    Chart("pool", "Waits for a connection", "Average wait of those who had to wait for the pool of connections."),
    Chart("sockets", "Open sockets", "Of each realtime process."),
    Chart("messages", "Messages a second", "Posted, and handed to sockets and streams."),
    Chart("delivery", "Fan-out", "From the message's time in PostgreSQL to all sockets of the slower process."),
    Chart(
        "recoveries", "Recoveries a second", "Announcements that may be missing, and reads of what they did not bring."
    ),
    Chart("drops", "Drops a second", "Announcements Redis did not take, readers that were too slow, refusals, errors."),
)
