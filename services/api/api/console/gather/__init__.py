"""The console's page at `/gather/`."""
