"""Texts made fit to be shown."""

from serving.pages.marking import Piece, pieces, plain
from triage.types import Evidence


def _evidence(source: str, start: int, end: int) -> Evidence:
    given = {"source": source, "label": "civil", "start": start, "end": end}
    return Evidence.model_validate({**given, "text": "", "weight": 1.0})


def test_evidence_is_cut_where_it_overlaps() -> None:
    found = pieces("甲乙丙丁戊", [_evidence("rule", 1, 3), _evidence("model", 2, 4)], ["规", "模"])
    assert found == [
        Piece("甲", 0),
        Piece("乙", 1, "rule", "规"),
        Piece("丙", 2, "both", "规；模"),
        Piece("丁", 3, "model", "模"),
        Piece("戊", 4),
    ]


def test_personal_numbers_are_pieces_with_their_place() -> None:
    found = pieces("😀打13912345678找我", [_evidence("rule", 1, 4)], ["规"])
    assert [(p.text, p.start, p.masked) for p in found] == [
        ("😀", 0, False),
        ("打", 1, False),
        ("13", 2, True),
        ("9••••5678", 4, True),
        ("找我", 13, False),
    ]


def test_what_cannot_be_seen_is_named() -> None:
    found = pieces("好\u202e坏\0\u200b", [], [])
    assert [p.text or p.hidden for p in found] == ["好", "RLO", "坏", "U+0000", "ZWSP"]


def test_marks_do_not_pile_up() -> None:
    assert pieces("e" + "\u0301" * 500 + "好", [], [])[0].text == "e\u0301\u0301好"


def test_empty_lines_do_not_push_all_else_away() -> None:
    (found,) = pieces("好" + " \r\n" * 200 + "坏", [], [])
    assert found.text.count("\n") == 3
    assert found.text.endswith("坏")


def test_lists_show_one_calm_masked_line() -> None:
    assert plain("第一行\r\n\u202e电话13912345678") == "第一行  电话139••••5678"
    assert plain("138\u200b\u200b\u200b00138000") == "138••••8000"
    assert plain(None) == ""
