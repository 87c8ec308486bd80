"""The laboratory: `/api/gather/` of a real api against mock-upstream's faults, with and without each mechanism."""
