from __future__ import annotations

from pathlib import Path

import pytest

from thinmargin_agents.cli.markdown import PageError, read_page, text_of, with_tables

PLACES = ("results", "stress")
PAGE = """# Title

Between `<!-- results -->` and `<!-- end -->` stands the table.

<!-- results -->
old
<!-- end -->

<!-- table: other -->
| a |
<!-- end -->

<!-- stress -->
<!-- end -->
"""


def test_each_table_goes_to_its_own_place() -> None:
    page = with_tables(PAGE, {"results": "| new |\n\nwords\\1", "stress": "| hard |"})
    assert "<!-- results -->\n| new |\n\nwords\\1\n<!-- end -->" in page
    assert "<!-- stress -->\n| hard |\n<!-- end -->" in page
    assert "old" not in page
    assert page.startswith("# Title\n\nBetween `<!-- results -->` and `<!-- end -->` stands the table.\n")
    assert "<!-- table: other -->\n| a |\n<!-- end -->" in page
    assert with_tables(page, {"results": "| new |\n\nwords\\1", "stress": "| hard |"}) == page


def test_a_page_without_a_place_gets_no_table_there() -> None:
    page = "<!-- results -->\n<!-- end -->\n"
    assert with_tables(page, {"results": "new", "stress": "hard"}) == "<!-- results -->\nnew\n<!-- end -->\n"
    assert with_tables(PAGE, {"results": "new"}).endswith("<!-- stress -->\n<!-- end -->\n")


def test_a_new_page_has_all_places(tmp_path: Path) -> None:
    page = with_tables(read_page(tmp_path / "new.md", PLACES), {"results": "new", "stress": "hard"})
    assert page == "<!-- results -->\nnew\n<!-- end -->\n\n<!-- stress -->\nhard\n<!-- end -->\n"
    assert with_tables("", {"results": "new"}) == "<!-- results -->\nnew\n<!-- end -->\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# A page of its own\n", "no lines <!-- results --> and <!-- end -->"),
        ("<!-- results -->\nno end\n", "no lines <!-- results --> and <!-- end -->"),
        ("<!-- results -->\n<!-- stress -->\n<!-- end -->\n", "no lines <!-- results --> and <!-- end -->"),
        ("<!-- results -->\n<!-- end -->\n<!-- stress -->\n", "<!-- stress --> is not followed by <!-- end -->"),
    ],
)
def test_a_page_that_would_be_lost_is_refused(text: str, words: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(PageError, match=words):
        read_page(page, PLACES)


def test_the_text_of_a_place_is_what_lies_between_its_lines(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    with pytest.raises(PageError, match="no lines <!-- results -->"):
        text_of(page, "results")
    page.write_text(with_tables("", {"results": "new", "stress": "hard"}), encoding="utf-8")
    assert [text_of(page, name).strip() for name in ("results", "stress")] == ["new", "hard"]


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PageError, match="no text in UTF-8"):
        read_page(page, PLACES)
