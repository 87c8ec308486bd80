"""`healthcheck.py PORT PATH`: exits with 0 if this container's own server answers PATH with 200 within 3 seconds.

It asks over IPv4, which the server listens on with `LISTEN_IPV6=1` too.
"""

import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=3)
try:
    connection.request("GET", sys.argv[2])
    status = connection.getresponse().status
except OSError as error:
    sys.exit(f"no answer: {error}")
sys.exit(0 if status == 200 else f"{sys.argv[2]} says {status}")
