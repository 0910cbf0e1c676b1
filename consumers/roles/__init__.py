"""A handler for each role, and what only roles need: scoring, limits, the watch of the cloud."""
