"""Side-by-side measurements of the stream, the engine alone and the reference's way.

`python -m benchmarks.run` measures and writes a report; it knows no pytest. Everything that is
measured runs in processes of its own.
"""
