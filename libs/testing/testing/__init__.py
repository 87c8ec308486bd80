"""What several suites share. For development only: no image has it, and nothing that is shipped imports it."""
