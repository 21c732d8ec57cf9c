"""`asmith watch`: what an edit, a checkout or a key press leads to, event by event."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from asmith.model.iteration import Kind, Result
from asmith.run import layout
from asmith.store.iterations import Log
from fakes.command import generator_that, without_generator
from fakes.sample import KEYLESS, Sample
from fakes.watching import Watching

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.command import Command

FAST = ("--idle", "0.2")


def changed_by_hand(sample: Sample, number: int) -> None:
    """Change what `mid` adds, in its text."""
    text = sample.read("modules/mid.asm")
    old = next(line for line in text.splitlines() if "mov     rax, " in line)
    sample.write("modules/mid.asm", text.replace(old, f"        mov     rax, {number}"))


def test_it_builds_what_is_saved(plain: Sample) -> None:
    before = plain.top(1)
    with Watching(plain) as watching:
        assert (watching.first["result"], watching.first["executed"]) == ("adopted", [])
        changed_by_hand(plain, 20)
        told = watching.iteration()
        assert told["executed"] == ["assemble:mid", "check:mid", "link:sum"]
        assert (told["result"], told["kind"]) == ("adopted", "hand edit")
        assert told["changed"] == ["modules/mid.asm"]
        assert 0 < told["linked"] < told["total"]
        assert plain.top(1) == before + 10
        assert watching.is_quiet()  # what adoption wrote is no edit
    (row,) = [r for r in Log(plain.root / layout.ITERATIONS).read() if r.command == "watch"]
    assert (row.kind, row.result, row.waited is not None) == (Kind.HAND, Result.ADOPTED, True)


def test_tests_of_what_links_the_change_are_run(sample: Sample) -> None:
    with Watching(sample) as watching:
        sample.edit("tests/modules/test_mid.py", ">= 1", ">= 0")
        told = watching.iteration()
        assert told["executed"] == ["test:mid"]
        assert 0 < told["tested"] <= told["total"]


def test_a_generator_is_asked_when_it_is_quiet(plain: Sample) -> None:
    with Watching(plain, *FAST) as watching:
        plain.edit("specs/mid.md", "add 10", "add 11")
        told = watching.iteration()
        assert (told["result"], told["executed"]) == ("waiting", [])
        assert told["waiting_for"] == ["module 'mid' waits for an answer"]
        told = watching.iteration()
        assert told["executed"] == ["generate:mid", "assemble:mid", "check:mid", "link:sum"]
        assert (told["result"], told["kind"], told["regenerated"]) == (
            "adopted",
            "requirement",
            ["mid"],
        )
    rows = [r for r in Log(plain.root / layout.ITERATIONS).read() if r.command == "watch"]
    assert [(r.result, [f.path for f in r.files]) for r in rows] == [
        (Result.ADOPTED, ["specs/mid.md"])
    ]


def test_what_the_store_knows_waits_for_nothing(plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.ran()
    with Watching(plain, "--idle", "600") as watching:
        plain.edit("specs/mid.md", "add 11", "add 10")
        assert watching.iteration()["executed"][0] == "generate:mid"


def test_edits_that_follow_each_other_are_asked_once(plain: Sample) -> None:
    generator_that(plain, "open('calls', 'a').write(name + '\\n')")
    with Watching(plain, "--idle", "1.5") as watching:
        for number in range(11, 15):
            plain.edit("specs/mid.md", f"add {number - 1}", f"add {number}")
            assert watching.iteration()["result"] == "waiting"
        assert watching.iteration()["result"] == "adopted"
    assert plain.read("calls") == "mid\n"


def test_an_error_keeps_the_last_good_build(plain: Sample) -> None:
    before = plain.tree("build/bin")
    with Watching(plain) as watching:
        plain.edit("modules/mid.asm", "push    rbx", "pusch   rbx")
        told = watching.iteration()
        assert (told["result"], len(told["errors"])) == ("failed", 1)
        assert told["errors"][0].startswith("error[ASM001]: ")
        plain.edit("specs/top.md", "module: top", "modul: top")
        told = watching.iteration()
        assert told["errors"][0].startswith("error: unknown key 'modul' in the front matter")
        assert plain.tree("build/bin") == before
        plain.edit("specs/top.md", "modul: top", "module: top")
        watching.iteration()
        plain.edit("modules/mid.asm", "pusch   rbx", "push    rbx")
        assert watching.iteration()["result"] == "adopted"


def test_prose_and_equal_bytes(plain: Sample) -> None:
    with Watching(plain) as watching:
        plain.edit("specs/mid.md", "Nothing here", "Nothing at all")
        told = watching.iteration()
        assert (told["kind"], told["executed"], told["result"]) == ("prose", [], "adopted")
        (plain.root / "specs/mid.md").touch()
        plain.write("specs/mid.md", plain.read("specs/mid.md"))
        plain.write("specs/.mid.md.swp", "an editor's own")
        plain.write("notes.txt", "none of its business")
        assert watching.is_quiet()


def test_editors_that_write_by_rename(plain: Sample) -> None:
    with Watching(plain) as watching:
        for number in (20, 30):
            text = plain.read("modules/mid.asm").replace("rax, 10", f"rax, {number}")
            plain.write("modules/.mid.asm.tmp", text.replace("rax, 20", f"rax, {number}"))
            (plain.root / "modules/mid.asm").rename(plain.root / "modules/mid.asm~")
            (plain.root / "modules/.mid.asm.tmp").rename(plain.root / "modules/mid.asm")
            assert watching.iteration()["executed"] == ["assemble:mid", "check:mid", "link:sum"]
        assert plain.top(0) == 1 + 5 + 8 + 30 + 100


def test_directories_that_go_and_come_again(plain: Sample) -> None:
    with Watching(plain) as watching:
        shutil.move(plain.root / "specs", plain.root / "away")
        assert watching.iteration()["result"] == "failed"
        shutil.copytree(plain.root / "away", plain.root / "specs")
        while watching.iteration()["result"] != "adopted":
            pass
        plain.edit("specs/mid.md", "Nothing here", "Nothing at all")
        assert watching.iteration()["changed"] == ["specs/mid.md"]


def test_a_checkout_of_many_files_is_one_edit(plain: Sample) -> None:
    def git(*arguments: str) -> None:
        settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "gc.auto=0"]
        subprocess.run(["git", *settings, *arguments], cwd=plain.root, check=True)

    plain.write(".gitignore", "build/\n.asmith/\n")
    for number in range(300):
        plain.write(f"tests/modules/mid/data{number}.txt", "1")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    for number in range(300):
        plain.write(f"tests/modules/mid/data{number}.txt", "2")
    changed_by_hand(plain, 20)
    git("commit", "-qam", "two")
    plain.ran()
    git("commit", "-qam", "built")
    with Watching(plain) as watching:
        git("checkout", "-q", "HEAD~2")
        told, changed = watching.iteration(), set[str]()
        while told["result"] == "cancelled":  # git was slower than one debounce
            changed |= set(told["changed"])
            told = watching.iteration()
        assert told["result"] == "adopted"
        assert len(changed | set(told["changed"])) == 302
        assert watching.is_quiet()


def slow(sample: Sample) -> None:
    """Let the test of mid take a minute."""
    sample.edit(
        "tests/modules/test_mid.py",
        "def test_it_adds(module):\n",
        "def test_it_adds(module):\n    import time\n    open('begun', 'w').close()\n"
        "    time.sleep(60)\n",
    )


def until_begun(sample: Sample) -> None:
    """Wait until the test of mid runs."""
    while not (sample.root / "begun").exists():
        time.sleep(0.01)


def test_a_newer_edit_stops_a_build(sample: Sample) -> None:
    fast = sample.read("tests/modules/test_mid.py")
    with Watching(sample) as watching:
        slow(sample)
        until_begun(sample)
        started = time.monotonic()
        sample.write("tests/modules/test_mid.py", fast)
        told = watching.iteration()
        assert (told["result"], told["executed"]) == ("cancelled", ["test:mid"])
        assert watching.iteration()["executed"] in ([], ["test:mid"])
        assert time.monotonic() - started < 30
        assert sample.ran() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_at_once_and_leaves_nothing(sample: Sample, number: int) -> None:
    with Watching(sample) as watching:
        slow(sample)
        until_begun(sample)
        code, said = watching.stop(number)
        assert (code, said) == (130, "")
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(sample.root) not in found.stdout
    assert list((sample.root / "build/tmp").iterdir()) == []


def test_another_command_builds_meanwhile(asmith: Command, plain: Sample) -> None:
    without_generator(plain)
    with Watching(plain) as watching:
        plain.edit("specs/mid.md", "add 10", "add 11")
        told = watching.iteration()
        assert told["errors"][0].startswith("error: module 'mid' is stale and there is no answer")
        answer = plain.read("modules/mid.asm").replace("10", "11")
        plain.write("ANSWER", f"```nasm\n{answer}```\n")
        assert asmith(plain, "accept", "mid", str(plain.root / "ANSWER")).code == 0
        told = watching.iteration()
        assert (told["result"], told["executed"]) == ("adopted", [])


def test_without_inotify_it_looks_at_the_files(plain: Sample) -> None:
    with Watching(plain, "--poll") as watching:
        time.sleep(1.0)
        changed_by_hand(plain, 20)
        assert watching.iteration()["executed"] == ["assemble:mid", "check:mid", "link:sum"]


def test_an_included_file_is_watched_wherever_it_lies(plain: Sample) -> None:
    plain.write("data/table.bin", "one")
    text = plain.read("modules/mid.asm")
    table = '        section .rodata\n        incbin  "data/table.bin"\n'
    note = "        section .note"
    plain.write("modules/mid.asm", text.replace(note, table + note))
    plain.build()
    with Watching(plain) as watching:
        plain.write("data/table.bin", "two")
        assert watching.iteration()["changed"] == ["data/table.bin"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "some"], "error: there is no product 'some'"),
        (["--run", "sum"], "error: product 'sum' is a library, which cannot be run"),
        (["x"], "error: arguments are those of a program: say --run PRODUCT"),
        (["-n", "0"], "error: -n 0: the number of steps at a time must be at least 1"),
    ],
)
def test_bad_arguments(asmith: Command, plain: Sample, arguments: list[str], message: str) -> None:
    handlers = [(n, signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    try:
        said = asmith(plain, "watch", *arguments)
    finally:
        for number, handler in handlers:
            signal.signal(number, handler)
    assert (said.code, said.messages()) == (2, [message])


def test_a_program_is_run_and_run_again_when_it_changed(asmith: Command, tmp_path: Path) -> None:
    assert asmith.bare("init", "-q", str(tmp_path / "project")).code == 0
    project = Sample(tmp_path / "project")
    project.build()
    with Watching(project, "--run", "hello") as watching:
        assert watching.note("hello ended") == "hello ended by itself with status 0"
        text = project.read("modules/hello.asm")
        status = "        xor     eax, eax"
        assert text.count(status) == 1
        project.remove("tests")
        project.write("modules/hello.asm", text.replace(status, "        mov     eax, 3"))
        assert watching.note("hello ended") == "hello ended by itself with status 3"


def served(sample: Sample, *arguments: str) -> tuple[int, str, str]:
    """Run `asmith` as its script does, in a sample's project."""
    run = "import sys; from asmith.cli.start import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", run, *arguments],
        cwd=sample.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_another_process_has_its_commands_run(plain: Sample) -> None:
    generator_that(plain, "open('calls', 'a').write(name + '\\n')")
    with Watching(plain, "--idle", "600") as watching:
        while not (plain.root / "build/watch.sock").exists():
            time.sleep(0.01)
        assert (plain.root / "build/watch.sock").stat().st_mode & 0o777 == 0o600
        plain.edit("specs/mid.md", "add 10", "add 11")
        assert watching.iteration()["result"] == "waiting"
        code, out, err = served(plain, "plan")
        assert (code, out.splitlines()[0], err) == (0, "generate:mid", "")
        code, out, err = served(plain, "build")
        assert (code, out) == (0, "adopted: mid\n4 steps ran, 6 up to date\n")
        assert err.startswith("generate:mid                 requirement-changed: mid:FR-001")
        code, out, err = served(plain, "build", "nothing", "-q")
        assert (code, out) == (2, "")
        assert err.startswith("error: there is no module, product or step 'nothing'\nhelp: ")
        assert watching.is_quiet()
        changed_by_hand(plain, 20)
        assert watching.iteration()["executed"] == ["assemble:mid", "check:mid", "link:sum"]
    assert not (plain.root / "build/watch.sock").exists()
    assert served(plain, "build")[:2] == (0, "nothing to do: 10 steps up to date\n")


def test_a_socket_that_nobody_serves_is_passed_over(plain: Sample) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(plain.root / "build/watch.sock"))
    plain.edit("specs/mid.md", "add 10", "add 11")
    assert served(plain, "build", "-q")[0] == 0


def test_nonsense_on_the_socket_is_passed_over(plain: Sample) -> None:
    with Watching(plain) as watching:
        path = plain.root / "build/watch.sock"
        while not path.exists():
            time.sleep(0.01)
        for data in (b"", b"nonsense\n", b"asmith 2\0plan", b"asmith 1"):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                assert client.recv(10) == b""
        changed_by_hand(plain, 20)
        assert watching.iteration()["result"] == "adopted"


def test_what_a_link_reads_is_verified_though_nobody_edited_it(plain: Sample) -> None:
    with Watching(plain) as watching:
        changed_by_hand(plain, 20)
        watching.iteration()
        whole = (plain.root / "build/obj/leaf.o").read_bytes()
        (plain.root / "build/obj/leaf.o").write_bytes(whole[:-40])
        changed_by_hand(plain, 1 << 40)  # of another length: the product is linked again
        told = watching.iteration()
        assert (told["errors"], "assemble:leaf" in told["executed"]) == ([], True)
        assert (plain.root / "build/obj/leaf.o").read_bytes() == whole
        assert plain.top(0) == 1 + 5 + 8 + (1 << 40) + 100


def by_doit(sample: Sample) -> tuple[int, str, str]:
    """Run plain `doit` in a sample's project."""
    sample.write("dodo.py", "from asmith.run.dodo import DOIT_CONFIG, task_asmith\n")
    done = subprocess.run(
        [sys.executable, "-m", "doit"],
        cwd=sample.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_plain_doit_is_served(plain: Sample) -> None:
    with Watching(plain, "--idle", "600") as watching:
        while not (plain.root / "build/watch.sock").exists():
            time.sleep(0.01)
        assert by_doit(plain) == (0, "nothing to do: 10 steps up to date\n", "")
        plain.edit("specs/mid.md", "add 10", "add 11")
        assert watching.iteration()["result"] == "waiting"
        plain.remove("build/lock")
        code, out, err = by_doit(plain)
        assert (code, err) == (0, "")
        assert out.splitlines()[0].startswith(".  generate:mid  (requirement-changed: mid:FR-001")
        assert out.splitlines()[-1] == "4 steps ran, 6 up to date"
        assert plain.read("build/lock").split()[0] == str(watching.child.pid)
        assert watching.is_quiet()
        changed_by_hand(plain, 20)
        assert watching.iteration()["executed"] == ["assemble:mid", "check:mid", "link:sum"]
    assert by_doit(plain) == (0, "nothing to do: 10 steps up to date\n", "")
    assert {r.command for r in Log(plain.root / layout.ITERATIONS).read()} >= {"doit", "watch"}


def test_what_a_provider_may_take_is_said_before_it_is_asked(plain: Sample) -> None:
    plain.write("pyproject.toml", KEYLESS + '[tool.asmith.generator]\nname = "anthropic"\n')
    with Watching(plain, "--idle", "600", **os.environ | {"ANTHROPIC_API_KEY": "none"}) as watching:
        plain.edit("specs/mid.md", "add 10", "add 11")
        told = watching.iteration()
        assert told["result"] == "waiting"
        assert told["at_most"]["tokens"] > 1000
        assert 0 < told["at_most"]["usd"] < 10
        assert watching.is_quiet()
