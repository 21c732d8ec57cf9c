"""The store: raw answers, accepted candidates and attempts, below `.asmith/` (reference/store.md).

It is neither derived nor committed. Blobs are addressed by their SHA-256 and verified whenever
they are read; every raw answer is durable here before anything looks into it.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import UnavailableError, UsageError
from asmith.host import files
from asmith.model.names import Digest, ModuleName, canonical_json, digest_bytes
from asmith.model.record import Standing
from asmith.store import records
from asmith.store.records import candidate_name, of_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from asmith.model.record import Attempt, Record
    from asmith.store.shared import Shared


MEND = (
    "asmith store verify --repair brings it back where there is another copy, and sets it aside "
    "otherwise; or take it from an export: asmith store import FILE"
)


class DamagedError(UnavailableError):
    """An object of the store that is no longer what was kept: a concern of its module alone."""


@dataclass(frozen=True, slots=True)
class Store:
    """The store of one project."""

    root: Path  # the project's .asmith directory
    shared: Shared | None = None  # what machines share, if it is configured

    def put(self, data: bytes, *, durable: bool = True) -> Digest:
        """Keep bytes and return their digest; `durable` waits until they are on the medium."""
        digest = digest_bytes(data)
        path = self._blob(digest)
        if files.read_if_exists(path) != data:
            files.write_atomic(path, data, durable=durable)
        return digest

    def get(self, digest: Digest) -> bytes | None:
        """Return the bytes with that digest, or None; damaged ones are refused.

        What is missing or damaged here is taken from the shared store, where it has them.
        """
        data = files.read_if_exists(self._blob(digest))
        if data is not None and digest_bytes(data) == digest:
            return data
        elsewhere = self.shared.blob(digest) if self.shared else None
        if elsewhere is not None:
            self.put(elsewhere)
        elif data is not None:
            raise DamagedError(
                "an object of the store is damaged",
                where=self._shown(self._blob(digest)),
                why=f"its bytes no longer have the digest {digest[:12]} that names it",
                help=MEND,
            )
        return elsewhere

    def has(self, digest: Digest) -> bool:
        """Tell whether there is an object here with that name; its bytes are not looked at."""
        return self._blob(digest).exists()

    def shown(self, record: Record) -> str:
        """Return the path of a record's raw answer for a message, relative to the project."""
        return self._shown(self._blob(record.answer))

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.root.parent).as_posix()

    def _blob(self, digest: Digest) -> Path:
        return self.root / "store" / "blobs" / digest[:2] / digest

    # ---- raw answers, by the request that they answer -------------------------------------------

    def keep_answer(self, request: Digest, data: bytes, generator: Mapping[str, str]) -> Digest:
        """Make a raw answer durable, so that a crash never loses what was paid for."""
        digest = self.put(data)
        line = canonical_json({"answer": digest, "generator": dict(generator)}) + "\n"
        files.append(self.root / "store" / "answers" / request, line.encode(), durable=True)
        return digest

    def unjudged(
        self, module: ModuleName, request: Digest
    ) -> tuple[bytes, Mapping[str, str]] | None:
        """Return an answer to a request that was neither accepted nor rejected yet."""
        judged = self.judged(module, request)
        for digest, generator in self.answers(request):
            data = self.get(digest)
            if digest not in judged and data is not None:
                return data, generator
        return None

    def has_unjudged(self, module: ModuleName, request: Digest) -> bool:
        """Tell whether there is such an answer."""
        judged = self.judged(module, request)
        return any(digest not in judged for digest, _ in self.answers(request))

    def judged(self, module: ModuleName, request: Digest) -> frozenset[Digest]:
        """Return the answers to a request of which it is known what came of them."""
        return frozenset(a.answer for a in self.attempts(module) if a.request == request)

    def answers(self, request: Digest) -> Iterator[tuple[Digest, Mapping[str, str]]]:
        """Yield each answer that was given to a request, with its generator's facts, in order."""
        lines = files.read_if_exists(self.root / "store" / "answers" / request) or b""
        for line in lines.splitlines():
            try:
                value = json.loads(line)
                yield Digest(value["answer"]), dict(value["generator"])
            except (ValueError, KeyError, TypeError):
                continue  # a line cut off by a crash

    # ---- candidates: accepted answers, found again by what they were made from -------------------

    def add_candidate(self, record: Record, assembly: bytes) -> None:
        """Remember an accepted module, so that the same question is never asked again.

        Of an edit that nobody attested the text lies in modules/ anyway, where its author can lose
        it in the same way: nothing waits for the medium then.
        """
        durable = record.standing is not Standing.EDITED
        self.put(assembly, durable=durable)
        files.write_atomic(self.candidate_path(record), records.encode(record), durable=durable)

    def candidate_path(self, record: Record) -> Path:
        """Return where an accepted record is kept."""
        return self.root / "store" / "candidates" / record.module / candidate_name(record)

    def share(self, record: Record) -> bool:
        """Send an accepted module to the shared store, if that is configured to be written to.

        Its record, its text and its raw answer are sent, nothing else; an edit that nobody
        attested is not. Tells whether it was sent.
        """
        if self.shared is None or not self.shared.writes or record.standing is Standing.EDITED:
            return False
        texts = []
        for digest in (record.assembly, record.answer):
            with contextlib.suppress(DamagedError):
                texts.append(self.get(digest))
        return self.shared.offer(record, tuple(t for t in texts if t is not None))

    def candidates(self, module: ModuleName, key: str) -> Iterator[Record | DamagedError]:
        """Yield the accepted records of a module for one spec and own contract.

        What was in modules/ last comes first: reverting an edit gives back what was there before.
        An unreadable one is yielded as the error that says so. The shared store is asked last, and
        only by who takes them all.
        """
        yield from self.local_candidates(module, key)
        if self.shared is not None:
            yield from self.shared.candidates(module, key)

    def local_candidates(
        self, module: ModuleName, key: str, text: str = ""
    ) -> tuple[Record | DamagedError, ...]:
        """Return those that this project's own store has, or those of one text, by its digest."""
        directory = self.root / "store" / "candidates" / module
        found = []
        for name in files.listing(directory, of_text(text)):
            if name.startswith(key):
                record = self._candidate(directory / name)
                accepted = "" if isinstance(record, DamagedError) else record.accepted
                found.append((files.written(directory / name), accepted, name, record))
        return tuple(r for *_, r in sorted(found, key=lambda f: f[:-1], reverse=True))

    def _candidate(self, path: Path) -> Record | DamagedError:
        try:
            return records.decode(files.read_bytes(path), self._shown(path))
        except UsageError as error:
            what = "a record in the store is damaged"
            return DamagedError(what, where=error.where, why=error.why, help=MEND)

    # ---- attempts: everything that was ever handed in --------------------------------------------

    def log_attempt(self, module: ModuleName, attempt: Attempt) -> None:
        """Append an attempt to the module's log."""
        line = canonical_json(records.encode_attempt(attempt)) + "\n"
        files.append(self._attempts(module), line.encode())

    def attempts(self, module: ModuleName) -> tuple[Attempt, ...]:
        """Return the attempts of a module in order; a line cut off by a crash is passed over."""
        found = []
        for line in (files.read_if_exists(self._attempts(module)) or b"").splitlines():
            try:
                found.append(records.decode_attempt(json.loads(line)))
            except (ValueError, KeyError, TypeError):
                continue
        return tuple(found)

    def rename(self, module: ModuleName, to: ModuleName) -> None:
        """Let a module's attempts follow it to its new name."""
        data = files.read_if_exists(self._attempts(module))
        if data is not None:
            files.append(self._attempts(to), data)
            files.remove(self._attempts(module))

    def _attempts(self, module: ModuleName) -> Path:
        return self.root / "attempts" / f"{module}.jsonl"
