"""Made-up support conversations, labelled: the demo's stream, files to replay, data to train on.

Nobody ever said them. Everything comes from one seeded draw: the same seed gives the same turns.
It lies here because training wants such data too and may not import the program; it needs nothing
that only training installs.
"""

from training.generator.lines import Form, lines
from training.generator.messages import messages
from training.generator.stream import conversations, messages_of, turns
from training.generator.talk import Mix, Turn

__all__ = [
    "Form",
    "Mix",
    "Turn",
    "conversations",
    "lines",
    "messages",
    "messages_of",
    "turns",
]
