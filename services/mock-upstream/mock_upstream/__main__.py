"""`python -m mock_upstream`."""

import os

from mock_upstream.server import run

if __name__ == "__main__":
    run(os.environ)
