"""The origin classifier: what it says of each companion, and what that is worth."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from panoptic.demographics.anchors import AnchorLabel, AnchorSource
from panoptic.demographics.classifier_validation import Estimate, LeftOutMethod
from panoptic.demographics.origin_classifier import (
    ClassifierFindings,
    OriginModel,
)
from panoptic.figures.captions import (
    HOW_MASSES_LOOK,
    Imprint,
    caption,
    caption_not_run,
    counted,
    rows_on_hosts,
)
from panoptic.figures.forest import ForestLine, draw_forest, height_inch
from panoptic.figures.marks import (
    draw_companions,
    draw_errors,
    draw_target,
    key,
    mass_keys,
    method_keys,
    ring_target,
    target_key,
)
from panoptic.figures.style import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    PAGE_INCH,
    PAPER,
    QUIET,
    house_style,
    legend_above,
    new_figure,
    plot_not_run,
)
from panoptic.statement import NotRun
from panoptic.target import Target

_PROBABILITIES = "Probability of being binary-like"
_VALIDATION = "What the classifier's skill rests on"
_COLOUR_OF_ANCHOR = {
    AnchorLabel.PLANET_LIKE: BLUE,
    AnchorLabel.BINARY_LIKE: ORANGE,
    AnchorLabel.NONE: PAPER,
}
_CHANCE = 0.5


@house_style()
def plot_origin_probabilities(
    rows: pd.DataFrame, findings: ClassifierFindings | NotRun, *, target: Target
) -> Figure:
    """Draw P of every companion against its mass ratio, and how far P can be trusted.

    Parameters
    ----------
    rows : the rows that were scored, in the order of the scores.
    """
    if isinstance(findings, NotRun):
        return plot_not_run(_PROBABILITIES, findings)
    figure = new_figure(PAGE_INCH, 3.9)
    panels = figure.subplot_mosaic(
        [["scores", "reliability"], ["scores", "skill"]],
        width_ratios=[2.4, 1.0],
        height_ratios=[2.2, 1.0],
    )
    scores, skill = panels["scores"], panels["skill"]
    _draw_objects(scores, rows, findings)
    _draw_reliability(panels["reliability"], findings)
    lines = [
        _skill_line("no log q", findings.headline, colour=INK),
        _skill_line("all", findings.full, colour=QUIET),
    ]
    draw_forest(skill, lines, references=[_CHANCE])
    skill.set(xlabel="AUROC on held-out hosts", xlim=(0.3, 1.03))
    methods = rows["discoverymethod"]
    labels = findings.objects.anchor_label
    legend_above(
        figure,
        [
            *method_keys(methods),
            *_anchor_keys(labels),
            *mass_keys(rows["mass_provenance"]),
            target_key("studied object"),
        ],
        ncols=6,
    )
    _draw_target_score(scores, rows, findings, target)
    return figure


def caption_origin_probabilities(
    rows: pd.DataFrame,
    findings: ClassifierFindings | NotRun,
    *,
    target: Target,
    imprint: Imprint,
) -> str:
    """Say what was scored by what, and how to read the panels."""
    if isinstance(findings, NotRun):
        return caption_not_run(_PROBABILITIES, findings, imprint)
    anchors, headline = findings.anchors, findings.headline
    repeats = (
        "; the anchors are made by q, so the latter repeats the labels"
        if anchors.source is AnchorSource.HEURISTIC
        else ""
    )
    sentences = [
        f"Left: {rows_on_hosts(len(rows), rows['hostname'].nunique())}, scored by the "
        f"headline model, which knows {_listed(headline.features)}; bars are 95 % "
        f"host-bootstrap intervals ({findings.n_bootstrap} samples).",
        f"Colour: anchors ({anchors.rule}; {anchors.n_binary_like} binary-like and "
        f"{anchors.n_planet_like} planet-like rows on {anchors.n_hosts} hosts); white "
        f"rows train nothing. Shape: detection method; {HOW_MASSES_LOOK}.",
        f"Ringed: {target.label}, P = {headline.target.probability}, which trains "
        "nothing.",
        "Upper right: share of binary-like anchors against their held-out P, with "
        "95 % Jeffreys intervals; on the dashed line P means what it says.",
        f"Lower right: AUROC on held-out hosts, {headline.skill.auroc} without log q "
        f"and method, {findings.full.skill.auroc} with them{repeats}. Dashed: chance.",
    ]
    return caption(_PROBABILITIES, sentences, imprint)


@house_style()
def plot_classifier_validation(findings: ClassifierFindings | NotRun) -> Figure:
    """Draw the AUROC of every set of features, and of methods left out in turn."""
    if isinstance(findings, NotRun):
        return plot_not_run(_VALIDATION, findings)
    features, methods = _ablation_lines(findings), _left_out_lines(findings)
    height = max(height_inch(features), height_inch(methods))
    figure = new_figure(PAGE_INCH, height + 0.8)
    ablations, left_out = figure.subplots(1, 2, sharex=True)
    draw_forest(ablations, features, references=[_CHANCE])
    draw_forest(left_out, methods, references=[_CHANCE])
    ablations.set_title(
        f"By features: {rows_on_hosts(findings.anchors.n, findings.anchors.n_hosts)}"
    )
    left_out.set_title("Tested on a method left out")
    for axes in (ablations, left_out):
        axes.set(xlabel="AUROC on held-out hosts", xlim=(-0.03, 1.03))
        axes.tick_params(axis="y", labelsize=6.0)
    return figure


def caption_classifier_validation(
    findings: ClassifierFindings | NotRun, *, imprint: Imprint
) -> str:
    """Say what the ablations and the methods left out show."""
    if isinstance(findings, NotRun):
        return caption_not_run(_VALIDATION, findings, imprint)
    anchors = findings.anchors
    sentences = [
        f"AUROC of {anchors.n_binary_like} binary-like and {anchors.n_planet_like} "
        f"planet-like anchors on {anchors.n_hosts} hosts, 5 folds grouped by host, "
        f"{counted(findings.n_repeats, 'repeat')}; bars are 95 % host-bootstrap "
        "intervals; dashed: chance.",
        "Left: logistic models that may use only the features named; filled squares "
        "are the headline model and the one with everything.",
        "Right: trained on all other methods and tested on one (the counts are its "
        "binary-like and planet-like anchors); a method with anchors of one kind has "
        "no AUROC, and the share on the right side of P = 0.5 is written instead.",
        f"Permutation p of the headline model {findings.permutation.p_value:.3g}"
        + (
            f", within methods {findings.permutation_within_method.p_value:.3g}."
            if findings.permutation_within_method
            else "; no method has both kinds to permute within."
        ),
    ]
    return caption(_VALIDATION, sentences, imprint)


def binary_like_probabilities(
    frame: pd.DataFrame, findings: ClassifierFindings | NotRun
) -> NDArray[np.float64]:
    """Return P of every row of the sample, NaN where the classifier gives none.

    The classifier scores the rows with a mass ratio, in the sample's order.
    """
    scores = np.full(len(frame), np.nan)
    if not isinstance(findings, NotRun):
        scores[frame["q"].notna().to_numpy()] = findings.objects.p_headline
    return scores


def target_probability(findings: ClassifierFindings | NotRun) -> float | None:
    """Return P of the studied object, None where the classifier was not run."""
    if isinstance(findings, NotRun):
        return None
    return findings.headline.target.probability.value


def _draw_objects(axes: Axes, rows: pd.DataFrame, findings: ClassifierFindings) -> None:
    objects = findings.objects
    p = objects.p_headline
    draw_errors(
        axes,
        rows["logq"],
        p,
        y_below=p - objects.p_headline_low,
        y_above=objects.p_headline_high - p,
    )
    colours = (_COLOUR_OF_ANCHOR[AnchorLabel(label)] for label in objects.anchor_label)
    draw_companions(axes, rows, rows["logq"], p, colours)
    axes.autoscale_view()
    axes.axhline(0.5, color=FAINT, linewidth=0.6, zorder=1.0)
    axes.set(
        xlabel=r"$\log_{10}\,q$ (not known to the model)",
        ylabel="$P$(binary-like)",
        ylim=(-0.03, 1.03),
        title=rows_on_hosts(len(rows), rows["hostname"].nunique()),
    )


def _draw_target_score(
    axes: Axes, rows: pd.DataFrame, findings: ClassifierFindings, target: Target
) -> None:
    found = findings.headline.target.probability
    low, high = found.low, found.high
    if low is not None and high is not None:
        axes.plot([target.log_q] * 2, [low, high], color=INK, linewidth=1.0, zorder=2.5)
    if target.pl_name not in set(rows["pl_name"]):
        draw_target(axes, target, target.log_q, found.value)
    ring_target(axes, target.log_q, found.value, label=target.label)


def _draw_reliability(axes: Axes, findings: ClassifierFindings) -> None:
    models = ((findings.headline, INK, "o", 0.0), (findings.full, QUIET, "s", 0.012))
    for model, colour, marker, shift in models:
        for part in model.reliability.bins:
            x = part.mean_probability + shift
            axes.plot([x, x], [part.low, part.high], color=colour, linewidth=0.8)
        axes.plot(
            [part.mean_probability + shift for part in model.reliability.bins],
            [part.observed_share for part in model.reliability.bins],
            linestyle="none",
            marker=marker,
            markersize=3.8,
            color=colour,
            markerfacecolor=colour if model is findings.headline else PAPER,
            label="no log q" if model is findings.headline else "all",
        )
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.7, linestyle="--", zorder=1.0)
    axes.set(
        xlim=(-0.03, 1.03),
        ylim=(-0.03, 1.03),
        xlabel="Held-out $P$(binary-like)",
        ylabel="Binary-like share",
        title=rows_on_hosts(findings.anchors.n, findings.anchors.n_hosts),
    )
    axes.legend(loc="lower right")


def _skill_line(label: str, model: OriginModel, *, colour: str) -> ForestLine:
    return _line(label, model.skill.auroc, colour=colour, marker="s")


def _line(
    label: str,
    estimate: Estimate,
    *,
    colour: str = INK,
    marker: str = "o",
    gap_before: bool = False,
) -> ForestLine:
    return ForestLine(
        label,
        estimate.value,
        estimate.low,
        estimate.high,
        colour=colour,
        marker=marker,
        gap_before=gap_before,
    )


def _ablation_lines(findings: ClassifierFindings) -> list[ForestLine]:
    models = [
        _line(_listed(model.features), model.skill.auroc, marker="s", colour=BLUE)
        for model in (findings.headline, findings.full)
    ]
    ablations = [
        _line(_listed(one.features), one.skill.auroc, gap_before=index == 0)
        for index, one in enumerate(findings.ablations)
    ]
    return [*models, *ablations]


def _left_out_lines(findings: ClassifierFindings) -> list[ForestLine]:
    lines: list[ForestLine] = []
    seen: set[str] = set()
    for one in findings.left_out_methods:
        is_new = one.model not in seen
        seen.add(one.model)
        lines.append(_left_out_line(one, gap_before=is_new and len(seen) > 1))
    return lines


def _left_out_line(one: LeftOutMethod, *, gap_before: bool) -> ForestLine:
    counts = f"{one.n_binary_like}+{one.n_planet_like}"
    label = f"{one.model}: {one.method} ({counts})"
    if one.auroc is not None:
        return _line(label, one.auroc, gap_before=gap_before)
    right = "" if one.share_right is None else f"; {one.share_right:.0%} right"
    remark = f"{one.not_run}{right}"
    return ForestLine(label, None, remark=remark, gap_before=gap_before)


def _anchor_keys(labels: Sequence[str]) -> list[Line2D]:
    words = {
        AnchorLabel.PLANET_LIKE: "planet-like anchor",
        AnchorLabel.BINARY_LIKE: "binary-like anchor",
        AnchorLabel.NONE: "no anchor",
    }
    present = set(labels)
    return [
        key("o", words[label], colour=colour)
        for label, colour in _COLOUR_OF_ANCHOR.items()
        if str(label) in present
    ]


def _listed(features: Sequence[str]) -> str:
    return ", ".join(features)
