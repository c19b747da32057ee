"""The documentation: every page can be reached, every link leads somewhere, every name in it is in the code."""

import re
from pathlib import Path

import pytest

from tests.helpers import NOTEBOOKS, PAGES, ROOT, text_of

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")


def slugs(path: Path) -> set[str]:
    """Anchors of a page's headings, as they are made on repository pages."""
    headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    plain = (re.sub(r"\]\([^)]*\)|[\[`*]", "", heading).strip().lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS], ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    broken = []
    for target, anchor in LINK.findall(text_of(path)):
        place = (path.parent / target).resolve() if target else path
        if not place.exists():
            broken.append(target)
        elif anchor and anchor not in slugs(place):
            broken.append(f"{target}#{anchor}")
    assert broken == []


def test_readme_links_every_page_and_notebook():
    linked = {target for target, _ in LINK.findall(text_of(ROOT / "README.md"))}
    pages = {path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("docs/*.md"), *NOTEBOOKS]}
    assert sorted(pages - linked) == []


def test_names_beside_the_equations_are_in_the_code():
    page = text_of(ROOT / "docs" / "models.md")
    equations = page[: page.index("## Sizes")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "svgfusion_lib").rglob("*.py"))
    names = {name.split(".")[-1] for name in re.findall(r"`\.?([A-Za-z_][\w.]*)", equations)}
    assert len(names) > 40
    assert sorted(name for name in names if not re.search(rf"\b{name}\b", code)) == []
