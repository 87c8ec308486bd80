"""The chat client for browsers, one file: `/static/millrace/client.js`. tests/e2e/test_client_js.py runs it."""
