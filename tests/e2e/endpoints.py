"""Which endpoints there are and who may ask them, for the tests that hold for all of a kind."""

PUBLIC = [
    "/health/",
    "/api/async/?delay=0",
    "/api/sync/?delay=0",
    "/api/mode/",
    "/api/items/",
    "/api/gather/",
    "/api/external/",
    "/api/external/sync/",
    "/api/robust/",
    "/api/orm/",
    "/api/openapi.json",
    "/api/docs/",
]

# (method, path): each needs somebody to be signed in.
PRIVATE = [
    ("GET", "/api/users/"),
    ("POST", "/api/users/"),
    ("GET", "/api/users/export/"),
    ("GET", "/api/users/1/"),
    ("PATCH", "/api/users/1/"),
    ("DELETE", "/api/users/1/"),
    ("GET", "/api/users/1/detail/"),
    ("GET", "/api/articles/"),
    ("POST", "/api/articles/"),
    ("GET", "/api/articles/any/"),
    ("PATCH", "/api/articles/any/"),
    ("DELETE", "/api/articles/any/"),
    ("GET", "/api/me/"),
    ("POST", "/api/logout/"),
    ("GET", "/api/session/"),
    ("POST", "/api/session/"),
    ("POST", "/api/ws-ticket/"),
    ("GET", "/api/rooms/"),
    ("GET", "/api/rooms/lobby/messages/"),
    ("POST", "/api/rooms/lobby/messages/"),
    ("POST", "/api/rooms/lobby/notify/"),
    ("POST", "/api/rooms/lobby/notify/sync/"),
    ("GET", "/api/rooms/lobby/events/"),
]

# (path, method that it lacks)
LACKING = [
    ("/api/async/", "DELETE"),
    ("/api/sync/", "POST"),
    ("/api/mode/", "PUT"),
    ("/api/items/", "PATCH"),
    ("/api/gather/", "POST"),
    ("/api/external/", "POST"),
    ("/api/external/sync/", "POST"),
    ("/api/robust/", "POST"),
    ("/api/orm/", "POST"),
    ("/api/register/", "GET"),
    ("/api/login/", "GET"),
    ("/api/logout/", "GET"),
    ("/api/me/", "POST"),
    ("/api/users/", "DELETE"),
    ("/api/users/export/", "POST"),
    ("/api/users/1/", "PUT"),
    ("/api/articles/", "DELETE"),
    ("/api/rooms/", "POST"),
    ("/api/rooms/lobby/messages/", "DELETE"),
    ("/api/rooms/lobby/notify/", "GET"),
    ("/api/rooms/lobby/notify/sync/", "GET"),
    ("/api/rooms/lobby/events/", "POST"),
]

# Take a JSON object.
WRITES = [
    "/api/register/",
    "/api/login/",
    "/api/session/",
    "/api/ws-ticket/",
    "/api/articles/",
    "/api/rooms/lobby/messages/",
    "/api/rooms/lobby/notify/",
    "/api/rooms/lobby/notify/sync/",
]
