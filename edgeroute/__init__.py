"""The program: command line, settings and demo. It joins the parts and holds no logic of theirs."""

import os

# The model runtime's official builds report usage to their maker unless this stands in the
# environment when it is first imported. Nothing leaves a machine but what goes through Kafka.
os.putenv("ORT_DISABLE_TELEMETRY", "1")
