"""The workspace: configuration, specs and interfaces joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asmith.errors import UsageError
from asmith.model.names import InterfaceName, ModuleName
from asmith.project.workspace import Workspace, find_root, load

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "pyproject.toml": '[tool.asmith.products.app]\nbind = { store = "memory" }\n',
    "interfaces/types.h": "#define LIMIT 5\nstruct item { int first; };\n",
    "interfaces/libc.h": (
        '//@ asm library "libc";\n'
        "//@ assigns \\nothing;\nint abs(int x);\n//@ assigns \\nothing;\nint labs2(int x);\n"
    ),
    "interfaces/store.h": (
        '#include "types.h"\n//@ assigns \\nothing;\nint store(int x);\n'
        "//@ assigns \\nothing;\nint load(int x);\n"
    ),
    "interfaces/main.h": "//@ assigns \\nothing;\nint main(void);\n",
    "specs/main.md": (
        "---\nmodule: main\nuses: [store.load, libc]\n---\n## Requirements\n- **FR-001**: A.\n"
    ),
    "specs/memory.md": (
        "---\nmodule: memory\nimplements: store\n---\n## Requirements\n- **FR-001**: A.\n"
    ),
    "specs/disk.md": (
        "---\nmodule: disk\nimplements: store\n---\n## Requirements\n- **FR-001**: A.\n"
    ),
}


def workspace(root: Path, **changes: str) -> Workspace:
    """Write the project with some files changed, and load it."""
    for path, text in (FILES | changes).items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return load(root)


def test_everything_is_joined(tmp_path: Path) -> None:
    found = workspace(tmp_path)
    assert sorted(found.specs) == ["disk", "main", "memory"]
    assert sorted(found.interfaces) == ["libc", "main", "store", "types"]
    assert found.interface_of(ModuleName("disk")).name == "store"
    assert sorted(found.sources) == sorted(FILES)


def test_a_product_binds_one_of_two_implementers(tmp_path: Path) -> None:
    found = workspace(tmp_path)
    store = InterfaceName("store")
    assert found.implementers(store) == ("disk", "memory")
    assert found.provider(store, found.config.products["app"]) == "memory"
    assert found.provider(store, None) == "disk"
    assert found.provider(InterfaceName("libc"), None) is None


def test_a_module_sees_its_own_what_it_uses_and_the_types_behind(tmp_path: Path) -> None:
    found = workspace(tmp_path)
    seen = found.visible(ModuleName("main"))
    functions = {"main", "load", "abs", "labs2"}
    assert set(seen) & {"store", *functions} == functions
    assert {"LIMIT", "t_item.first"} <= set(seen)
    assert list(found.visible_interfaces(ModuleName("main"))) == ["libc", "main", "store", "types"]


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        ("specs/main.md", "module: main", "module: mean", "the spec says module 'mean', but its"),
        (
            "specs/disk.md",
            "store",
            "stor",
            "module 'disk' implements 'stor', which is no interface; did you mean 'store'?",
        ),
        ("specs/disk.md", "store", "types", "interface 'types' has nothing to implement"),
        ("specs/disk.md", "store", "libc", "interface 'libc' has nothing to implement"),
        ("specs/main.md", "libc]", "libd]", "'libd' in uses: there is no interface 'libd'"),
        ("specs/main.md", "store.load", "store.lod", "'store.lod' in uses: interfaces/store.h do"),
        ("specs/disk.md", "\n- **FR", "\n### lode\n- **FR", "requirement FR-001 stands under 'lo"),
        ("pyproject.toml", '"memory"', '"memo"', "product 'app' names module 'memo', which has "),
        ("pyproject.toml", "{ store", "{ stor", "product 'app' names interface 'stor', which do"),
        ("pyproject.toml", "bind", 'roots = ["men"]\nbind', "product 'app' names module 'men'"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    tmp_path: Path, path: str, old: str, new: str, message: str
) -> None:
    assert FILES[path].count(old) == 1
    with pytest.raises(UsageError) as caught:
        workspace(tmp_path, **{path: FILES[path].replace(old, new)})
    assert caught.value.what.startswith(message)
    assert str(caught.value.where).partition(":")[0] == path


def test_the_root_is_found_from_below(tmp_path: Path) -> None:
    workspace(tmp_path)
    deep = tmp_path / "specs" / "deep"
    deep.mkdir()
    (deep / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    assert find_root(deep) == tmp_path
    with pytest.raises(UsageError, match="this is no asmith project"):
        find_root(tmp_path.parent)
