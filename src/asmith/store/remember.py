"""Writing an index again that says the same of files whose stat data alone changed."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from asmith.store import index

if TYPE_CHECKING:
    from asmith.host.signature import Signature
    from asmith.store.index import Index


def refresh(root: str, found: Index, signatures: dict[str, Signature]) -> None:
    """Write new stat data of unchanged files down, to spare the next build the reading.

    Nothing is lost if that cannot be: another build holds the lock, or nobody may write.
    """
    try:
        lock = os.open(f"{root}/{index.LOCK}", os.O_RDWR)
    except OSError:
        return
    temporary = f"{root}/{index.PATH}.{os.getpid()}"
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if found.current():
            with open(temporary, "wb") as file:
                found.head.refresh(signatures)
                file.write(index.dump(found.head, found.body()))
            os.replace(temporary, f"{root}/{index.PATH}")
    except (OSError, index.DamagedError):
        _unlink(temporary)
    finally:
        os.close(lock)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
