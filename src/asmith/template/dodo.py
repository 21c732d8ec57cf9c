"""The build: `doit` runs it, `doit list --all` shows its tasks. They come from specs/."""

from asmith.run.dodo import DOIT_CONFIG, task_asmith

__all__ = ["DOIT_CONFIG", "task_asmith"]
