"""What crosses a process boundary: records on topics, and the manifest of a model bundle.

Pure data: nothing here reads a clock, an environment, a network or another package of ours.
"""
