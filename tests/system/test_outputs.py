"""Only files that a list proves to be ours may be written, replaced or removed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.file_list import LIST_NAME, FileList, inside, is_name
from svgfusion_lib.system.files import write_text
from svgfusion_lib.system.outputs import (
    FolderInUse,
    allow_write,
    check_no_overlap,
    claim_folder,
    finish_pending_moves,
    output_set,
    register_files,
    remove_listed,
    unique_names,
)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def write_set(folder: Path, replace: bool = True, **texts: str) -> None:
    with output_set(folder, "stage", replace=replace) as partial:
        for name, text in texts.items():
            write_text(partial / name, text)


def test_an_empty_folder_and_one_of_the_same_stage_are_claimed(tmp_path):
    for text in ("first", "second"):
        with claim_folder(tmp_path / "out", "stage"):
            write_text(tmp_path / "out" / "sub" / "a.txt", text)
        assert (tmp_path / "out" / "sub" / "a.txt").read_text() == text
    assert names(tmp_path / "out") == [LIST_NAME, "sub/a.txt"]


@pytest.mark.parametrize("own", ["notes.txt", "summary.json", ".git/config", "sub/deep/a.svg", ".hidden"])
def test_a_folder_with_anything_else_is_refused(tmp_path, own):
    (tmp_path / own).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / own).write_text("mine")
    with pytest.raises(UserError, match="is not empty"), claim_folder(tmp_path, "stage"):
        raise AssertionError("claimed")
    assert names(tmp_path) == [own] and (tmp_path / own).read_text() == "mine"


def test_a_folder_of_another_stage_is_refused(tmp_path):
    write_set(tmp_path / "out", a="a")
    with pytest.raises(UserError, match="holds what `stage` wrote"), claim_folder(tmp_path / "out", "other"):
        raise AssertionError("claimed")


def test_a_claim_that_wrote_nothing_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), output_set(tmp_path / "out", "stage") as partial:
        write_text(partial / "a", "a")
        raise KeyError
    (tmp_path / "there").mkdir()
    with claim_folder(tmp_path / "there", "stage"):
        pass
    assert sorted(tmp_path.iterdir()) == [tmp_path / "there"] and names(tmp_path) == []


@pytest.mark.parametrize("change", ["edited", "replaced by a link", "never ours"])
def test_a_file_that_is_not_as_it_was_written_is_not_replaced(tmp_path, change):
    out, other = tmp_path / "out", tmp_path / "other"
    other.write_text("mine")
    write_set(out, a="ours", b="ours")
    name = "c" if change == "never ours" else "a"
    if change == "replaced by a link":
        (out / name).unlink()
        (out / name).symlink_to(other)
    else:
        (out / name).write_text("mine")
    with pytest.raises(UserError, match="was not written by `stage`, or has been changed"):
        write_set(out, **{name: "new", "b": "new"})
    with pytest.raises(UserError, match="was not written by|leads out of"), claim_folder(out, "stage"):
        write_text(out / name, "new")
    assert (out / name).read_text() == other.read_text() == "mine" and (out / "b").read_text() == "ours"


def test_a_set_takes_the_place_of_the_former_one_and_of_nothing_else(tmp_path):
    out = tmp_path / "out"
    write_set(out, a="1", b="1", c="1")
    (out / "note.txt").write_text("mine")
    (out / "c").write_text("mine too")
    write_set(out, b="2", d="2")
    assert {name: (out / name).read_text() for name in names(out) if name != LIST_NAME} == {
        "b": "2", "c": "mine too", "d": "2", "note.txt": "mine",
    }
    write_set(out, replace=False, e="3")
    assert names(out) == [LIST_NAME, "b", "c", "d", "e", "note.txt"]


def test_what_killed_processes_left_goes_and_what_looks_like_it_stays(tmp_path):
    write_set(tmp_path, a="a")
    claim = FileList(tmp_path)
    assert claim.read()
    own = [".old.tmp", f".{'0' * 32}.tmp", ".svgfusion-0-x.tmp", "a.bak/partial"]
    (tmp_path / "a.bak").mkdir()
    for name in own:
        (tmp_path / name).write_text("mine")
        os.utime(tmp_path / name, (0, 0))
    left = tmp_path / f"{claim.prefix}0123"
    left.mkdir()
    (left / "half").write_text("")
    (tmp_path / f"{claim.prefix}4567.tmp").write_text("")
    with claim_folder(tmp_path, "stage"):
        pass
    assert names(tmp_path) == sorted([*own, LIST_NAME, "a"])


def test_a_damaged_list_proves_nothing(tmp_path):
    write_set(tmp_path / "out", a="a", b="b")
    path = tmp_path / "out" / LIST_NAME
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match="b: was not written by"):
        write_set(tmp_path / "out", a="2", b="2")
    assert (tmp_path / "out" / "a").read_text() == "a"
    path.write_text("what")
    with pytest.raises(UserError, match="is not empty"):
        write_set(tmp_path / "out", a="2")


def test_a_process_writes_below_its_claims_and_nowhere_else(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    with claim_folder(tmp_path / "out", "stage") as out:
        (out / "link").symlink_to(tmp_path / "elsewhere")
        for path in (out / ".." / "x", tmp_path / "x", Path(out, "/tmp/x"), out / "link" / "x", out / "a" / "../../x"):
            with pytest.raises(UserError, match=r"leads out of|lies outside"):
                write_text(path, "x")
        with output_set(tmp_path / "second", "stage") as partial:
            write_text(partial / "a", "a")
            for path in (partial / ".." / ".." / "x", partial / "../../x"):
                with pytest.raises(UserError, match="leads out of"):
                    write_text(path, "x")
        with allow_write(tmp_path / "vouched for"):
            write_text(tmp_path / "vouched for", "x")
        with pytest.raises(UserError, match="lies outside"):
            write_text(tmp_path / "vouched for", "x")
    assert names(tmp_path) == ["out/.svgfusion.jsonl", "second/.svgfusion.jsonl", "second/a", "vouched for"]
    write_text(tmp_path / "x", "without claims as anywhere")


def test_two_files_of_a_set_with_one_name_are_refused(tmp_path):
    with pytest.raises(UserError, match="two files of one set"), output_set(tmp_path / "out", "stage") as partial:
        write_text(partial / "a.svg", "1")
        write_text(partial / "a.svg", "2")


KILLED = """
import os, signal, sys
from svgfusion_lib.system import file_list, outputs
from svgfusion_lib.system.files import write_text
left = [int(sys.argv[2])]
replace = os.replace
def killing(source, target):
    if "svgfusion-" not in str(target) and not str(target).endswith(".jsonl") and ".tmp" not in str(source):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
file_list.os.replace = killing
with outputs.output_set(sys.argv[1], "stage", replace=True) as partial:
    for name in "bcd":
        write_text(partial / name, "new")
"""


@pytest.mark.parametrize("reader", ["settle", "claim"])
@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_kill_among_the_moves_is_made_good(tmp_path, moved, reader):
    write_set(tmp_path, a="old", b="old", c="old")
    child = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(moved)], check=False)
    assert child.returncode == -9
    if reader == "settle":
        finish_pending_moves(tmp_path)
    else:
        with claim_folder(tmp_path, "stage"):
            pass
    assert {name: (tmp_path / name).read_text() for name in names(tmp_path) if name != LIST_NAME} == dict.fromkeys(
        "bcd", "new"
    )
    write_set(tmp_path, b="again")
    assert names(tmp_path) == [LIST_NAME, "b"]


def test_a_failure_half_way_leaves_the_former_set(tmp_path):
    write_set(tmp_path / "out", a="old", b="old")
    with pytest.raises(OSError, match="full"), output_set(tmp_path / "out", "stage", replace=True) as partial:
        write_text(partial / "a", "new")
        raise OSError(28, "the disk is full")
    assert [(tmp_path / "out" / name).read_text() for name in "ab"] == ["old", "old"]
    assert names(tmp_path / "out") == [LIST_NAME, "a", "b"]


def test_one_process_at_a_time(tmp_path):
    with claim_folder(tmp_path / "out", "stage") as out:
        write_text(out / "a", "a")
        with claim_folder(out, "what the stage calls"):  # the same process
            write_text(out / "b", "b")
        code = f"from svgfusion_lib.system.outputs import claim_folder\nwith claim_folder({str(out)!r}, 'stage'): pass"
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert child.returncode == 1 and FolderInUse.__name__ in child.stderr


@pytest.mark.parametrize(("variables", "has_lock"), [
    ({"RANK": "1"}, True), ({"RANK": "one"}, True), ({"RANK": "1", "WORLD_SIZE": "2"}, False),
])
def test_a_rank_alone_switches_no_lock_off(tmp_path, monkeypatch, variables, has_lock):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with claim_folder(tmp_path / "out", "stage") as out:
        assert (out / LIST_NAME).exists() == has_lock


@pytest.mark.parametrize("variables", [
    {"WORLD_SIZE": "two"}, {"WORLD_SIZE": "0"}, {"WORLD_SIZE": "2", "RANK": "x"}, {"WORLD_SIZE": "2", "RANK": "2"},
])
def test_an_environment_that_is_wrong_is_said_in_one_line(tmp_path, monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="the environment says [^\n]*$"), claim_folder(tmp_path / "out", "stage"):
        raise AssertionError("claimed")


def test_only_listed_files_are_removed(tmp_path):
    """Another stage's subfolder is not ours until it is adopted with its current content."""
    with claim_folder(tmp_path, "outer"):
        write_set(tmp_path / "a" / "inner", x="x", y="y")
        write_text(tmp_path / "a" / "z", "z")
        write_text(tmp_path / "b" / "z", "z")
        remove_listed(tmp_path / "a")
        assert names(tmp_path) == [LIST_NAME, f"a/inner/{LIST_NAME}", "a/inner/x", "a/inner/y", "b/z"]
        register_files(tmp_path / "a")
        (tmp_path / "a" / "note").write_text("mine")
        (tmp_path / "a" / "inner" / "y").write_text("edited")
        remove_listed(tmp_path / "a")
    assert names(tmp_path) == [LIST_NAME, "a/inner/y", "a/note", "b/z"]


def test_a_folder_is_emptied_by_its_own_list_alone(tmp_path):
    write_set(tmp_path / "out", x="x")
    write_set(tmp_path / "out" / "drawn later", y="y")
    remove_listed(tmp_path / "out")
    assert names(tmp_path) == [f"out/drawn later/{LIST_NAME}", "out/drawn later/y"]
    (tmp_path / "out" / LIST_NAME).write_text("mine")
    remove_listed(tmp_path / "out")
    assert (tmp_path / "out" / LIST_NAME).read_text() == "mine"


@pytest.mark.parametrize("write", ["file", "set"])
def test_a_file_that_the_user_saves_while_ours_is_listed_stays(tmp_path, monkeypatch, write):
    """The user can save while the list is being flushed to disk."""
    append = FileList.append

    def slow(claim, *entries, **options):
        append(claim, *entries, **options)
        if any("file" in entry for entry in entries):
            (tmp_path / "out" / "a").write_text("mine")

    monkeypatch.setattr(FileList, "append", slow)
    with pytest.raises(UserError, match="was not written by"):
        if write == "set":
            write_set(tmp_path / "out", a="ours")
        else:
            with claim_folder(tmp_path / "out", "stage") as out:
                write_text(out / "a", "ours")
    assert (tmp_path / "out" / "a").read_text() == "mine"


def test_outputs_are_kept_apart_from_inputs(tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a.pt").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for output in ("in", "in/sub", "in/new", "link", "link/new"):
        with pytest.raises(UserError, match="is not apart from the input"):
            check_no_overlap(tmp_path / output, None, tmp_path / "in")
    with pytest.raises(UserError, match="is not apart from the input"):
        check_no_overlap(tmp_path / "in", tmp_path / "in" / "a.pt")
    check_no_overlap(tmp_path / "in" / "sub", tmp_path / "in" / "a.pt")
    check_no_overlap(tmp_path / "in", tmp_path / "in" / "sub")  # it has its own list, or is left alone


@pytest.mark.parametrize("name", ["..", "../x", "a/../../x", "/etc/passwd", "", ".", "a\0b", "link/x"])
def test_a_name_that_leads_out_is_refused(tmp_path, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    with pytest.raises(UserError, match=r"list line 3: the name .* leads out of its folder"):
        inside(tmp_path / "in", name, "list line 3")


def test_names_inside_are_allowed(tmp_path):
    for name in ("a", "a/b.svg", "a/../b", "...", "~", "a\\b", "-rf"):
        assert inside(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize(("text", "fits"), [
    ("tabler", True), ("a.b", True), ("..x", False), (LIST_NAME, False),
    ("", False), (".", False), ("..", False), ("a/b", False), ("a\\b", False),
    ("a\nb", False), ("\x1b[31m", False), (None, False), (3, False),
])
def test_names_of_folders(text, fits):
    assert is_name(text) == fits


def test_names_that_fold_together_are_told_apart():
    assert unique_names(["a.svg", "A.svg", "a-2.svg", "b/a.svg", "a.svg", "x", "X"]) == [
        "a.svg", "A-2.svg", "a-2-2.svg", "b/a.svg", "a-3.svg", "x", "X-2",
    ]
    assert unique_names(["caf\u00e9", "cafe\u0301", "CAFE\u0301"]) == ["caf\u00e9", "cafe\u0301-2", "CAFE\u0301-3"]
