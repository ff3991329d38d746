"""How often do intervals of alpha and beta hold the truth? Simulated samples, counted.

    python -m benchmarks.eccentricity_coverage

Takes about ten seconds.
"""

import time

import numpy as np

from panoptic.demographics.beta_distribution import maximise, profile_intervals
from panoptic.demographics.beta_likelihood import BetaLikelihood, BetaRows, known_within

N_SAMPLES = 4000
N_CENSORED_SAMPLES = 1000
N_BOOTSTRAP = 400
N_BOOTSTRAPPED = 500  # samples whose percentile interval is made as well
CENSORED_BELOW = 0.05
LAWS = {
    "Kipping, all": (0.867, 3.03),
    "Kipping, short periods": (0.697, 3.27),
    "Bowler, brown dwarfs": (2.30, 1.65),
    "low q here, as reported": (0.35, 4.5),
}
SIZES = (7, 15, 39, 60)


def profile_coverage(law, n, level, rng):
    """Shares of samples whose profile intervals hold alpha, beta."""
    likelihood = BetaLikelihood.of_samples(rng.beta(*law, size=(N_SAMPLES, n)))
    return held(law, profile_intervals(likelihood, maximise(likelihood), level=level))


def censored_coverage(law, n, level, rng):
    """The same with every value below a limit known only to lie there."""
    ends = []
    for x in rng.beta(*law, size=(N_CENSORED_SAMPLES, n)):
        seen = np.where(x < CENSORED_BELOW, np.nan, x)
        rows: BetaRows = known_within(seen, np.zeros(n), np.full(n, CENSORED_BELOW))
        likelihood = BetaLikelihood.of_rows(rows)
        best = maximise(likelihood)
        ends.append(profile_intervals(likelihood, best, level=level)[0])
    return held(law, np.array(ends))


def percentile_coverage(law, n, level, rng):
    """The same of percentile-bootstrap intervals."""
    tail = 0.5 * (1.0 - level)
    ends = []
    for x in rng.beta(*law, size=(N_BOOTSTRAPPED, n)):
        drawn = maximise(
            BetaLikelihood.of_samples(x[rng.integers(n, size=(N_BOOTSTRAP, n))])
        )
        parameters = np.stack([drawn.alpha, drawn.beta], axis=1)
        ends.append(np.quantile(parameters, [tail, 1.0 - tail], axis=0).T)
    return held(law, np.array(ends))


def held(law, ends):
    inside = (ends[:, :, 0] <= law) & (ends[:, :, 1] >= law)
    return inside.mean(axis=0)


def main():
    start = time.perf_counter()
    rng = np.random.default_rng(2020)
    print("coverage of alpha / beta")
    print(
        f"{'law':<25}{'n':>4}{'profile 90 %':>16}{'profile 95 %':>16}"
        f"{'censored 90 %':>16}{'percentile 95 %':>17}"
    )
    for name, law in LAWS.items():
        for n in SIZES:
            columns = (
                profile_coverage(law, n, 0.90, rng),
                profile_coverage(law, n, 0.95, rng),
                censored_coverage(law, n, 0.90, rng),
                percentile_coverage(law, n, 0.95, rng),
            )
            shown = "".join(f"{a:>10.3f}/{b:.3f}" for a, b in columns)
            print(f"{name:<25}{n:>4}{shown}")
    print(f"{time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
