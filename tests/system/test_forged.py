"""Folders whose file list, or what is beside it, is foreign: copied, forged, linked, or not a file."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.file_list import LIST_NAME, FileList
from svgfusion_lib.system.files import write_text
from svgfusion_lib.system.outputs import claim_folder, finish_pending_moves, output_set, remove_listed

KEY = "0123456789abcdef"
HEAD = {"key": KEY, "stage": "stage", "version": 1}
MOVES = f".svgfusion-{KEY}-moves"


def forge(folder: Path, *entries: dict) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LIST_NAME).write_text("".join(json.dumps(entry) + "\n" for entry in (HEAD, *entries)))
    return folder


def use(folder: Path) -> None:
    """Everything that is done with a folder: settle it, rewrite it, write into it, empty it."""
    for work in (finish_pending_moves, run_set, run_one, remove_listed):
        try:
            work(folder)
        except UserError as error:
            assert "\n" not in str(error)
        except OSError as error:
            assert error.filename and error.errno == errno.ENAMETOOLONG


def run_one(folder: Path) -> None:
    with claim_folder(folder, "stage"):
        write_text(folder / "new", "new")


def run_set(folder: Path) -> None:
    with output_set(folder, "stage", replace=True) as partial:
        write_text(partial / "new", "new")


@pytest.fixture
def precious(tmp_path):
    """A user's file and folder, which must not change."""
    for name in ("mine/notes.txt", f"mine/.svgfusion-{KEY}-half/at work", "out/kept/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    before = contents(tmp_path)
    yield tmp_path / "mine"
    assert {name: contents(tmp_path).get(name) for name in before} == before


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", [
    "../mine/notes.txt", "{mine}/notes.txt", "../mine/x", "{mine}/x", "link/notes.txt", "link/x", "kept/../../mine/x",
    "kept/notes.txt", ".", "", "..", "/", "a\0b/x", "\ud800/x", "x" * 5000 + "/y", "kept", LIST_NAME,
])
@pytest.mark.parametrize("sha256", ["grows", "0" * 64, None, ["x"]])
def test_names_of_a_forged_list(tmp_path, precious, name, sha256):
    """`mine` has a folder with the same key, as if another process were working in it."""
    name = name.format(mine=precious)
    folder = forge(tmp_path / "out", {"file": name, "sha256": sha256}, {"moves": MOVES, "stale": [name]})
    (folder / "link").symlink_to(precious)
    (folder / MOVES).mkdir()
    use(folder)


@pytest.mark.parametrize("moves", [
    "kept", "../mine", "{mine}", "link", MOVES + "/../kept", MOVES, "", ".", None, 5, [],
])
@pytest.mark.parametrize("stale", [["../mine/notes.txt"], ["kept/notes.txt"], "kept/notes.txt", None, [5], 5])
def test_moves_of_a_forged_list(tmp_path, precious, moves, stale):
    moves = moves.format(mine=precious) if isinstance(moves, str) else moves
    folder = forge(tmp_path / "out", {"file": "kept/notes.txt", "sha256": "0"}, {"moves": moves, "stale": stale})
    (folder / "link").symlink_to(precious)
    (folder / MOVES).symlink_to(precious)
    use(folder)


def test_a_link_where_a_temporary_list_might_be(tmp_path, precious):
    """Settling a folder finishes its moves and rewrites its list through a temporary file, never through a link."""
    folder = forge(tmp_path / "out", {"moves": MOVES, "stale": []})
    (folder / MOVES).mkdir()
    (folder / f".svgfusion-{KEY}-list.tmp").symlink_to(precious / "notes.txt")
    finish_pending_moves(folder)
    assert not (folder / MOVES).exists()
    use(folder)


def test_a_list_that_was_copied_into_a_folder_of_the_user(tmp_path):
    """The list covers only files with unchanged content; user files in that folder stay."""
    for text in ("1", "2"):
        with output_set(tmp_path / "out", "stage", replace=True) as partial:
            write_text(partial / "a", text)
    home = tmp_path / "home"
    home.mkdir()
    (home / "a").write_text("mine")
    (home / "b.txt").write_text("mine")
    shutil.copy(tmp_path / "out" / LIST_NAME, home)
    use(home)
    assert (home / "a").read_text() == (home / "b.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["train_log.jsonl", "notebooks/03_vae_training.ipynb"])
def test_a_file_that_is_added_to_is_ours_by_its_hash_alone(tmp_path, name):
    """Lists from earlier versions, or forged ones, have "grows" instead of a hash."""
    folder = forge(tmp_path / "out", {"file": name, "sha256": "grows"})
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine")
    with pytest.raises(UserError, match="was not written by"), claim_folder(folder, "stage"):
        write_text(folder / name, "ours")
    use(folder)
    assert (folder / name).read_text() == "mine"


def test_a_backup_by_hard_links_stays_as_it_is(tmp_path):
    out, backup = tmp_path / "out", tmp_path / "backup"
    with output_set(out, "stage", replace=True) as partial:
        write_text(partial / "a", "1")
        write_text(partial / "old", "1")
    shutil.copytree(out, backup, copy_function=os.link)
    before = contents(backup)
    run_set(out)
    assert contents(backup) == before and not (out / "old").exists()
    finish_pending_moves(backup)
    run_one(backup)
    assert {name: text for name, text in contents(backup).items() if name in before and LIST_NAME not in name} == {
        name: text for name, text in before.items() if LIST_NAME not in name
    }


def test_moves_of_a_folder_that_this_one_was_copied_from_are_not_its_own(tmp_path):
    run_set(tmp_path)
    FileList(tmp_path).read()
    claim = FileList(tmp_path)
    claim.read()
    claim.append({"moves": f"{claim.prefix}x", "stale": ["new"]})
    finish_pending_moves(tmp_path)
    assert (tmp_path / "new").read_text() == "new"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["pipe", "folder", "text of the user's", "link", "link to nothing", "device"])
def test_what_is_no_list(tmp_path, kind):
    folder, path = tmp_path / "out", tmp_path / "out" / LIST_NAME
    folder.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "text of the user's":
        path.write_text("mine")
    else:
        (tmp_path / "there").write_text("mine")
        path.symlink_to({"link": tmp_path / "there", "device": "/dev/zero"}.get(kind, tmp_path / "absent"))
    before = path.lstat()
    for work in (run_one, run_set):
        with pytest.raises(UserError, match="is not empty"):
            work(folder)
    assert path.lstat() == before and not (tmp_path / "absent").exists()
    assert os.listdir(folder) == [LIST_NAME]


@pytest.mark.parametrize("text", ["", "{", '{"key": "', '{"key": "abc", "stage": "st'])
def test_a_list_whose_first_line_was_torn_by_a_kill_is_begun_anew(tmp_path, text):
    (tmp_path / LIST_NAME).write_text(text)
    run_one(tmp_path)
    run_one(tmp_path)


def test_a_link_or_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("file", "file/deeper", "dangling", "loop", "loop/deeper"):
        with pytest.raises((UserError, OSError)), claim_folder(tmp_path / name, "stage"):
            raise AssertionError("claimed")
    assert (tmp_path / "file").read_text() == "mine" and not (tmp_path / "absent").exists()


def test_what_comes_between_check_and_move_is_not_lost(tmp_path):
    """The user creates a file of the same name while the set is written."""
    with pytest.raises(UserError, match="b: was not written by"), output_set(tmp_path, "stage") as partial:
        write_text(partial / "a", "ours")
        write_text(partial / "b", "ours")
        (tmp_path / "b").write_text("mine")
    assert (tmp_path / "b").read_text() == "mine" and not (tmp_path / "a").exists()


def test_a_folder_that_becomes_a_link_during_the_run(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises((UserError, OSError)), claim_folder(tmp_path / "out", "stage") as out:
        write_text(out / "sub" / "a", "a")
        shutil.rmtree(out / "sub")
        (out / "sub").symlink_to(tmp_path / "elsewhere")
        write_text(out / "sub" / "b", "b")
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("name", ["new\nline", "\x1b[31m", "-rf", "~", "$HOME", "x" * 240, "caf\udce9", " ", "a\\b"])
def test_odd_names_are_names(tmp_path, name):
    with claim_folder(tmp_path / name, "stage") as out:
        write_text(out / name, "x")
    with claim_folder(tmp_path / name, "stage") as out:
        write_text(out / name, "y")
    assert (tmp_path / name / name).read_text() == "y"
