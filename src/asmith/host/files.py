"""The disk. Every file that asmith reads or writes goes through here.

Writes are atomic: a temporary name beside the target, then a rename, so a reader sees the old
bytes or the new ones. What the operating system refuses becomes one clear error.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import threading
from typing import TYPE_CHECKING

from asmith.errors import AsmithError, Place, UnavailableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_NO_LEAVE = {errno.EACCES, errno.EPERM, errno.EROFS}


def explain(error: OSError, what: str, path: Path) -> AsmithError:
    """Return the error to raise for an operating-system error met while doing `what`."""
    reason = error.strerror or str(error)
    if error.errno in _NO_ROOM:
        return UnavailableError(
            f"cannot {what}: the disk is full",
            where=str(path),
            why="nothing was changed: asmith writes to a temporary name first",
            help="free some space and run the same command again",
        )
    if error.errno in _NO_LEAVE:
        return UnavailableError(
            f"cannot {what}: {reason.lower()}",
            where=str(path),
            why="asmith must be able to write there; what existed is unchanged",
            help="make the directory writable, or remount its file system read-write",
        )
    if error.errno == errno.ENOENT:
        return UsageError(f"cannot {what}: no such file", where=str(path))
    return UnavailableError(f"cannot {what}: {reason.lower()}", where=str(path))


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file that must exist."""
    try:
        return _read(path)
    except OSError as error:
        raise explain(error, "read the file", path) from error


def read_if_exists(path: Path) -> bytes | None:
    """Return the bytes of a file, or None if there is none."""
    try:
        return _read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise explain(error, "read the file", path) from error


def _read(path: Path) -> bytes:
    with open(path, "rb", buffering=0) as file:  # Path.read_bytes takes twice as long
        return file.readall()


def read_text(path: Path) -> str:
    """Return a UTF-8 file that must exist; other encodings are refused with the line."""
    return decode(read_bytes(path), str(path))


def decode(data: bytes, path: str) -> str:
    """Return the UTF-8 text in a file's bytes; other encodings are refused with the line."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(
            "the file is not UTF-8 text",
            where=Place(path, line),
            why=f"byte {error.start} is {data[error.start]:#04x}",
            help="save it as UTF-8",
        ) from error


def written(path: Path) -> int:
    """Return when a file that must exist was last written, in nanoseconds."""
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise explain(error, "read the file", path) from error


def size(path: Path) -> int:
    """Return the size of a file that must exist, in bytes."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise explain(error, "read the file", path) from error


def mode(path: Path) -> int:
    """Return the permissions of a file that must exist."""
    try:
        return path.stat().st_mode & 0o777
    except OSError as error:
        raise explain(error, "read the file", path) from error


def date(path: Path, seconds: int) -> None:
    """Let a file count as written at a time, in seconds since 1970."""
    try:
        os.utime(path, (seconds, seconds))
    except OSError as error:
        raise explain(error, "date the file", path) from error


def write_atomic(
    path: Path, data: bytes | bytearray, *, durable: bool = False, mode: int = 0o644
) -> None:
    """Replace a file by `data` in one step; `durable` waits until it is on the medium."""
    temporary = ""
    try:
        handle, temporary = _beside(path)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if durable:
            _sync_directory(path.parent)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise explain(error, "write the file", path) from error


def _beside(path: Path) -> tuple[int, str]:
    """Create a file with a name of its own beside another one; return it, open, and its path."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    while True:
        name = f"{path.parent}/.{path.name}.{os.getpid()}-{next(_NUMBERS)}"
        try:
            return os.open(name, flags, 0o600), name
        except FileExistsError:  # of a process before, that was killed
            continue
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)


_NUMBERS = itertools.count()


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def append(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Append `data` to a file with one write, creating the file and its directory if need be."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            handle = os.open(path, flags, 0o644)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, flags, 0o644)
        try:
            written = os.write(handle, data)
            if written != len(data):
                os.ftruncate(handle, os.fstat(handle).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise explain(error, "write the file", path) from error


def make_directory(path: Path) -> None:
    """Create a directory and its parents; an existing one is left as it is."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, "create the directory", path) from error


def move(source: Path, target: Path) -> None:
    """Rename a file over `target`."""
    try:
        try:
            os.replace(source, target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise explain(error, "rename the file", source) from error
        write_atomic(target, read_bytes(source))  # two file systems: a copy, then a rename
        remove(source)


def remove(path: Path) -> None:
    """Remove a file; a missing one is fine."""
    try:
        path.unlink(missing_ok=True)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise explain(error, "remove the file", path) from error


def remove_tree(path: Path) -> None:
    """Remove a directory and all below it; a missing one is fine."""
    try:
        os.rmdir(path)  # mostly it is empty, or there is none
    except FileNotFoundError:
        return
    except OSError:
        pass
    else:
        return
    import shutil  # slow to import, rarely needed

    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise explain(error, "remove the directory", path) from error


def listing(path: Path, suffix: str) -> tuple[str, ...]:
    """Return the sorted names of a directory's files that end in `suffix`; none if missing."""
    try:
        names = os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise explain(error, "list the directory", path) from error
    return tuple(sorted(n for n in names if n.endswith(suffix) and not n.startswith(".")))


def below(path: Path) -> tuple[Path, ...]:
    """Return all files below a directory, sorted; none if it is missing."""
    found: list[Path] = []
    for directory, subdirectories, names in os.walk(path):
        subdirectories[:] = [d for d in subdirectories if d != "__pycache__"]
        found += [path.__class__(directory, name) for name in names]
    return tuple(sorted(found))


@contextlib.contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Yield a new empty directory below `parent` that is gone afterwards."""
    import tempfile  # slow to import, rarely needed

    make_directory(parent)
    try:
        holder = tempfile.TemporaryDirectory(dir=parent, prefix="run-", ignore_cleanup_errors=True)
    except OSError as error:
        raise explain(error, "create a directory", parent) from error
    with holder as name:
        yield parent.__class__(name)


@contextlib.contextmanager
def workplace(parent: Path) -> Iterator[Path]:
    """Yield an empty directory below `parent` that is this thread's alone; one at a time.

    One process at a time may use `parent`. The directory is empty again afterwards and kept for the
    next one: on a busy disk, making and removing a directory takes longer than most steps.
    """
    number = _PLACES.setdefault(threading.get_ident(), len(_PLACES))
    path = parent / f"place-{number}"
    _empty(path)
    make_directory(path)
    try:
        yield path
    finally:
        with contextlib.suppress(AsmithError):
            _empty(path)


def remove_below(parent: Path) -> None:
    """Remove whatever is in a directory, and keep it; a missing one is fine."""
    try:
        entries = list(os.scandir(parent))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise explain(error, "list the directory", parent) from error
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove_tree(parent / entry.name)
        else:
            remove(parent / entry.name)


_PLACES: dict[int, int] = {}  # thread -> its number


def _empty(path: Path) -> None:
    """Remove what is in a directory; one with directories in it goes as a whole."""
    try:
        entries = list(os.scandir(path))
    except FileNotFoundError:
        return
    except OSError as error:
        raise explain(error, "list the directory", path) from error
    if any(entry.is_dir(follow_symlinks=False) for entry in entries):
        remove_tree(path)
        return
    for entry in entries:
        remove(path / entry.name)
