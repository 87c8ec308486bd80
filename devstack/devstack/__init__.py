"""Runs the complete stack on one machine without Docker: PostgreSQL and Valkey from wheels, and the services.

    python -m devstack run [--detach] [--no-demo]    everything, until Ctrl-C
    python -m devstack stop | status | urls          a stack that runs, also a detached one
    python -m devstack exec -- CMD ...               CMD with its own PostgreSQL and Valkey, gone afterwards
    python -m devstack stack -- CMD ...              CMD with its own complete stack, gone afterwards

See docs/decisions/embedded-servers.md.
"""
