"""SUMMARY.txt: 80 columns, verdicts first, nothing lost."""

from hypothesis import given, settings
from hypothesis import strategies as st

from panoptic.reporting.summary import Section, compose_summary
from panoptic.statement import NotRun, Statement

LONG = "Two components describe the companions better than one does " * 3
URL = "https://exoplanetarchive.ipac.caltech.edu/TAP/sync?" + "query=" * 12


def test_a_verdict_is_followed_by_its_evidence_and_its_caveat():
    text = compose_summary(
        ["panoptic 1.0"],
        [
            Section(
                "Mass mixture",
                (Statement("Two groups.", "BIC 320.5 and 219.7", "One method."),),
                ("  K  BIC", "  1  320.5"),
            ),
            Section("Power", (NotRun("3 hosts, 8 needed"),)),
        ],
    )
    assert text == (
        "panoptic 1.0\n"
        "\n"
        "MASS MIXTURE\n"
        "* Two groups.\n"
        "  BIC 320.5 and 219.7\n"
        "  But: One method.\n"
        "  K  BIC\n"
        "  1  320.5\n"
        "\n"
        "POWER\n"
        "* Not run: 3 hosts, 8 needed\n"
    )


def test_without_evidence_the_caveat_follows_at_once():
    section = Section("Q", (Statement("Two groups.", caveat="One method."),))
    text = compose_summary([], [section])
    assert text == "\nQ\n* Two groups. But: One method.\n"


def test_a_line_in_two_columns_is_wrapped_in_the_second():
    lines = compose_summary([f"Delta BIC      {LONG}"], []).splitlines()
    assert len(lines) > 1
    assert all(line.startswith(" " * 15) for line in lines[1:])


def test_long_sentences_hang_below_their_first_word():
    section = Section("Q", (Statement(LONG, LONG, LONG),), (f"   {LONG}",))
    lines = compose_summary([], [section]).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line.startswith("* ")] == [lines[2]]
    assert all(line.startswith("  ") for line in lines[3:])


def test_an_address_is_not_cut():
    assert URL in compose_summary([f"read from {URL}"], [])


words = st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60
)
sentences = st.lists(words, min_size=1, max_size=40).map(" ".join)


@settings(deadline=None, derandomize=True)
@given(sentences, sentences, sentences)
def test_no_line_is_too_wide_and_no_word_is_lost(text, evidence, caveat):
    section = Section("Q", (Statement(text, evidence, caveat),), (evidence,))
    summary = compose_summary([text], [section])
    assert all(len(line) <= 80 for line in summary.splitlines())
    written = [word for word in summary.split() if word not in ("*", "But:", "Q")]
    said = f"{text} {text} {evidence} {caveat} {evidence}".split()
    said = [word for word in said if word not in ("*", "But:", "Q")]
    assert [word for word in written if set(word) != {"-"}] == [
        word for word in said if set(word) != {"-"}
    ]
