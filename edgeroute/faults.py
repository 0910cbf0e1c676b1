"""What went wrong, as an exit code. Imported only once something has."""

import errno
from typing import Final

from consumers.embedded import EmbeddedError
from consumers.errors import Moving
from consumers.replay.transcripts import ReplayError
from edgeroute.settings import SettingsError
from router.bundle import BundleError
from router.engine import EngineError
from training import TrainingError

WRONG_USE: Final = 2
FAILED: Final = 1

_WRONG: Final = (SettingsError, BundleError)
_FAILURES: Final = (Moving, ReplayError, EmbeddedError, TrainingError, EngineError)


def explained(error: Exception) -> tuple[str, int] | None:
    """Return what to say and the exit code; None for a defect of ours, which needs its traceback.

    2 is a mistake in the command, the settings or the bundle; 1 is a failure at work.
    """
    if isinstance(error, _WRONG):
        return _sentence(str(error)), WRONG_USE
    if isinstance(error, _FAILURES):
        return _sentence(str(error)), FAILED
    if isinstance(error, OSError) and error.errno is not None:
        return _system(error), FAILED
    return None


def _system(error: OSError) -> str:
    """A full disk or a file without permission; the name of a file is no message text."""
    name = f" ({error.filename})" if isinstance(error.filename, str) else ""
    advice = {
        errno.ENOSPC: "free some space, then start this again",
        errno.EACCES: "check who may read and write there",
        errno.EMFILE: "raise the limit of open files (ulimit -n)",
    }
    what = error.strerror or errno.errorcode.get(error.errno or 0, "unknown")
    fallback = "look at the machine, then start this again"
    return f"The system refused{name}: {what}; {advice.get(error.errno or 0, fallback)}."


def _sentence(text: str) -> str:
    """End with a full stop, whoever wrote it."""
    return text if text.endswith((".", "!", "?")) else text + "."
