"""A generator without a model: the same request always gets the same assembly.

It reads a request on standard input and answers on standard output. What it writes follows from
the requirements and from the contracts of what they name, and from nothing else in the request.
Requirements may say:

    NAME MUST add 7            the sum starts with that number
    NAME MUST call other       it adds other(x); `other` must be in a contract that it may use
    NAME MUST use LIMIT        it adds a constant or a structure offset, by its contract's name

so that f(x) = x + everything that it adds, modulo 2^64. Each contract that it depends on enters
the text as a comment, so that a changed contract always gives another text.
"""

import re
import sys


def main() -> None:
    request = sys.stdin.read()
    own, others, requirements = parse(request)
    lines = ["        default rel", "        bits    64", ""]
    for name, contract in own.items():
        lines += function(name, contract, others, requirements.get(name, []))
    lines.append("        section .note.GNU-stack noalloc noexec nowrite progbits")
    banner = re.search(r"^# Its banner\n(.*?)^# ", request, re.MULTILINE | re.DOTALL)[1].strip()
    lines = ["```nasm", banner, *lines, "```", ""]
    sys.stdout.write("\n".join(lines))


def parse(request: str) -> tuple[dict[str, str], dict[str, str], dict[str, list[str]]]:
    """Return the functions of its own, all other contracts by name, and requirements by owner."""
    own_part = request.split("# The contract that it implements\n")[1].split("\n# ", maxsplit=1)[0]
    own = declarations(own_part)
    others: dict[str, str] = dict(own)
    for part in re.findall(r"(?ms)^# Contract that it may use: .*?(?=^# )", request):
        others |= declarations(part)
    found: dict[str, list[str]] = {}
    text = re.split(
        r"\n# (?:The module as it is|Your answer)", request.split("\n# Requirements\n")[1]
    )[0]
    for owner, words in re.findall(r"^- \[\w+-\d+\] (?:(\w+): )?(.*)$", text, re.MULTILINE):
        found.setdefault(owner, []).append(words)
    return {n: c for n, c in own.items() if "(" in c}, others, found


def declarations(part: str) -> dict[str, str]:
    """Return each declaration of a contract sheet by the name that assembly uses for it.

    A constant's value and a field's offset are no part of what comes back.
    """
    found: dict[str, str] = {}
    name = ""
    for line in part.splitlines():
        if match := re.match(r"^\w[\w *]*?\b(\w+)\(.*\);$", line):
            name = match[1]
            found[name] = line
        elif match := re.match(r"^    (t_\w+\.\w+) = \d+ \(size \d+\): (.*)$", line):
            found[match[1]] = match[2]
        elif match := re.match(r"^    ([A-Z]\w*) = ", line):
            found[match[1]] = "constant"
        elif line.startswith("    ") and name:
            found[name] += "\n" + line
        else:
            name = ""
    return found


def function(name: str, contract: str, others: dict[str, str], says: list[str]) -> list[str]:
    """Return the lines of one function."""
    words = " ".join(says)
    comments = [f"; {line}" for line in contract.splitlines()]
    body = []
    for number in re.findall(r"\badd (\d+)", words):
        body += [f"        mov     rax, {number}", "        add     rbx, rax"]
    for other in re.findall(r"\bcall (\w+)", words):
        comments += [f"; {other}: {line}" for line in others[other].splitlines()]
        suffix = "" if other in contract else " wrt ..plt"
        body += ["        mov     rdi, r12", f"        call    {other}{suffix}"]
        body += ["        add     rbx, rax"]
    for constant in re.findall(r"\buse ([\w.]+\w)", words):
        comments.append(f"; {constant}: {others[constant]}")
        body += [f"        mov     rax, {constant}", "        add     rbx, rax"]
    comments += [f"; {line}" for line in says]
    return [
        "",
        *comments,
        "        section .text align=16",
        f"        global  {name}:function ({name}.end - {name})",
        f"{name}:",
        "        push    rbx",
        "        push    r12",
        "        push    r12                     ; rsp = 0 mod 16",
        "        mov     r12, rdi",
        "        mov     rbx, rdi",
        *body,
        "        mov     rax, rbx",
        "        pop     r12",
        "        pop     r12",
        "        pop     rbx",
        "        ret",
        ".end:",
        "",
    ]


if __name__ == "__main__":
    main()
