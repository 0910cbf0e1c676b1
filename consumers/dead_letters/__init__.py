"""What could not be used: judged, and written back to where it came from."""
