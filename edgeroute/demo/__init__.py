"""The whole stream on one machine, to look at."""
