"""What the answers rest on: every variant has its line, every row its method."""

import pytest

from panoptic.demographics.anchors import AnchorSource
from panoptic.demographics.control_populations import (
    EccentricityControl,
    MixtureControl,
    Population,
)
from panoptic.demographics.eccentricity_passes import Policy
from panoptic.demographics.origin_classifier import QuickScore
from panoptic.demographics.robustness_findings import (
    Check,
    RobustnessFindings,
    RobustnessRow,
)
from panoptic.demographics.variant_measures import EccentricityCheck, MixtureCheck
from panoptic.figures.robustness_figures import (
    caption_missingness,
    caption_robustness,
    plot_missingness,
    plot_robustness,
)
from panoptic.statement import NotRun
from tests.figure_samples import (
    IMPRINT,
    assert_same_bytes,
    assert_sober,
    companion_sample,
    texts_in,
)

SAMPLE = companion_sample()
WHY = NotRun("no microlensing row has an eccentricity")


def ecc_check(ks_d):
    return EccentricityCheck(
        policy=Policy.AS_REPORTED,
        n_low_q=50,
        n_high_q=7,
        alpha_low_q=0.3,
        beta_low_q=4.0,
        alpha_high_q=None,
        beta_high_q=None,
        ks_d=ks_d,
        ks_d_low=None,
        ks_d_high=None,
        ks_p=0.001,
        ks_p_host=0.0123,
        peto_p_host=0.0456,
    )


ROWS = (
    RobustnessRow(
        check=Check.AS_IT_IS,
        name="",
        n_draws=1,
        main=MixtureCheck(60, 34, 100.7, None, None, 2, 1.0),
        mass_orbit=MixtureCheck(134, 99, 104.0, None, None, 2, 1.0),
        eccentricity=ecc_check(0.76),
        origins=QuickScore(0.87, 0.02),
    ),
    RobustnessRow(
        check=Check.WITHOUT_METHOD,
        name="Microlensing",
        n_draws=1,
        main=WHY,
        mass_orbit=MixtureCheck(84, 46, 12.0, None, None, 2, 1.0),
        eccentricity=ecc_check(None),
        origins=WHY,
    ),
    RobustnessRow(
        check=Check.HOST_MASSES,
        name="",
        n_draws=25,
        main=MixtureCheck(58, 33, 90.0, 70.0, 101.0, 2, 1.0),
        mass_orbit=MixtureCheck(130, 95, None, None, None, 1, 0.0),
        eccentricity=WHY,
        origins=QuickScore(0.81, 0.05),
    ),
    RobustnessRow(
        check=Check.MIGRATION_MAP,
        name="1 Gyr, 5 R_star",
        n_draws=1,
        main=NotRun("only the migration map changes"),
        mass_orbit=NotRun("only the migration map changes"),
        eccentricity=NotRun("only the migration map changes"),
        origins=NotRun("only the migration map changes"),
        coverage=0.25,
    ),
)
FOUND = RobustnessFindings(
    rows=ROWS,
    anchor_source=AnchorSource.HEURISTIC,
    mixture_controls=(
        MixtureControl(
            population=Population.ONE,
            how="one Gaussian",
            n_simulations=40,
            n_rows=60,
            n_hosts=34,
            share_two=0.21,
            share_very_strong=0.05,
            n_method_tests=10,
            share_beyond_methods=0.1,
        ),
    ),
    eccentricity_controls=(
        EccentricityControl(Population.TWO, "two Betas", 40, 60, 34, 0.9, 0.05, 0.05),
    ),
)


def robustness(found=FOUND):
    return plot_robustness(found)


def xs_of(axes):
    return {float(x) for line in axes.lines for x in line.get_xdata()}


def test_every_variant_has_its_line_in_every_panel():
    mixture, ecc, origins, coverage = robustness().axes
    for axes in (mixture, ecc, origins, coverage):
        assert len(axes.get_yticks()) == len(ROWS)
    labels = [label.get_text() for label in mixture.get_yticklabels()]
    assert labels[0] == "as it is (60/34)"
    assert {100.7, 104.0, 12.0, 90.0, 70.0, 101.0} <= xs_of(mixture)
    assert 0.76 in xs_of(ecc)
    assert {0.87, 0.81} <= xs_of(origins)
    assert 0.25 in xs_of(coverage)


def test_what_could_not_be_asked_says_so_in_its_line():
    said = texts_in(robustness())
    assert "no microlensing row has an" in said
    assert "Peto-Peto p = 0.046" in said
    assert "only the migration map" not in said  # the check does not touch the rest
    assert "0.012" in said


def test_the_caption_says_how_often_the_rules_are_fooled():
    said = caption_robustness(FOUND, imprint=IMPRINT)
    assert "4 variants" in said
    assert "one Gaussian: BIC prefers two in 21% of 40 samples" in said
    assert "better than one population per method in 10% of 10" in said
    assert "judged different in 90%" in said
    assert_sober(said)


def test_controls_that_were_not_run_are_said():
    found = RobustnessFindings(ROWS, WHY, WHY, AnchorSource.HEURISTIC)
    assert "controls not run" in caption_robustness(found, imprint=IMPRINT)


def test_robustness_that_was_not_run_says_why():
    assert WHY.reason in texts_in(robustness(WHY)).replace("\n", " ")
    assert_sober(caption_robustness(WHY, imprint=IMPRINT))


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


@pytest.mark.parametrize("draw", [robustness, lambda: plot_missingness(SAMPLE)])
def test_same_bytes(draw):
    assert_same_bytes(draw)
