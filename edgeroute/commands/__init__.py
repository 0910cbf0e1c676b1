"""A file for each command or group of commands. A command imports what it needs inside itself."""
