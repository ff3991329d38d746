"""What the findings about the way in mean, in words; each sentence follows a number."""

import numpy as np

from panoptic.dynamics.arrivals import FIRST_AXIS_RANGE_AU, WIDEST_CLOSE_AU
from panoptic.dynamics.disk_torque import (
    CAVITY_MASS_RATIO,
    DiskRanges,
    DiskRegime,
    DiskTorque,
)
from panoptic.dynamics.feasibility import (
    COVERED_FRACTION,
    FeasibilityMap,
    typical_orbit,
    wilson_interval,
)
from panoptic.dynamics.migration_findings import MigrationFindings
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.secular_map import ARRIVED, SecularMap
from panoptic.dynamics.sensitivity import ClosedForms, CriterionVariant
from panoptic.statement import NotRun, Statement, percent

_NOTABLY = 0.05  # share of undecided draws from which the answer is called open


def state_migration(findings: MigrationFindings) -> tuple[Statement, ...]:
    """Say what the findings mean: what the answer hangs on first, then the answers."""
    said = []
    if isinstance(findings.secular, NotRun) and isinstance(findings.criterion, NotRun):
        said.append(_state_no_map(findings, findings.secular))
    if findings.secular_variants:
        said.append(_state_sensitivity(findings))
    if not isinstance(findings.secular, NotRun):
        said += [
            _state_secular(findings, findings.secular),
            _state_agreement(findings.secular),
        ]
    if not isinstance(findings.criterion, NotRun):
        said += [_state_criterion(findings, findings.criterion), _state_alarm(findings)]
    said += [_state_stellar_tide(findings), _state_disk(findings)]
    if any(found.arrival for found in findings.companions):
        said.append(_state_companions(findings))
    return tuple(said)


def _state_no_map(findings: MigrationFindings, reason: NotRun) -> Statement:
    return Statement(
        text=f"No perturber is asked about: {reason.reason}.",
        evidence=(
            f"{findings.target.name} at {findings.target.axis_au:.4g} AU; start at "
            f"{_interval_text(findings.inner.axis_au, 'AU')}"
        ),
        caveat="A start further out can be given.",
    )


def _state_sensitivity(findings: MigrationFindings) -> Statement:
    variants = findings.secular_variants
    least = min(variants, key=lambda v: v.migrated)
    most = max(variants, key=lambda v: v.migrated)
    # Of the worst sampled: those integrated anew have fewer draws than the map.
    sampling = max(0.5 * (v.migrated_high - v.migrated_low) for v in variants)
    spread = most.migrated - least.migrated
    more = "more" if spread > 2 * sampling else "no more"
    is_physics_tried = any(v.is_new_integration for v in variants)
    return Statement(
        text=(
            f"Between {percent(least.migrated)} and {percent(most.migrated)} of the "
            f"triples migrate: the answer hangs {more} on what is not known than on "
            "the sampling."
        ),
        evidence=(
            f"least with {least.what}, most with {most.what}; sampling alone "
            f"+-{percent(sampling)}; {len(variants)} variants: "
            + "; ".join(f"{v.what} {percent(v.migrated)}" for v in variants)
        ),
        caveat=(
            "One setting is changed at a time"
            f"{'' if is_physics_tried else ', and no other tide and start was tried'}; "
            "tidal lag and Love number of such companions are not measured."
        ),
    )


def _state_secular(findings: MigrationFindings, found: SecularMap) -> Statement:
    model, n = found.request.model, found.n_total
    number = {code: int(found.count(code).sum()) for code in (*Outcome, ARRIVED)}
    low, high = wilson_interval(number[Outcome.MIGRATED], n)
    undecided = number[Outcome.UNDECIDED] / n
    is_open = (
        f" For {percent(undecided)} it is open, so the shares are lower bounds."
        if undecided >= _NOTABLY
        else ""
    )
    return Statement(
        text=(
            f"Followed for {model.horizon_gyr:g} Gyr, "
            f"{percent(number[Outcome.MIGRATED] / n)} of the triples bring "
            f"{findings.target.name} in by tides, "
            f"{percent(number[ARRIVED] / n)} to within a factor "
            f"{model.window_factor:g} of where it is, and "
            f"{percent(number[Outcome.DISRUPTED] / n)} tear it apart.{is_open}"
        ),
        evidence=(
            f"{found.request.grid.n_cells} cells of {found.request.n_draws} draws; "
            f"migrated 95 % {percent(float(low))}-{percent(float(high))} (Wilson); "
            f"unchanged {percent(number[Outcome.UNCHANGED] / n)}, unstable "
            f"{percent(number[Outcome.UNSTABLE] / n)}, undecided "
            f"{percent(undecided)}; {_radius_text(findings)}, "
            f"k2 {model.love_number:g}, time lag "
            f"{model.time_lag_s:g} s, disruption inside {model.disruption_factor:g} "
            f"tidal radii; settled by {_counts_text(found.settled)}"
        ),
        caveat=(
            f"Double-averaged equations; {_share_text(findings)}. A share of drawn "
            "perturbers, not of real systems: how many hosts have such a perturber is "
            f"not in it.{_inside_text(findings)}"
        ),
    )


def _state_agreement(found: SecularMap) -> Statement:
    no, yes = found.agreement
    n_yes, n_migrated = int(yes.sum()), int(found.agreement[:, Outcome.MIGRATED].sum())
    if not n_yes or not n_migrated:
        return Statement(
            text=(
                "The criterion and the integration cannot be compared on this map: "
                f"{n_yes} draws pass the criterion, {n_migrated} migrate."
            ),
            evidence=f"{found.n_total} draws",
            caveat="More draws, or other perturbers, are needed.",
        )
    return Statement(
        text=(
            f"Of the {n_yes} draws that the criterion counts as feasible, "
            f"{percent(yes[Outcome.MIGRATED] / n_yes)} migrate and "
            f"{percent(yes[Outcome.DISRUPTED] / n_yes)} are torn apart; of the "
            f"{n_migrated} that do migrate, "
            f"{percent(no[Outcome.MIGRATED] / n_migrated)} fail the criterion."
        ),
        evidence=f"{found.n_total} draws in all",
        caveat="The same draws in both, at the headline horizon and thresholds.",
    )


def _state_criterion(findings: MigrationFindings, found: FeasibilityMap) -> Statement:
    best = np.unravel_index(np.argmax(found.fraction), found.fraction.shape)
    mass, axis = found.grid.mass_msun[best[0]], found.grid.axis_au[best[1]]
    start = _interval_text(found.inner.axis_au, "AU")
    return Statement(
        text=(
            f"By the study's criterion {percent(found.mean_fraction)} of the "
            f"triples send {findings.target.name}, started at {start}, within "
            f"{found.r_crit_rstar:g} stellar radii in {found.horizon_gyr:g} Gyr; "
            f"{percent(found.coverage)} of the cells reach a fraction of "
            f"{COVERED_FRACTION:g}."
        ),
        evidence=(
            f"{found.grid.n_cells} cells of {found.n_draws} draws; highest cell "
            f"{found.fraction[best]:.3f} (95 % {found.fraction_low[best]:.3f}-"
            f"{found.fraction_high[best]:.3f}, Wilson) at {mass:.3g} Msun, "
            f"{axis:.3g} AU; unstable "
            f"{percent(found.n_unstable.sum() / found.grid.n_cells / found.n_draws)}"
            f"{_variants_text(findings.criterion_variants)}"
            f"{_forms_text(findings.closed_forms)}"
        ),
        caveat=(
            "The criterion compares thresholds; it does not follow an orbit, and has "
            "no short-range forces, octupole, tides or disruption."
        ),
    )


def _state_alarm(findings: MigrationFindings) -> Statement:
    """Say where the criterion's threshold lies against the disruption radius."""
    limits = findings.thresholds
    share = limits.criterion_au / limits.disruption_au
    if limits.criterion_au < limits.disruption_au:
        text = (
            "The criterion's pericentre threshold lies inside the companion's tidal "
            f"disruption radius ({share:.2f} of it): what it counts as an arrival "
            "would be torn apart, so it must not be read alone."
        )
    else:
        text = (
            "The criterion's pericentre threshold lies outside the companion's tidal "
            f"disruption radius ({share:.2f} of it): it does not by itself count "
            "destroyed companions as arrivals."
        )
    reaches = "within" if 2 * limits.arrival_au <= limits.reach_au else "beyond"
    return Statement(
        text=text,
        evidence=(
            f"r_crit = {limits.criterion_au:.4f} AU; disruption inside "
            f"{limits.disruption_factor:g} r_t = {limits.disruption_au:.4f} AU; an "
            f"orbit that ends circular at {findings.target.axis_au:.4g} AU passes at "
            f"{limits.arrival_au:.4f} AU = "
            f"{limits.arrival_au / limits.host_radius_au:.1f} stellar radii, which is "
            f"{reaches} the reach of the companion's tide (final axis up to "
            f"{limits.reach_au:.3f} AU)"
        ),
        caveat=(
            "The radius of total disruption is disputed (2.0 r_t is the other usual "
            "value), and a companion inflated by tides is torn apart further out."
        ),
    )


def _state_stellar_tide(findings: MigrationFindings) -> Statement:
    tide, horizon = findings.stellar_tide, findings.horizon_gyr
    quickest = min(tide.spiral_in_time_yr) / 1e9
    can = "can" if quickest <= horizon else "cannot"
    return Statement(
        text=(
            f"The tide in the star {can} take the companion from where it is into the "
            f"star within {horizon:g} Gyr: spiralling in takes {quickest:.3g} Gyr at "
            "the strongest dissipation considered."
        ),
        evidence="; ".join(
            f"Q' = {q:.0e}: e-folding {whole / 1e9:.3g} Gyr, until contact "
            f"{rest / 1e9:.3g} Gyr"
            for q, whole, rest in zip(
                tide.q_prime,
                tide.e_folding_time_yr,
                tide.spiral_in_time_yr,
                strict=True,
            )
        ),
        caveat=f"{tide.formula}; only inside corotation, Q' uncertain by decades.",
    )


def _state_disk(findings: MigrationFindings) -> Statement:
    start = findings.disk_at_start
    short, long = start.ranges.lifetime_myr
    times = (
        f"time {start.time_yr.low:.2g}-{start.time_yr.high:.2g} yr (median "
        f"{start.time_yr.median:.2g}); Type I alone {start.type_i_time_yr.low:.2g}-"
        f"{start.type_i_time_yr.high:.2g} yr; h {start.aspect_ratio.low:.3f}-"
        f"{start.aspect_ratio.high:.3f}; at today's "
        f"{findings.disk_today.axis_au:.3g} AU the median is "
        f"{findings.disk_today.time_yr.median:.2g} yr"
    )
    if start.regime is DiskRegime.CAVITY:
        return Statement(
            text=(
                f"At a mass ratio of {start.mass_ratio:.2g} the gas would leave a "
                f"cavity around both bodies: whether a disk shrinks or widens the "
                f"orbit of {findings.target.name} is open."
            ),
            evidence=(
                f"cavity from a mass ratio of {CAVITY_MASS_RATIO:g} on; the formulas "
                f"for planets, which do not hold here, would give: {times}"
            ),
            caveat="It would take a model of a disk around two bodies.",
        )
    return Statement(
        text=(
            f"In {percent(start.share_within_longest)} of the disks considered the "
            f"torque moves the companion at {start.axis_au:.3g} AU within {long:g} Myr "
            f"({percent(start.share_within_shortest)} within {short:g} Myr). It opens "
            f"a gap in {percent(start.gap_share)} of them (Type II"
            f"{_gap_text(start)}); the linear torque (Type I) holds in "
            f"{percent(start.linear_share)}."
        ),
        evidence=times,
        caveat=(
            f"In the other {percent(start.between_share)} the companion is too heavy "
            "for the linear torque and opens no gap: there the time is an order of "
            "magnitude. Shares count combinations of surface density, age, slope and "
            f"viscosity over stated ranges ({_ranges_text(start.ranges)}), not "
            "probabilities."
        ),
    )


def _gap_text(disk: DiskTorque) -> str:
    if disk.gap_share_within_longest is None:
        return ""
    share = percent(disk.gap_share_within_longest)
    return f", {share} of these within {disk.ranges.lifetime_myr[1]:g} Myr"


def _state_companions(findings: MigrationFindings) -> Statement:
    asked = [(c, c.arrival) for c in findings.companions if c.arrival]
    name, best = max(
        ((c.companion.name, arrival) for c, arrival in asked),
        key=lambda pair: pair[1].arrived_fraction,
    )
    reached = sum(arrival.n_arrived > 0 for _, arrival in asked)
    vague, vaguest = max(
        ((c.companion.name, arrival) for c, arrival in asked),
        key=lambda pair: pair[1].n_undecided / pair[1].n_draws,
    )
    undecided = sum(arrival.n_undecided for _, arrival in asked)
    crowded = sum(c.companion.n_siblings > 0 for c, _ in asked)
    most = f"; most often {name}, {percent(best.arrived_fraction)}" if reached else ""
    return Statement(
        text=(
            f"Of {len(asked)} real companions inside {WIDEST_CLOSE_AU:g} AU, a start "
            f"at {_interval_text(FIRST_AXIS_RANGE_AU, 'AU')} and a perturber of the "
            f"grid bring {reached} to near where they are at least once in "
            f"{best.n_draws} draws{most}."
        ),
        evidence=(
            f"95 % {percent(best.arrived_low)}-{percent(best.arrived_high)} for "
            f"{name}; {crowded} of the {len(asked)} have known siblings; undecided "
            f"{percent(undecided / sum(arrival.n_draws for _, arrival in asked))} of "
            f"all draws, at most {percent(vaguest.n_undecided / vaguest.n_draws)} "
            f"({vague})"
        ),
        caveat=(
            "Radii not observed come from a relation; one Love number and time lag "
            "for all. A companion with inner siblings hardly came in this way."
        ),
    )


def _inside_text(findings: MigrationFindings) -> str:
    """Say how many of the drawn starts lie inside today's axis already."""
    low, high = findings.inner.axis_au
    today = findings.target.axis_au or 0.0
    if low >= today:
        return ""
    share = float(np.log(min(today, high) / low) / np.log(high / low))
    return (
        f" {percent(share)} of the starts lie inside {today:.3g} AU, where the "
        "companion is today, and can bring nothing in."
    )


def _radius_text(findings: MigrationFindings) -> str:
    """Say which radius of the companion is in use, and where it comes from."""
    radius, target = findings.inner.companion_radius_rjup, findings.target
    if radius == target.radius_rjup:
        origin = "observed"
    elif radius == target.radius_in_use_rjup:
        origin = "not observed: from its mass"
    else:
        origin = "given for this map"
    return f"radius {radius:.3g} RJup ({origin})"


def _variants_text(variants: tuple[CriterionVariant, ...]) -> str:
    """Say how far the criterion's answer moves over its variants."""
    if not variants:
        return ""
    horizons = [v.horizon_gyr for v in variants]
    thresholds = [v.r_crit_rstar for v in variants]
    means = [v.mean_fraction for v in variants]
    covered = [v.coverage for v in variants]
    return (
        f"; over {min(horizons):g}-{max(horizons):g} Gyr and {min(thresholds):g}-"
        f"{max(thresholds):g} stellar radii the mean is {percent(min(means))} to "
        f"{percent(max(means))}, the cells covered {percent(min(covered))} to "
        f"{percent(max(covered))}"
    )


def _forms_text(forms: ClosedForms | NotRun) -> str:
    """Say what other closed forms would change."""
    if isinstance(forms, NotRun):
        return ""
    return (
        f"; with the perturber's motion along its orbit {percent(forms.feasible)} "
        f"would be {percent(forms.feasible_unaveraged)} (Grishin et al. 2018); "
        f"unstable by Vynatheya et al. 2022 {percent(forms.unstable_vynatheya)}, "
        f"the two differ on {percent(forms.stability_differs)}"
    )


def _share_text(findings: MigrationFindings) -> str:
    """Say in how many cells the equations are strained."""
    _, eps_sa, eta = typical_orbit(findings.grid, findings.inner, findings.prior)
    fast, heavy = float(np.mean(eps_sa > 0.1)), float(np.mean(eta > 0.1))
    return (
        f"in {percent(fast)} of the cells the perturber moves too fast for them "
        f"(eps_SA > 0.1), in {percent(heavy)} the inner orbit turns the outer "
        "(eta > 0.1)"
    )


def _counts_text(counts: dict[str, int]) -> str:
    """Return the counts that are not zero, largest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in ordered if n)


def _ranges_text(ranges: DiskRanges) -> str:
    return (
        f"Sigma at 1 AU {_interval_text(ranges.sigma_g_cm2, 'g/cm2')}, stellar age "
        f"{_interval_text(ranges.age_myr, 'Myr')}, slope "
        f"{_interval_text(ranges.slope)}, alpha {_interval_text(ranges.alpha)}"
    )


def _interval_text(ends: tuple[float, float], unit: str = "") -> str:
    low, high = ends
    numbers = f"{low:g}" if low == high else f"{low:g}-{high:g}"
    return f"{numbers} {unit}".rstrip()
