"""Metrics of delivery."""

from prometheus_client import Counter, Gauge

ROOMS = Gauge("millrace_hub_rooms", "Rooms with members in this process", multiprocess_mode="livesum")
MEMBERS = Gauge("millrace_hub_members", "Sockets and streams in rooms", multiprocess_mode="livesum")
DELIVERIES = Counter("millrace_hub_deliveries_total", "Messages handed to live members")
HINTS = Counter("millrace_hub_hints_total", "Announcements: next, too early, or repeated", ["kind"])
FILLS = Counter("millrace_hub_fills_total", "Reads of what no announcement brought in time")
REMOVED = Counter("millrace_hub_removed_total", "Members found to be signed out (401) or shut out (403)", ["status"])
REPLAYS = Counter("millrace_hub_replays_total", "Pages of history for members that join", ["source"])
