"""Random headers for oracles: structs, unions, enums and prototypes over every class of value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

SCALARS = (
    "_Bool",
    "char",
    "signed char",
    "unsigned char",
    "short",
    "unsigned short",
    "int",
    "unsigned int",
    "long",
    "unsigned long",
    "long long",
    "float",
    "float",
    "double",
    "double",
    "void *",
    "const char *",
)
WIDE = ("long double", "__int128", "unsigned __int128")
PROMOTED = ("int", "unsigned int", "long", "double", "void *", "long double", "__int128")


@dataclass
class Headers:
    """Makes one random header after the other; `vectors` are the vector types to use."""

    random: Random
    vectors: tuple[str, ...] = ()
    types: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    extra: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def text(self, functions: int) -> str:
        """Return a header of so many prototypes; `extra` tells how to call the variadic ones."""
        self.types, self.lines, self.extra = [], ["#define COUNT 3"], {}
        self.lines.append("enum color { RED, GREEN = 7 };")
        for number in range(max(2, functions // 3)):
            self.aggregate(f"s{number}")
        for number in range(functions):
            self.function(f"f{number}")
        return "\n".join(self.lines) + "\n"

    def scalar(self) -> str:
        """Return a scalar type, seldom a wide one."""
        roll = self.random.random()
        if roll < 0.08:
            return self.random.choice(WIDE)
        if roll < 0.13 and self.vectors:
            return self.random.choice(self.vectors)
        return "enum color" if roll > 0.95 else self.random.choice(SCALARS)

    def value(self) -> str:
        """Return a type that can be passed by value."""
        if self.types and self.random.random() < 0.4:
            return self.random.choice(self.types)
        return self.scalar()

    def aggregate(self, tag: str) -> None:
        """Add a struct or union with members of every kind."""
        if self.random.random() < 0.25:
            self.wide(tag)
            return
        keyword = "union" if self.random.random() < 0.2 else "struct"
        packed = " __attribute__((packed))" if self.random.random() < 0.15 else ""
        members = [self.member(f"m{n}") for n in range(self.random.choice((1, 1, 2, 2, 3, 4, 5)))]
        self.lines.append(f"{keyword}{packed} {tag} {{ {' '.join(members)} }};")
        self.types.append(f"{keyword} {tag}")

    def wide(self, tag: str) -> None:
        """Add an aggregate around a type of two or more eightbytes."""
        wide = self.random.choice((*WIDE, *self.vectors))
        if self.random.random() < 0.5:
            self.lines.append(f"struct {tag} {{ {wide} m0; }};")
            self.types.append(f"struct {tag}")
        else:
            self.lines.append(f"union {tag} {{ {wide} m0; {self.scalar()} m1[2]; }};")
            self.types.append(f"union {tag}")

    def member(self, name: str) -> str:
        """Return the declaration of a member."""
        roll = self.random.random()
        if roll < 0.1:
            keyword = self.random.choice(("struct", "union"))
            return f"{keyword} {{ {self.scalar()} {name}a; {self.scalar()} {name}b; }};"
        if roll < 0.25:
            return f"{self.value()} {name}[{self.random.choice(('1', '2', 'COUNT', '4'))}];"
        if roll < 0.3:
            return f"int (*{name})(int, double);"
        return f"{self.value() if roll < 0.5 else self.scalar()} {name};"

    def function(self, name: str) -> None:
        """Add a prototype; one in ten is variadic."""
        count = self.random.choice((0, 1, 2, 3, 4, 6, 8, 11))
        result = "void" if self.random.random() < 0.1 else self.value()
        parameters = [f"{self.value()} p{n}" for n in range(count)]
        if parameters and self.random.random() < 0.1:
            self.extra[name] = tuple(
                self.random.choice((*PROMOTED, *self.vectors))
                for _ in range(self.random.randrange(10))
            )
            parameters.append("...")
        gap = "" if result.endswith("*") else " "
        self.lines.append("//@ assigns \\nothing;")
        self.lines.append(f"{result}{gap}{name}({', '.join(parameters) or 'void'});")
