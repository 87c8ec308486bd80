"""The console's page at `/`."""
