"""The console's page at `/tour/`."""
