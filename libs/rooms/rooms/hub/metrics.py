"""Metrics of delivery."""

from prometheus_client import Counter, Gauge, Histogram

ROOMS = Gauge("millrace_hub_rooms", "Rooms with members in this process", multiprocess_mode="livesum")
MEMBERS = Gauge("millrace_hub_members", "Sockets and streams in rooms", multiprocess_mode="livesum")
DELIVERIES = Counter("millrace_hub_deliveries_total", "Messages handed to live members")
DELIVERY_SECONDS = Histogram(
    "millrace_hub_delivery_seconds",
    "From a message's time in PostgreSQL to all members of a process, by the clocks of both",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
HINTS = Counter("millrace_hub_hints_total", "Announcements: next, too early, or repeated", ["kind"])
FILLS = Counter("millrace_hub_fills_total", "Reads of what no announcement brought in time")
REMOVED = Counter("millrace_hub_removed_total", "Members found to be signed out (401) or shut out (403)", ["status"])
REPLAYS = Counter("millrace_hub_replays_total", "Pages of history for members that join", ["source"])
