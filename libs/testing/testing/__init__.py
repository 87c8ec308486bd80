"""What several suites share. For development only: no image has it, and nothing that is shipped imports it.

valkey_server.py  ValkeyServer: a Redis of a test's own, which it may freeze and kill
"""
