"""A run's models packed into a bundle, with its card and pictures."""
