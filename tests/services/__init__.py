"""Real brokers and Redis servers for tests, chaos runs and benchmarks. Knows no pytest."""
