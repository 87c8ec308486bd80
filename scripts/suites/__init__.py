"""`make test` and `make check`: every suite, side by side, all failures in one run (`python -m suites --list`)."""
