from __future__ import annotations

from cliqtel_portal.docs.words import fold, indexed_words, plain_words, query_words


def test_accents_case_and_typographic_forms_do_not_matter() -> None:
    assert fold("ﬁrewall Übertragung CAN\u2019T") == "firewall ubertragung can't"


def test_what_postgresql_refuses_is_folded_away() -> None:
    assert plain_words("a\x00b \ud800 c") == ["a", "b", "c"]


def test_words_tied_by_a_sign_are_also_indexed_as_one() -> None:
    assert indexed_words("GSM-7 and T.38") == ["gsm", "7", "gsm7", "and", "t", "38", "t38"]


def test_addresses_and_dates_are_not_joined() -> None:
    assert indexed_words("203.0.113.0/24") == ["203", "0", "113", "0", "24"]
    assert indexed_words("2026-11-14") == ["2026", "11", "14"]


def test_a_word_too_long_for_the_index_is_left_out() -> None:
    assert indexed_words("a" * 65 + " b") == ["b"]
    assert query_words("a" * 65 + " b")[0] == ["b"]


def test_a_minus_excludes_only_at_the_start_of_a_word() -> None:
    assert query_words("port -germany") == (["port"], ["germany"], "port -germany")
    assert query_words("one-way - audio") == (["one", "way", "audio"], [], "one way audio")


def test_quotes_are_kept_for_websearch_and_operators_are_not() -> None:
    wanted, excluded, websearch = query_words("'sip':* & \"letter of authority\" | !(x)")
    assert wanted == ["sip", "letter", "of", "authority", "x"]
    assert excluded == []
    assert websearch == 'sip " letter of authority " x'


def test_contractions_without_their_apostrophe_are_no_words() -> None:
    assert query_words("cant hear caller")[0] == ["hear", "caller"]
