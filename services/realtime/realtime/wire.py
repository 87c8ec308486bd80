"""WebSocket messages as they go over the wire (RFC 6455), made once for all who get them.

A server's frames are not masked and ours are never fragmented or compressed, so the same bytes serve every socket.
"""

_FIN_TEXT = 0x81
_SHORT, _MEDIUM = 125, 0xFFFF


def text(payload: bytes) -> bytes:
    """One text message; `payload` is UTF-8."""
    size = len(payload)
    if size <= _SHORT:
        return bytes((_FIN_TEXT, size)) + payload
    if size <= _MEDIUM:
        return bytes((_FIN_TEXT, 126)) + size.to_bytes(2) + payload
    return bytes((_FIN_TEXT, 127)) + size.to_bytes(8) + payload


def payload(message: bytes) -> bytes:
    """What `text` made a message of; for servers that make their own."""
    return message[{126: 4, 127: 10}.get(message[1], 2) :]
