"""Management commands of every service, and what commands that run as jobs need."""
