"""`dataclass` and what belongs to it: for type checkers that of Python, at run time a light one."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
else:
    from asmith.light import FrozenInstanceError, dataclass, field, fields, replace

__all__ = ["FrozenInstanceError", "dataclass", "field", "fields", "replace"]
