"""Retrieval baselines, and the groups of common words."""

import numpy as np
import pytest
import torch

from svgfusion_lib.config import COMMON
from svgfusion_lib.evaluation.opponents import WordSearch, retrieve_by_words
from svgfusion_lib.evaluation.samples import Group, make_groups
from svgfusion_lib.utils.placement import drawn_box
from svgfusion_lib.utils.svg_parser import parse_svg

STROKE = '<svg viewBox="0 0 24 24" fill="none" stroke="black" stroke-width="2">{}</svg>'
ICONS = {  # (title, pack) -> drawing
    ("bell", "tabler"): '<path d="M6 18V9a6 6 0 0 1 12 0v9z"/>', ("bell", "lucide"): '<circle cx="12" cy="12" r="8"/>',
    ("plus", "tabler"): '<path d="M12 4v16M4 12h16"/>',
    ("mail open", "tabler"): '<rect x="3" y="5" width="18" height="14"/>',
    ("mail", "lucide"): '<rect x="4" y="6" width="16" height="12"/>',
}


@pytest.fixture
def cache():
    rows = [parse_svg(STROKE.format(drawing)).rows for drawing in ICONS.values()]
    titles, packs = zip(*ICONS)
    return {
        "names": [f"{pack}/{title}" for title, pack in ICONS], "titles": list(titles), "packs": list(packs),
        "captions": [[f"{title}, {pack} style", title] for title, pack in ICONS], "splits": ["train"] * len(ICONS),
        "rows": torch.from_numpy(np.concatenate(rows)), "offsets": torch.tensor([0, *map(len, rows)]).cumsum(0),
    }


@pytest.mark.parametrize(("words", "pack", "found"), [
    ("bell", "lucide", ("bell", "lucide")), ("bell", "tabler", ("bell", "tabler")),
    ("mail", "tabler", ("mail", "lucide")),
    ("open mail", "lucide", ("mail open", "tabler")), ("bell ring", "lucide", ("bell", "lucide")),
])
def test_the_icon_with_the_rarest_shared_words_is_found(cache, words, pack, found):
    k = WordSearch(cache, range(len(ICONS))).find(frozenset(words.split()), pack)
    assert list(ICONS)[k] == found


def test_a_slash_and_a_badge_are_pasted(cache):
    search = WordSearch(cache, range(len(ICONS)))
    plain, off, plus = (search.compose(frozenset(w.split()), "tabler") for w in ("bell", "bell off", "bell plus"))
    assert len(off) == len(plain) + 2 and len(plus) == len(plain) + 4
    badge = plus[len(plain) - 1 : -1]
    low, high = drawn_box(np.concatenate([plus[:1], badge, plus[-1:]]))
    assert low.min() > 0.1 and high.max() <= 1


def test_words_that_people_ask_for_are_a_group_of_their_own(cache):
    groups = make_groups(cache, 10, 0, [COMMON], None, None, ["mail", "bell", "cat", "plus emoji"])
    (group,) = groups
    assert isinstance(group, Group) and group.key == "line_common"
    assert group.prompts[0] == "mail, lucide style"
    assert [cache["titles"][group.names[k]] for k in group.name_ids] == ["mail", "bell"]
    assert make_groups(cache, 10, 0, None, None)[0].split != COMMON
    subject = retrieve_by_words(cache, group, WordSearch(cache, range(len(ICONS))))
    assert subject.painted == [0, 1]
