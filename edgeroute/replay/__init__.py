"""Replays put together: of files, and of what a topic holds."""
