"""Metrics of the sockets; those of HTTP and of the event loop are the chassis's."""

from prometheus_client import Counter, Gauge

SOCKETS = Gauge("millrace_sockets", "Open WebSockets", multiprocess_mode="livesum")
CLOSES = Counter("millrace_socket_closes_total", "WebSockets closed by the server", ["code"])
FRAMES_IN = Counter("millrace_frames_in_total", "Frames from clients", ["result"])
FRAMES_OUT = Counter("millrace_frames_out_total", "Frames to clients", ["type"])
