"""The console's page at `/system/`."""
