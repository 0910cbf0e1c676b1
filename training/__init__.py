"""How a bundle is made from labelled messages. Nothing that routes imports this."""

import os

# The model runtime's official builds report usage to their maker unless this stands in the
# environment when it is first imported.
os.putenv("ORT_DISABLE_TELEMETRY", "1")


class TrainingError(Exception):
    """A bundle cannot be made. The message is one sentence with what to do next."""
