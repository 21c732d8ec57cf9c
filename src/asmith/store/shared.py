"""A store that machines share, behind a URL: read through, written back, never trusted.

What is kept there (docs/reference/store.md): `blobs/ab/<sha256>`, and for each lookup key one file
`candidates/<module>/<key>` with a line for each record: the digest of its JSON, which is a blob. So
everything that is used was verified by a digest. The only door to fsspec, which is imported when a
shared store is asked for something, never before.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from asmith.errors import UnavailableError, UsageError
from asmith.host import deadline
from asmith.model.names import Digest, digest_bytes
from asmith.project.config import checked_url
from asmith.store import records

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.model.names import ModuleName
    from asmith.model.record import Record
    from asmith.project.config import StoreConfig

T = TypeVar("T")
_DIGEST = re.compile(rb"[0-9a-f]{64}")
_MOST = 64  # records of one key that are looked at
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "http": "http", "https": "http"}


class Shared:
    """One shared store as this process knows it; once it is away, it stays away."""

    def __init__(self, url: str, *, write: bool, seconds: float) -> None:
        self.writes = write
        self.away: UnavailableError | None = None
        self.tells = True  # that it is away; who asks for nothing else says it himself
        self._url = url.rstrip("/")
        self._shown = re.sub(r"//[^/@]*@", "//", self._url)  # without a name and password
        self._seconds = seconds
        self._filesystem: Any = None
        self._known: dict[tuple[ModuleName, str], tuple[Record, ...]] = {}

    # ---- reading ---------------------------------------------------------------------------------

    def blob(self, digest: Digest) -> bytes | None:
        """Return the bytes with that digest; None if there are none, or others in their place."""
        path = _blob(digest)
        data = self._do(lambda fs: fs.cat_file(self._path(path)))
        if data is not None and digest_bytes(data) != digest:
            _warn(
                f"an object of the shared store is damaged and was not used: {self._shown}/{path}\n"
                f"why:  its bytes do not have the digest that names it"
            )
            return None
        return data

    def candidates(self, module: ModuleName, key: str) -> tuple[Record, ...]:
        """Return the records that are kept for a module under a key, those kept last first."""
        if (module, key) not in self._known:
            self._known[module, key] = tuple(self._records(module, key))
        return self._known[module, key]

    def _records(self, module: ModuleName, key: str) -> list[Record]:
        found = []
        for digest in reversed(self._index(_candidates(module, key))[-_MOST:]):
            data = self.blob(digest)
            if data is None:
                continue
            try:
                record = records.decode(data, f"{self._shown}/{_blob(digest)}")
            except UsageError as error:  # an older or newer asmith may have written it
                _warn(f"a record of the shared store was not used\n{error.render()}")
                continue
            if (record.module, records.candidate_key(record)) == (module, key):
                found.append(record)
        return found

    def _index(self, path: str) -> list[Digest]:
        data = self._do(lambda fs: fs.cat_file(self._path(path))) or b""
        lines = (line.strip() for line in data.splitlines())
        return [Digest(line.decode()) for line in lines if _DIGEST.fullmatch(line)]

    # ---- writing ---------------------------------------------------------------------------------

    def offer(self, record: Record, texts: tuple[bytes, ...]) -> bool:
        """Keep an accepted record and what it names; tell whether it is there now."""
        data = records.encode(record)
        for blob in (*texts, data):
            self._write(_blob(digest_bytes(blob)), blob)
        path = _candidates(record.module, records.candidate_key(record))
        lines = self._index(path)
        if digest_bytes(data) not in lines:
            index = "".join(f"{d}\n" for d in [*lines, digest_bytes(data)])
            self._write(path, index.encode())
        return self.away is None

    def _write(self, path: str, data: bytes) -> None:
        self._do(lambda fs: _put(fs, self._path(path), data), writes=True)

    # ---- the door --------------------------------------------------------------------------------

    def _path(self, path: str) -> str:
        return f"{self._url}/{path}"

    def _do(self, work: Callable[[Any], T], *, writes: bool = False) -> T | None:
        """Return what `work` returns; None if there is no such object, or the store is away."""
        if self.away is not None:
            return None
        try:
            return deadline.within(self._seconds, lambda: work(self._open()))
        except FileNotFoundError:
            if not writes:
                return None
            why = "there is no such bucket or directory to write to"
        except TimeoutError:
            why = f"it did not answer within {self._seconds:g} s"
        except ImportError as error:
            extra = _EXTRAS.get(self._url.partition(":")[0])
            missing = f"its back end is not installed: pip install 'asmith[{extra}]'"
            why = missing if extra else str(error)
        except Exception as error:  # a back end may raise anything  # noqa: BLE001
            why = f"{type(error).__name__}: {error}".replace(self._url, self._shown)
        self.away = UnavailableError(f"the shared store {self._shown} is away", why=why)
        if self.tells:
            _warn(
                f"the shared store {self._shown} is away; the build goes on without it\nwhy:  {why}"
            )
        return None

    def _open(self) -> Any:
        if self._filesystem is None:
            import fsspec

            protocol = self._url.partition("://")[0]
            options = {"auto_mkdir": True} if protocol == "file" else {}
            made = fsspec.filesystem(protocol, **options)
            if protocol == "file" and not made.isdir(self._url):
                raise NotADirectoryError("there is no such directory; make it first")
            self._filesystem = made
        return self._filesystem


def _put(filesystem: Any, path: str, data: bytes) -> None:
    """Write an object in one step: local files by a rename, elsewhere an upload is one."""
    if not path.startswith("file:"):
        filesystem.pipe_file(path, data)
        return
    temporary = f"{path}.{os.getpid()}"
    filesystem.pipe_file(temporary, data)
    filesystem.mv(temporary, path)


def _blob(digest: Digest) -> str:
    return f"blobs/{digest[:2]}/{digest}"


def _candidates(module: ModuleName, key: str) -> str:
    return f"candidates/{module}/{key}"


def _warn(text: str) -> None:
    """Tell of something that does not end the build, on standard error."""
    import logging  # without a handler of the process's own it prints the line as it is

    logging.getLogger("asmith").warning("warning: %s", text)


URL, WRITE = "ASMITH_STORE_URL", "ASMITH_STORE_WRITE"


def configured(config: StoreConfig) -> Shared | None:
    """Return the shared store of a project; None without one. Nothing is asked or sent yet.

    The environment may name another one, none at all, or decide whether it is written to.
    """
    url = os.environ.get(URL, config.url)
    if not url:
        return None
    said = os.environ.get(WRITE, "1" if config.write else "0")
    if said not in ("0", "1"):
        raise UsageError(f"{WRITE} is {said!r}", help="1: write to the shared store, 0: only read")
    return _connect(checked_url(url, URL), said == "1", config.seconds)


@lru_cache(maxsize=8)
def _connect(url: str, write: bool, seconds: float) -> Shared:  # noqa: FBT001 -- a cache's key
    """Return one object for a whole process, so that one that is away is waited for once."""
    return Shared(url, write=write, seconds=seconds)
