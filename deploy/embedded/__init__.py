"""Runs the complete stack on one machine without Docker: PostgreSQL and Valkey from wheels, and the services.

    python -m embedded run [--detach] [--no-demo]    everything, until Ctrl-C
    python -m embedded stop | status | urls          a stack that runs, also a detached one
    python -m embedded exec -- CMD ...               CMD with its own PostgreSQL and Valkey, gone afterwards
    python -m embedded stack -- CMD ...              CMD with its own complete stack, gone afterwards

See docs/decisions/embedded-servers.md.
"""
