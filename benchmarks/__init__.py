"""Side-by-side measurements of the stream, the engine alone and the reference's way.

`python -m benchmarks.run` measures and writes a report; it knows no pytest. Everything that is
measured runs in processes of its own.
"""

import os

# Not every job imports the program, which does the same: no report to the runtime's maker.
os.putenv("ORT_DISABLE_TELEMETRY", "1")
