"""Names and digests: the two kinds of word that everything else is keyed by."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NewType

ModuleName = NewType("ModuleName", str)
InterfaceName = NewType("InterfaceName", str)
Digest = NewType("Digest", str)
"""Lower-case hexadecimal SHA-256, 64 characters."""


def digest_bytes(data: bytes) -> Digest:
    """Return the SHA-256 of `data`: the digest of a file is the digest of its bytes."""
    return Digest(hashlib.sha256(data).hexdigest())


def digest_of(domain: str, value: Any) -> Digest:
    """Return the digest of a JSON value within `domain`.

    The domain keeps values of different meaning apart ("key", "spec", ...). The value is encoded
    as canonical JSON (sorted keys, no blanks, UTF-8), so equal values have equal digests on every
    machine and in every release.
    """
    return digest_bytes(f"{domain}\0{canonical_json(value)}".encode())


def canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys and no blanks."""
    return _CANONICAL.encode(value)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
