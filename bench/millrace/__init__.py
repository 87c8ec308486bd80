"""Millrace as it is measured where the api itself has no such endpoint: its handler, database layer and controllers."""
