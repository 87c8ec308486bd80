"""The console's page at `/sign-in/`."""
