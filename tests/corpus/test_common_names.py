import pytest

from svgfusion_lib.corpus import common_names as stage
from svgfusion_lib.corpus import packs
from svgfusion_lib.corpus.common_names import common_names
from svgfusion_lib.corpus.records import Record, write_manifest
from svgfusion_lib.generate import read_prompts

NAMES = {
    "tabler": ["trash", "bell", "brand github", "github", "letter x", "cat", "flag"],
    "lucide": ["bin", "bell", "house", "cat"],
    "noto": ["cat", "red heart", "flag japan", "bell"], "twemoji": ["cat", "red heart", "flag japan", "moai"],
}


@pytest.fixture
def few_packs(tmp_path, monkeypatch):
    """Packs that hold nothing but a file for each of NAMES."""
    folders = []
    for pack, names in NAMES.items():
        folder = tmp_path / pack
        folder.mkdir()
        for name in names:
            (folder / f"{name}.svg").write_text("<svg/>")
        write_manifest(folder, [Record(f"{name}.svg", name, pack) for name in names])
        folders.append(folder)
    assert set(NAMES) <= set(packs.known_packs())
    monkeypatch.setattr(stage, "fetch_packs", lambda names, packs_dir: folders)


def test_what_most_packs_draw_is_asked_for(few_packs, tmp_path):
    words = common_names(tmp_path / "prompts" / "common.txt", list(NAMES), num_interface=5, num_emoji=4)
    assert read_prompts(tmp_path / "prompts" / "common.txt") == words
    interface, emoji = words[:5], words[5:]
    assert interface[:3] == ["cat", "bell", "bin"]  # both packs draw it, by one name or another
    assert not {"github", "brand github", "letter x"} & set(interface)
    assert emoji[0] == "cat emoji" and {"heart emoji", "love emoji"} & set(emoji)
    assert not any("moai" in word or "flag" in word for word in emoji)  # one of two packs; a country's flag
