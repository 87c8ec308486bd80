"""The console's pages at `/rooms/` and `/rooms/<room>/`."""
