"""The demo's conversations."""

from training.generator import conversations

__all__ = ["conversations"]
