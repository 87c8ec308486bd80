"""Fixtures of the chassis's suite. It runs with the settings of the api, as one service or the other must be there."""

pytest_plugins = ["chassis.testing"]
