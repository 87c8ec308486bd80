"""Rooms, memberships and messages. PostgreSQL is the truth: a message has its sequence number before anybody sees it."""
