"""What moves and shuffles of vector registers do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.trial.lanes import SIZES, XMM, both, clamped, joined, put, shape, source, split
from asmith.check.trial.processor import MASK, signed
from asmith.check.trial.program import Unable

if TYPE_CHECKING:
    from asmith.check.trial.lanes import Act
    from asmith.check.trial.processor import Processor
    from asmith.toolchain.decode import Insn


def _moved(m: Processor, e: Insn, at: int) -> None:
    first, last = e.operands[0], e.operands[1]
    size = first[2] if first[0] == "v" else last[2] if last[0] == "v" else e.size
    if first[0] == "v":
        put(m, e, source(m, e, 1, at, size), size)
    elif last[0] == "v":
        m.memory.write(m.address(e, at), size, m.v[last[1]] & MASK[size], at)
    else:
        raise Unable


def _scalar(m: Processor, e: Insn, at: int) -> None:
    """Run movss, movsd, movd and movq."""
    name = e.name.removeprefix("v")
    size = 4 if name in ("movss", "movd") else 8
    first = e.operands[0]
    if len(e.operands) == 3:
        a, b = source(m, e, 1, at, XMM), source(m, e, 2, at, size)
        put(m, e, a & ~MASK[size] | b, XMM)
    elif first[0] == "v":
        other = e.operands[1]
        value = source(m, e, 1, at, size)
        merges = other[0] == "v" and name in ("movss", "movsd")
        put(m, e, value, size if merges else XMM)
    elif first[0] == "r":
        m.set(e, 0, at, size, source(m, e, 1, at, size))
    else:
        m.memory.write(m.address(e, at), size, source(m, e, 1, at, size), at)


def _halves(m: Processor, e: Insn, at: int) -> None:
    """Run movhps, movlps, movhpd, movlpd, movhlps and movlhps."""
    name = e.name.removeprefix("v")
    first = e.operands[0]
    high = name in ("movhps", "movhpd", "movlhps")
    if first[0] == "m":
        value = m.v[e.operands[1][1]]
        m.memory.write(m.address(e, at), 8, (value >> 64 if high else value) & MASK[8], at)
        return
    one, other = (1, 2) if len(e.operands) == 3 else (0, 1)
    a = source(m, e, one, at, XMM)
    if name == "movhlps":
        put(m, e, a & ~MASK[8] | source(m, e, other, at, XMM) >> 64, XMM)
        return
    b = source(m, e, other, at, 8)
    put(m, e, a & MASK[8] | b << 64 if high else a & ~MASK[8] | b, XMM)


def _doubled(m: Processor, e: Insn, at: int) -> None:
    """Run movddup, movshdup, movsldup."""
    total = e.operands[0][2]
    name = e.name.removeprefix("v")
    if name == "movddup":
        value = source(m, e, 1, at, 8 if total == XMM else total)
        low = split(value, 8, total)[::2] if total > XMM else [value]
        put(m, e, joined([x for lane in low for x in (lane, lane)], 8), total)
        return
    lanes = split(source(m, e, 1, at, total), 4, total)
    start = 1 if name == "movshdup" else 0
    put(m, e, joined([lanes[n // 2 * 2 + start] for n in range(len(lanes))], 4), total)


def _broadcast(m: Processor, e: Insn, at: int) -> None:
    total = e.operands[0][2]
    size = {"b": 1, "w": 2, "d": 4, "q": 8, "ss": 4, "sd": 8, "f128": 16, "i128": 16}[
        e.name.removeprefix("vpbroadcast").removeprefix("vbroadcast")
    ]
    put(m, e, joined([source(m, e, 1, at, size)] * (total // size), size), total)


# ---- shuffles ------------------------------------------------------------------------------------


def _interleaved(m: Processor, e: Insn, at: int) -> None:
    total, one, other = shape(e)
    name = e.name.removeprefix("v")
    high = "h" in name.removeprefix("punpck").removeprefix("unpck")[:1]
    size = {"bw": 1, "wd": 2, "dq": 4, "qdq": 8, "ps": 4, "pd": 8}[
        name.removeprefix("punpck").removeprefix("unpck")[1:]
    ]
    made = []
    a, b = source(m, e, one, at, total), source(m, e, other, at, total)
    for x, y in zip(split(a, 16, total), split(b, 16, total), strict=True):
        p, q = split(x, size, 16), split(y, size, 16)
        half = len(p) // 2
        for n in range(half, 2 * half) if high else range(half):
            made += [p[n], q[n]]
    put(m, e, joined(made, size), total)


def _shuffled(m: Processor, e: Insn, at: int) -> None:
    """Run pshufd, pshuflw, pshufhw, vpermilps/pd, shufps/pd and vpermq/pd by immediates."""
    name = e.name.removeprefix("v")
    kind = e.operands[-1]
    total = e.operands[0][2]
    if kind[0] != "i":
        raise Unable
    order = kind[1] & 0xFF
    if name in ("permq", "permpd"):
        lanes = split(source(m, e, 1, at, 32), 8, 32)
        put(m, e, joined([lanes[order >> 2 * n & 3] for n in range(4)], 8), 32)
        return
    if name in ("shufps", "shufpd"):
        total, one, other = shape(e)
        if e.name[0] != "v":
            one, other = 0, 1
    else:
        one = other = 1
    a, b = source(m, e, one, at, total), source(m, e, other, at, total)
    made = []
    for k, (x, y) in enumerate(zip(split(a, 16, total), split(b, 16, total), strict=True)):
        if name in ("shufpd", "permilpd"):
            p, q = split(x, 8, 16), split(y, 8, 16)
            made.append(joined([p[order >> 2 * k & 1], q[order >> 2 * k + 1 & 1]], 8))
        elif name in ("pshuflw", "pshufhw"):
            p = split(x, 2, 16)
            at_ = 4 if name == "pshufhw" else 0
            moved = [p[at_ + (order >> 2 * n & 3)] for n in range(4)]
            made.append(joined(p[:4] + moved if at_ else moved + p[4:], 2))
        else:
            p, q = split(x, 4, 16), split(y, 4, 16)
            low = [p[order >> 2 * n & 3] for n in (0, 1)]
            made.append(joined(low + [q[order >> 2 * n & 3] for n in (2, 3)], 4))
    put(m, e, joined(made, 16), total)


def _by_bytes(m: Processor, e: Insn, at: int) -> None:
    """Run pshufb and palignr."""
    total, one, other = shape(e)
    if e.name == "palignr":
        one, other = 0, 1
    a, b = source(m, e, one, at, total), source(m, e, other, at, total)
    made = []
    for x, y in zip(split(a, 16, total), split(b, 16, total), strict=True):
        if "shuf" in e.name:
            p = split(x, 1, 16)
            made.append(joined([0 if n & 0x80 else p[n & 15] for n in split(y, 1, 16)], 1))
        else:
            count = e.operands[-1][1] & 0xFF
            made.append((x << 128 | y) >> 8 * count & MASK[16])
    put(m, e, joined(made, 16), total)


def _packed(m: Processor, e: Insn, at: int) -> None:
    total, one, other = shape(e)
    name = e.name.removeprefix("v")
    size = 2 if name.endswith("wb") else 4
    half = size // 2
    low, high = (0, MASK[half]) if "us" in name else (-(1 << 8 * half - 1), MASK[half] >> 1)
    made = []
    a, b = source(m, e, one, at, total), source(m, e, other, at, total)
    for x, y in zip(split(a, 16, total), split(b, 16, total), strict=True):
        lanes = split(x, size, 16) + split(y, size, 16)
        made += [clamped(signed(lane, size), low, high) for lane in lanes]
    put(m, e, joined(made, half), total)


def _widened(m: Processor, e: Insn, at: int) -> None:
    """Run pmovzx and pmovsx."""
    name = e.name.removeprefix("v")
    come, go = SIZES[name[6]], SIZES[name[7]]
    total = e.operands[0][2]
    width = total // go * come
    value = 0
    if e.operands[1][0] == "v":
        value = m.v[e.operands[1][1]] & (1 << 8 * width) - 1
    else:
        value = m.memory.read(m.address(e, at), width)
    mask = MASK[come]
    lanes = [value >> 8 * come * n & mask for n in range(total // go)]
    if name[4] == "s":
        lanes = [signed(lane, come) for lane in lanes]
    put(m, e, joined(lanes, go), total)


def _parts(m: Processor, e: Insn, at: int) -> None:
    """Run vextracti128, vinserti128, vperm2i128 and the like."""
    name = e.name
    order = e.operands[-1][1]
    if "extract" in name:
        value = m.v[e.operands[1][1]] >> 128 * (order & 1) & MASK[16]
        if e.operands[0][0] == "v":
            m.v[e.operands[0][1]] = value
        else:
            m.memory.write(m.address(e, at), 16, value, at)
        return
    a = source(m, e, 1, at, 32)
    if "insert" in name:
        b = source(m, e, 2, at, 16)
        put(m, e, a & MASK[16] | b << 128 if order & 1 else a & ~MASK[16] | b, 32)
        return
    halves = split(a, 16, 32) + split(source(m, e, 2, at, 32), 16, 32)
    pick = [0 if order >> 4 * n & 8 else halves[order >> 4 * n & 3] for n in range(2)]
    put(m, e, joined(pick, 16), 32)


def _permuted(m: Processor, e: Insn, at: int) -> None:
    """Run vpermd and vpermps."""
    order, lanes = split(source(m, e, 1, at, 32), 4, 32), split(source(m, e, 2, at, 32), 4, 32)
    put(m, e, joined([lanes[n & 7] for n in order], 4), 32)


def _one_lane(m: Processor, e: Insn, at: int) -> None:
    """Run pinsr and pextr, extractps and insertps with plain numbers."""
    name = e.name.removeprefix("v")
    size = 4 if name == "extractps" else SIZES.get(name[5], 0)
    order = e.operands[-1][1] & 0xFF
    if name.startswith(("pextr", "extract")):
        lane = m.v[e.operands[1][1]] >> 8 * size * (order & 16 // size - 1) & MASK[size]
        if e.operands[0][0] == "r":
            m.set(e, 0, at, max(4, size), lane)
        else:
            m.memory.write(m.address(e, at), size, lane, at)
        return
    if name == "insertps":
        one, other = (1, 2) if len(e.operands) == 4 else (0, 1)
        whole = source(m, e, other, at, 16) if e.operands[other][0] == "v" else 0
        lane = whole >> 32 * (order >> 6) & MASK[4]
        if e.operands[other][0] != "v":
            lane = source(m, e, other, at, 4)
        lanes = split(source(m, e, one, at, 16), 4, 16)
        lanes[order >> 4 & 3] = lane
        put(m, e, joined([0 if order >> n & 1 else x for n, x in enumerate(lanes)], 4), 16)
        return
    one, other = (1, 2) if len(e.operands) == 4 else (0, 1)
    lanes = split(source(m, e, one, at, 16), size, 16)
    lanes[order & 16 // size - 1] = source(m, e, other, at, size)
    put(m, e, joined(lanes, size), 16)


def _chosen(m: Processor, e: Insn, at: int) -> None:
    """Run blends."""
    name = e.name.removeprefix("v")
    total, one, other = shape(e)
    if e.name[0] != "v":
        one, other = 0, 1
    a, b = source(m, e, one, at, total), source(m, e, other, at, total)
    size = {"w": 2, "d": 4, "s": 4, "b": 1}[name[-1] if not name.endswith("pd") else "d"]
    if name.endswith("pd"):
        size = 8
    last = e.operands[-1]
    x, y = split(a, size, total), split(b, size, total)
    if last[0] == "i":
        order = last[1] & 0xFF
        made = [y[n] if order >> n % 8 & 1 else x[n] for n in range(len(x))]
    else:
        by = m.v[last[1]] if e.name[0] == "v" and len(e.operands) == 4 else m.v[0]
        which = split(by & MASK[total], size, total)
        made = [y[n] if which[n] >> 8 * size - 1 else x[n] for n in range(len(x))]
    put(m, e, joined(made, size), total)


def _signs(m: Processor, e: Insn, at: int) -> None:
    size = {"b": 1, "s": 4, "d": 8}[e.name[-1]]
    total = e.operands[1][2]
    lanes = split(m.v[e.operands[1][1]] & MASK[total], size, total)
    value = sum((lane >> 8 * size - 1) << n for n, lane in enumerate(lanes))
    m.set(e, 0, at, 4, value)


def _tested(m: Processor, e: Insn, at: int) -> None:
    total = e.operands[0][2]
    a, b = source(m, e, 0, at, total), source(m, e, 1, at, total)
    m.zf, m.cf = int(not a & b), int(not ~a & b)
    m.of = m.sf = m.pf = 0


def _absolute(m: Processor, e: Insn, at: int) -> None:
    size, total = SIZES[e.name[-1]], e.operands[0][2]
    lanes = split(source(m, e, 1, at, total), size, total)
    put(m, e, joined([abs(signed(lane, size)) for lane in lanes], size), total)


def _cleared(m: Processor, e: Insn, at: int) -> None:
    upper = MASK[16] if e.name == "vzeroupper" else 0
    m.v = [value & upper for value in m.v]


_UNPACKS = "punpck{0}bw punpck{0}wd punpck{0}dq punpck{0}qdq unpck{0}ps unpck{0}pd"
_PARTS = "extracti128 extractf128 inserti128 insertf128 perm2i128 perm2f128"
_LOADS = "pbroadcastb pbroadcastw pbroadcastd pbroadcastq broadcastss broadcastsd broadcastf128"
_PAIRS = ("bw", "bd", "bq", "wd", "wq", "dq")
SHUFFLES: dict[str, Act] = {
    **both("movaps movapd movups movupd movdqa movdqu lddqu movntdq movntps movntpd", _moved),
    **both("movss movsd movd movq", _scalar),
    **both("movhps movlps movhpd movlpd movhlps movlhps", _halves),
    **both("movddup movshdup movsldup", _doubled),
    **both(f"{_UNPACKS.format('l')} {_UNPACKS.format('h')}", _interleaved),
    **both("pshufd pshuflw pshufhw shufps shufpd permilps permilpd permq permpd", _shuffled),
    **both("pshufb palignr", _by_bytes),
    **both("packuswb packusdw packsswb packssdw", _packed),
    **both("pextrb pextrw pextrd pextrq pinsrb pinsrw pinsrd pinsrq", _one_lane),
    **both("extractps insertps", _one_lane),
    **both("pblendw blendps blendpd pblendd pblendvb blendvps blendvpd", _chosen),
    **both("pmovmskb movmskps movmskpd", _signs),
    **both("ptest", _tested),
    **both("pabsb pabsw pabsd", _absolute),
    **both("permd permps", _permuted),
    **both(" ".join(f"pmov{sign}x{pair}" for sign in "sz" for pair in _PAIRS), _widened),
    **both(_PARTS, _parts),
    **both(f"{_LOADS} broadcasti128", _broadcast),
    **both("zeroupper zeroall", _cleared),
}
