"""The request object: Django's, made with less work."""

from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIRequest, get_script_prefix

# Names of headers as WSGI spells them; None for those with an underscore, which could be taken for others.
_META_NAMES: dict[bytes, str | None] = {b"content-length": "CONTENT_LENGTH", b"content-type": "CONTENT_TYPE"}
# Clients choose names: beyond this many they are translated each time.
_MAX_NAMES = 512


def _meta_name(name: bytes) -> str | None:
    if name in _META_NAMES:
        return _META_NAMES[name]
    text = name.decode("latin-1")
    meta = None if "_" in text else "HTTP_" + text.upper().replace("-", "_")
    if len(_META_NAMES) < _MAX_NAMES:
        _META_NAMES[name] = meta
    return meta


class Request(ASGIRequest):
    """What `ASGIRequest` is, attribute for attribute; its `__init__` is the part that is written anew."""

    def __init__(self, scope: Any, body_file: BytesIO) -> None:
        """Raises `UnicodeDecodeError` for a query that is not UTF-8, `BadRequest` for a malformed Content-Type."""
        self.scope = scope
        self._post_parse_error = False
        self._read_started = False
        self.resolver_match = None
        self.path = path = scope["path"]
        self.script_name = prefix = get_script_prefix(scope)
        if prefix:
            prefix = prefix.rstrip("/")
            if path == prefix or path.startswith(prefix + "/"):
                path = path[len(prefix) :]
        self.path_info = path
        self.method = scope["method"].upper()
        query = scope.get("query_string", "")
        self.META = meta = {
            "REQUEST_METHOD": self.method,
            "QUERY_STRING": query.decode() if isinstance(query, bytes) else query,
            "SCRIPT_NAME": self.script_name,
            "PATH_INFO": path,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
        }
        self._add_addresses(scope, meta)
        for name, value in scope.get("headers", ()):
            key = _meta_name(name)
            if key is None:
                continue
            text = value.decode("latin-1")
            if key == "HTTP_COOKIE":
                text = text.rstrip("; ")
            if key in meta:
                text = f"{meta[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
            meta[key] = text
        if "CONTENT_TYPE" in meta:
            self._set_content_type_params(meta)  # type: ignore[attr-defined]  # of HttpRequest
        else:
            self.content_type, self.content_params = "", {}
        self._stream = body_file

    @staticmethod
    def _add_addresses(scope: Any, meta: dict[str, Any]) -> None:
        if client := scope.get("client"):
            meta["REMOTE_ADDR"] = meta["REMOTE_HOST"] = client[0]
            meta["REMOTE_PORT"] = client[1]
        host, port = scope.get("server") or ("unknown", 0)
        meta["SERVER_NAME"], meta["SERVER_PORT"] = host, str(port)
