"""What the robustness checks mean, in words."""

from panoptic.demographics.anchors import AnchorSource
from panoptic.demographics.control_populations import (
    EccentricityControl,
    MixtureControl,
    Population,
)
from panoptic.demographics.eccentricity_contrast import SIGNIFICANCE, tests_of
from panoptic.demographics.eccentricity_passes import HEADLINE
from panoptic.demographics.origin_classifier import QuickScore
from panoptic.demographics.robustness_findings import (
    Check,
    RobustnessFindings,
    RobustnessRow,
)
from panoptic.demographics.variant_measures import EccentricityCheck, MixtureCheck
from panoptic.statement import NotRun, Statement

_OFTEN = 0.5  # of simulated samples: a rule that errs that often says nothing
_COMPONENTS = {1: "one component", 2: "two components"}
_LABELLED = {
    AnchorSource.HEURISTIC: "In every variant the label is the mass ratio's.",
    AnchorSource.CURATED: (
        "But for the anchors by mass ratio the labels are the curated ones: whoever "
        "gave them knew the masses."
    ),
    AnchorSource.USER: (
        "But for the anchors by mass ratio the labels are those of the table given: as "
        "good as its reasons."
    ),
    AnchorSource.NONE: "",
}


def state_robustness(findings: RobustnessFindings) -> tuple[Statement, ...]:
    """Say what survives which change, and what the rules say of known populations."""
    return (
        _mixture(findings),
        _eccentricities(findings),
        _masses(findings),
        _classifier(findings),
        _mixture_controls(findings.mixture_controls),
        _eccentricity_controls(findings.eccentricity_controls),
    )


def _label(row: RobustnessRow) -> str:
    if row.check is Check.WITHOUT_METHOD:
        return f"without {row.name}"
    if row.check is Check.READING:
        return f"{row.name.replace('_', ' ')} eccentricities"
    return str(row.check)


def _untested(rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    return " Not tested: " + "; ".join(f"{name} ({why})" for name, why in rows) + "."


def _mixture(findings: RobustnessFindings) -> Statement:
    asked: dict[tuple[str, str], MixtureCheck] = {}  # by sample and variant
    refused: list[tuple[str, str]] = []
    for row in findings.rows:
        if row.check in (Check.READING, Check.ANCHORS, Check.MIGRATION_MAP):
            continue
        for sample, part in (("main", row.main), ("mass-orbit", row.mass_orbit)):
            if isinstance(part, NotRun):
                refused.append((f"{_label(row)}, {sample} sample", part.reason))
            else:
                asked[sample, _label(row)] = part
    if not asked:
        return Statement(
            "Whether one component or two could not be asked of any variant.",
            evidence=_untested(refused).strip(),
        )
    known = {
        f"{label}, {sample} sample": part.delta_bic
        for (sample, label), part in asked.items()
        if part.delta_bic is not None
    }
    evidence = ""
    if known:
        least = min(known, key=known.__getitem__)
        most = max(known, key=known.__getitem__)
        evidence = (
            f"BIC(1) - BIC(2) from {known[least]:.1f} ({least}) to {known[most]:.1f} "
            f"({most})."
        )
    return Statement(
        _preferences(asked),
        evidence=evidence + _untested(refused),
        caveat=(
            "Every variant keeps what the surveys can see: the preference can still be "
            "theirs, see the controls."
        ),
    )


def _preferences(asked: dict[tuple[str, str], MixtureCheck]) -> str:
    """Say how many variants of each sample prefer two, and which do not."""
    parts = []
    for sample in dict.fromkeys(sample for sample, _ in asked):
        of = {label: part for (s, label), part in asked.items() if s == sample}
        one = [label for label, part in of.items() if part.chosen_k == 1]
        counted = (
            f"in {len(of) - len(one)} of {len(of)} variants of the {sample} sample"
        )
        parts.append(counted + (f" (not: {', '.join(one)})" if one else ""))
    return f"The BIC prefers two components {' and '.join(parts)}."


def _p_of(row: RobustnessRow, part: EccentricityCheck) -> float | None:
    """The p value that counts: hosts shuffled where that was done.

    Peto-Peto takes the censored reading whatever the row's; of another reading it
    would be the test of the sample as it is once more.
    """
    if row.check is Check.READING and part.policy is not HEADLINE:
        return part.ks_p_host
    if part.peto_p_host is not None:
        return part.peto_p_host
    return part.ks_p


def _why_no_p(part: EccentricityCheck) -> str:
    if not tests_of(part.policy):
        return "no test takes values with errors"
    return f"{part.n_low_q} low-q against {part.n_high_q} high-q"


def _eccentricities(findings: RobustnessFindings) -> Statement:
    asked: dict[str, float] = {}
    refused: list[tuple[str, str]] = []
    for row in findings.rows:
        part = row.eccentricity
        if row.check in (Check.ANCHORS, Check.ERRORS, Check.MIGRATION_MAP):
            continue
        if isinstance(part, NotRun):
            refused.append((_label(row), part.reason))
            continue
        p = _p_of(row, part)
        if p is None:
            refused.append((_label(row), _why_no_p(part)))
        else:
            asked[_label(row)] = p
    if not asked:
        return Statement(
            "The eccentricities could not be compared in any variant.",
            evidence=_untested(refused).strip(),
        )
    lost = [f"{name} (p = {p:.2g})" for name, p in asked.items() if p > SIGNIFICANCE]
    if not lost:
        text = (
            f"In all {len(asked)} variants high-q and low-q eccentricities differ "
            f"(p <= {SIGNIFICANCE})."
        )
    elif len(lost) == len(asked):
        text = (
            f"In none of {len(asked)} variants do high-q and low-q eccentricities "
            f"differ (p <= {SIGNIFICANCE})."
        )
    else:
        text = (
            f"High-q and low-q eccentricities differ (p <= {SIGNIFICANCE}) in "
            f"{len(asked) - len(lost)} of {len(asked)} variants, not: "
            f"{', '.join(lost)}."
        )
    return Statement(
        text,
        evidence=f"p up to {max(asked.values()):.2g}.{_untested(refused)}",
        caveat=(
            "p: Peto-Peto of the censored reading with hosts shuffled; KS of another "
            "reading; where the variant involves chance the median of exact KS. All "
            "rows compared: methods and axes differ too."
        ),
    )


def _masses(findings: RobustnessFindings) -> Statement:
    said = []
    for check in (Check.HOST_MASSES, Check.INCLINATIONS, Check.ONE_PER_HOST):
        for row in findings.of(check):
            if isinstance(row.main, NotRun):
                said.append(f"{check}: {row.main.reason}")
                continue
            part = row.main
            around = (
                f" ({part.delta_bic_low:.1f} to {part.delta_bic_high:.1f})"
                if part.delta_bic_low is not None and part.delta_bic_high is not None
                else ""
            )
            middle = "none" if part.delta_bic is None else f"{part.delta_bic:.1f}"
            said.append(
                f"{check} ({row.n_draws} draws): {part.n_rows} rows, BIC(1) - BIC(2) "
                f"{middle}{around}, two preferred in {_of(part.share_two, row.n_draws)}"
            )
    base = findings.rows[0].main
    drawn = {
        str(row.check): row.main.chosen_k
        for row in findings.rows
        if row.n_draws > 1 and not isinstance(row.main, NotRun)
    }
    if not drawn or isinstance(base, NotRun):
        text = "What the errors of the masses do could not be asked."
    else:
        text = _redrawn(drawn, base.chosen_k)
    return Statement(
        text,
        evidence="; ".join(said) + ".",
        caveat="Errors are taken as symmetric; a choice stands in for absent ones.",
    )


def _redrawn(drawn: dict[str, int], preferred: int) -> str:
    """Say which draws change what the BIC prefers."""
    changed = [name for name, k in drawn.items() if k != preferred]
    stays = f"stays in all kinds of draws: {', '.join(drawn)}"
    lost = f"is lost with: {', '.join(changed)}"
    preference = f"The BIC's preference for {_COMPONENTS[preferred]}"
    return f"{preference} {lost if changed else stays}."


def _classifier(findings: RobustnessFindings) -> Statement:
    asked = {
        row.name if row.check is Check.ANCHORS else _label(row): row.origins
        for row in findings.rows
        if isinstance(row.origins, QuickScore)
    }
    if not asked:
        return Statement("The classifier could not be asked of any variant.")
    p = {name: score.p_target for name, score in asked.items()}
    low, high = min(p, key=p.__getitem__), max(p, key=p.__getitem__)
    skill = [score.auroc for score in asked.values()]
    side = (
        "stays on one side of 0.5"
        if (p[low] < 0.5) == (p[high] < 0.5)
        else "changes sides of 0.5"
    )
    return Statement(
        f"With other anchors and rows the target's P of being binary-like {side}.",
        evidence=(
            f"P from {p[low]:.3f} ({low}) to {p[high]:.3f} ({high}); held-out AUROC "
            f"{min(skill):.2f} to {max(skill):.2f}, {len(asked)} variants."
        ),
        caveat=_LABELLED[findings.anchor_source],
    )


def _mixture_controls(
    controls: tuple[MixtureControl, ...] | NotRun,
) -> Statement:
    if isinstance(controls, NotRun):
        return Statement(f"The mixture has no controls: {controls.reason}.")
    found = {control.population: control for control in controls}
    parts = found[Population.ONE_IN_PARTS]
    often = _of(parts.share_very_strong, parts.n_simulations)
    if parts.share_very_strong > _OFTEN:
        text = (
            "One population seen in parts by the methods would be called two: the "
            f"BIC's preference is very strong in {often} such samples."
        )
    else:
        text = (
            "One population seen in parts by the methods is called two, very strongly, "
            f"in {often} such samples."
        )
    return Statement(
        text,
        evidence="; ".join(
            f"{c.population} ({c.how}): two preferred in "
            f"{_of(c.share_two, c.n_simulations)}, by 10 or more in "
            f"{_of(c.share_very_strong, c.n_simulations)}{_beyond(c)}"
            for c in controls
        )
        + f"; samples of {parts.n_rows} rows.",
        caveat="The ranges of the methods are those of the companions they found.",
    )


def _beyond(control: MixtureControl) -> str:
    if control.share_beyond_methods is None:
        return ""
    return (
        f"; of {control.n_method_tests} of these that were held against one population "
        "per method, two are better in "
        f"{round(control.share_beyond_methods * control.n_method_tests)}"
    )


def _eccentricity_controls(
    controls: tuple[EccentricityControl, ...] | NotRun,
) -> Statement:
    if isinstance(controls, NotRun):
        return Statement(f"The eccentricities have no controls: {controls.reason}.")
    found = {control.population: control for control in controls}
    two, one = found[Population.TWO], found[Population.ONE]
    text = (
        "Two true populations of eccentricities are called supported in "
        f"{_of(two.share_supported, two.n_simulations)} made samples of these sizes"
        f"{_hindrance(two)}."
    )
    seen = _of(1.0 - two.share_not_supported, two.n_simulations)
    alarm = _of(1.0 - one.share_not_supported, one.n_simulations)
    return Statement(
        text,
        evidence=(
            f"A difference is seen in {seen} of them, and in {alarm} of one population."
            " "
            + "; ".join(
                f"{c.population} ({c.how}): supported "
                f"{_of(c.share_supported, c.n_simulations)}, driven by detection "
                f"method {_of(c.share_driven_by_method, c.n_simulations)}, not "
                f"supported {_of(c.share_not_supported, c.n_simulations)}"
                for c in controls
            )
            + f"; samples of {two.n_rows} rows."
        ),
        caveat="Published laws of e stand in for the unknown true ones.",
    )


def _hindrance(two: EccentricityControl) -> str:
    """Say what most often stands in the way of the right verdict."""
    if two.share_supported >= _OFTEN:
        return ""
    if two.share_driven_by_method >= two.share_not_supported:
        return ": a difference is seen, but not within methods and at equal axes"
    return ": mostly no difference is seen at all"


def _of(share: float, n: int) -> str:
    """A share as a count: of few samples a percentage says too much."""
    return f"{round(share * n)} of {n}"
