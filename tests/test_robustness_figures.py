"""What the answers rest on: every row is counted under its method."""

from panoptic.figures.robustness_figures import caption_missingness, plot_missingness
from tests.figure_samples import (
    IMPRINT,
    assert_same_bytes,
    assert_sober,
    companion_sample,
)

SAMPLE = companion_sample()


def table_of(figure):
    """The numbers of a table figure, by row and column label."""
    (axes,) = figure.axes
    rows = [label.get_text() for label in axes.get_yticklabels()]
    columns = [label.get_text() for label in axes.get_xticklabels()]
    return {
        (rows[int(t.get_position()[1])], columns[int(t.get_position()[0])]): int(
            t.get_text()
        )
        for t in axes.texts
    }


def test_missingness_counts_what_each_method_knows():
    table = table_of(plot_missingness(SAMPLE))
    assert table["Transit (3)", "mass"] == 3
    assert table["Transit (3)", "true mass"] == 1
    assert table["Transit (3)", "measured $e$"] == 1
    assert table["Radial Velocity (1)", "true mass"] == 0
    assert table["Microlensing (1)", "$e$"] == 0
    assert table["all methods (8)", "axis"] == 7


def test_methods_add_up_to_all():
    table = table_of(plot_missingness(SAMPLE))
    for column in {column for _, column in table}:
        of_methods = [
            n for (row, c), n in table.items() if c == column and "all" not in row
        ]
        assert sum(of_methods) == table["all methods (8)", column]


def test_caption():
    said = caption_missingness(SAMPLE, imprint=IMPRINT)
    assert "8 rows on 7 hosts" in said
    assert_sober(said)


def test_same_bytes():
    assert_same_bytes(lambda: plot_missingness(SAMPLE))
