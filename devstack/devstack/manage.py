"""Several of the api's management commands in one process: `python -m devstack.manage migrate --no-input + seed_demo`.

An interpreter with Django in it takes one to two seconds to start, which three commands would pay three times.
"""

import runpy
import sys
from itertools import groupby


def main() -> None:
    for is_separator, command in groupby(sys.argv[1:], lambda word: word == "+"):
        if not is_separator:
            sys.argv = ["manage", *command]
            runpy.run_module("api.manage", run_name="__main__")


if __name__ == "__main__":
    main()
