import json

import numpy as np
import pytest

from svgfusion_lib.corpus import keywords
from svgfusion_lib.corpus.keywords import NO_KEYWORDS, default_embedder, load_vocabulary, make_vocabulary, synonyms_of
from svgfusion_lib.errors import UserError
from svgfusion_lib.system.files import write_json

CONTENTS = {
    "lucide-static": {
        "shopping-cart": ["trolley", "carts", "cart", "buy", "a", "123", "acme shop"],
        "printer": ["fax"], "printer-off": ["fax"],
        **{f"thing-{i}": ["category"] for i in range(5)},
    },
    "@tabler/icons": {
        "cart-shopping": {"category": "E-commerce",
            "tags": ["basket", "trolley", "store", "market", "stall", "shop", "bazaar", "kiosk", "booth"]},
        "brand-acme": {"category": "Brand", "tags": ["logo"]},
    },
    "emojibase-data": [
        {"label": "fire engine", "tags": ["truck", "fire", "engine"]}, {"label": "flag: Japan", "tags": ["JP", "flag"]},
    ],
}


def embed(texts):
    """Stub similarity: 1 for every word except "buy"."""
    vectors = np.zeros((len(texts), 2))
    vectors[:, 0] = 1
    vectors[[text == "buy" for text in texts]] = 0, 1
    return vectors


def test_keywords_are_few_plain_words_of_all_sources():
    vocabulary = make_vocabulary(CONTENTS, embed)
    # not: "cart" (in the name), "buy" (far), "a", "123" (no words), "acme shop" (a brand), "booth" (the ninth)
    assert vocabulary.keywords_of("shopping cart") == (
        "trolley", "basket", "store", "market", "stall", "shop", "bazaar", "kiosk",
    )
    assert vocabulary.keywords_of("Cart, shopping 2") == vocabulary.keywords_of("shopping cart")
    assert vocabulary.keywords_of("printer") == ("fax",)
    assert vocabulary.keywords_of("printer off") == ()  # words for a printer do not mean that it is off
    assert vocabulary.keywords_of("thing 3") == ()  # a tag shared by five names is a category
    assert vocabulary.keywords_of("acme") == vocabulary.keywords_of("unheard of") == ()


@pytest.mark.parametrize(("name", "expected"), [
    ("fireengine", "fire engine"), ("fire engine", "fire engine"), ("flag for flag japan", "flag japan"),
    ("flag for japan", "flag japan"), ("flag japan", "flag japan"), ("black flag", "black flag"),
])
def test_emoji_are_spelt_alike(name, expected):
    assert make_vocabulary(CONTENTS, embed).respell(name) == expected


def test_the_names_of_fxemoji_are_spelt_out():
    assert NO_KEYWORDS.respell("aok") == "ok hand"
    assert NO_KEYWORDS.respell("closedmailboxraised").startswith("closed mailbox ")
    assert NO_KEYWORDS.respell("notchedrightsemi3dot") == ""


def test_words_that_people_type_are_listed():
    assert "delete" in synonyms_of("trash", "line") and "delete" in synonyms_of("bin trash", "line")
    assert synonyms_of("red heart", "emoji") == ("love", "heart") and synonyms_of("red heart", "line") == ()


def test_the_text_encoder_knows_what_is_near():
    car, automobile, banana = default_embedder()(["car", "automobile", "banana"])
    assert car @ automobile > keywords.MIN_SIMILARITY > car @ banana


def test_the_dictionary_is_made_once_and_anew_for_other_sources(tmp_path, monkeypatch):
    calls = []

    def fetch_file(package, version, integrity, path):
        calls.append(package)
        return json.dumps(CONTENTS[package]).encode()

    monkeypatch.setattr(keywords, "fetch_file", fetch_file)
    monkeypatch.setattr(keywords, "default_embedder", lambda: embed)
    first = load_vocabulary(tmp_path)
    assert first.keywords_of("printer") == load_vocabulary(tmp_path).keywords_of("printer") == ("fax",)
    assert sorted(calls) == sorted(CONTENTS)
    stored = json.loads((tmp_path / "keywords.json").read_text())
    stored["sources"]["lucide-static"]["version"] = "0.0.1"
    del stored["seal"]
    write_json(tmp_path / "keywords.json", stored, keywords.KEYWORDS_KIND)
    load_vocabulary(tmp_path)
    assert len(calls) == 2 * len(CONTENTS)
    (tmp_path / "keywords.json").write_text("{")
    with pytest.raises(UserError, match="keywords.json: damaged.*remove it"):
        load_vocabulary(tmp_path)
