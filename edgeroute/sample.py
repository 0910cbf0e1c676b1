"""The demo's conversations, made by the generator that `edgeroute generate` uses too."""

from training.generator import conversations

__all__ = ["conversations"]
