"""Rooms, memberships, messages. PostgreSQL is the truth: a message has its number before anybody sees it."""
