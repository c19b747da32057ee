"""Source checks on file access: files are written completely or not at all, and nothing is ever unpickled."""

import re
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "svgfusion_lib"
SOURCES = {path.relative_to(LIBRARY).as_posix(): path.read_text(encoding="utf-8") for path in LIBRARY.rglob("*.py")}
WRITES = re.compile(
    r"""\.write_text\(|\.write_bytes\(|open\([^)]*["'][wax]b?\+?["']|np\.savez?\(|np\.savetxt\(|torch\.save\(|save_file\("""
    r"""|\.savefig\(|(?<!run)(?<!self)\.save\((?!\))|json\.dump\(|pickle\.dump|copyfile\(|copytree\(|\.touch\("""
    r"""|rmtree\(|\.unlink\(|\.rmdir\(|os\.(?:replace|rename|remove|rmdir|unlink)\(|shutil\.move\("""
)
# Modules that write, move or remove files without the functions of system/files.py, and why they may.
PLACES = {
    "system/files.py": "atomic_path",
    "models/checkpoint.py": "atomic_path",
    "evaluation/report.py": "atomic_path",
    "utils/render.py": "atomic_path",
    "system/file_list.py": "the list itself, and the moves that it decides on",
    "system/outputs.py": "atomic_path",
    "system/token_store.py": "into the new folder of an output_set",
    "training/loop.py": "methods of its own, by write_text and save_tensors",
    "corpus/records.py": "of a dataset into a temporary folder",
    "gallery/downloads.py": "into memory",
    "pipeline_output.py": "into memory",
}
UNSAFE = re.compile(
    r"pickle\.loads?\(|weights_only=False|allow_pickle=True|yaml\.(?:unsafe_|full_)?load\(|(?<!\.)\beval\(|\bexec\("
    r"|trust_remote_code=True|joblib|shelve\."
)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_module_writes_whole_files(name):
    lines = [line.strip() for line in SOURCES[name].splitlines() if WRITES.search(line)]
    if name not in PLACES:
        assert lines == []
    elif PLACES[name] == "atomic_path":
        assert lines and PLACES[name] in SOURCES[name]
    else:
        assert lines


def test_nothing_is_unpickled_or_executed():
    assert [(name, found[0]) for name, text in SOURCES.items() if (found := UNSAFE.search(text))] == []
    loads = [(name, call) for name, text in SOURCES.items() for call in re.findall(r"torch\.load\(.*", text)]
    assert loads and all("weights_only=True" in call for _, call in loads), loads
