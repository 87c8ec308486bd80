"""What an open socket need not hold: memory a socket is what bounds how many of them a process can have.

autobahn copies some thirty options from its factory to every connection, counts its traffic in a dozen numbers, and
keeps the text of the handshake, parsed and unparsed, for its own test suite.
"""

from typing import Any

from autobahn.websocket.protocol import TrafficStats, WebSocketServerProtocol

_HANDSHAKE = (
    "request", "http_request_data", "http_request_host", "http_request_params", "http_request_path",
    "http_request_uri", "http_response_data", "http_status_line", "http_headers", "websocket_protocols",
    "websocket_extensions", "websocket_extensions_in_use", "websocket_origin", "_wskey",
    "clean_headers", "application_deferred", "protocol_to_accept", "_valid_events", "_results",
)  # fmt: skip
# Nobody reads it; one for all sockets is as good as one for each.
_TRAFFIC = TrafficStats()  # type: ignore[no-untyped-call]


def share_options(protocol: type[Any], factory: Any) -> None:
    """Have `protocol` look up in its class what its instances would copy from `factory`, which is set up by now."""
    for name in WebSocketServerProtocol.CONFIG_ATTRS:
        option = getattr(factory, name)
        setattr(protocol, name, staticmethod(option) if callable(option) else option)
    # Nothing is left to copy, nor to format for a log line that nobody sees, which took a millisecond a connection.
    protocol.CONFIG_ATTRS = ()


def forget_handshake(socket: Any) -> None:
    """Drop what only the handshake needed, and what has the value that its class has."""
    socket.trafficStats = _TRAFFIC
    names = vars(socket)
    for name in _HANDSHAKE:
        names.pop(name, None)
    shared = type(socket)
    # A dictionary does not shrink: the socket gets another one.
    socket.__dict__ = {name: value for name, value in names.items() if value is not getattr(shared, name, _NOT_THERE)}


_NOT_THERE = object()


class Defaults:
    """The state that autobahn gives every connection at its start, and that most still have at their end."""

    _perMessageCompress = trackedTimings = wasNotCleanReason = None  # noqa: N815 - autobahn's names
    localCloseCode = localCloseReason = remoteCloseCode = remoteCloseReason = None  # noqa: N815 - as above
    openHandshakeTimeoutCall = closeHandshakeTimeoutCall = None  # noqa: N815 - as above
    autoPingTimeoutCall = autoPingPending = autoPingPendingCall = autoPingPendingSent = None  # noqa: N815 - as above
    autoPingPendingSeq = send_state = 0  # noqa: N815 - as above
    triggered = inside_message = False
    wasMaxFramePayloadSizeExceeded = wasMaxMessagePayloadSizeExceeded = False  # noqa: N815 - as above
    closedByMe = failedByMe = droppedByMe = wasClean = False  # noqa: N815 - as above
    wasServerConnectionDropTimeout = wasOpenHandshakeTimeout = wasCloseHandshakeTimeout = False  # noqa: N815 - as above
    wasServingFlashSocketPolicyFile = False  # noqa: N815 - as above
    current_frame = websocket_protocol_in_use = None
    root_path = ""
    data = b""
