"""What the monitor keeps: sums of decisions, in Redis."""
