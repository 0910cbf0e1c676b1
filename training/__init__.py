"""How a bundle is made from labelled messages. Nothing that routes imports this."""


class TrainingError(Exception):
    """A bundle cannot be made. The message is one sentence with what to do next."""
