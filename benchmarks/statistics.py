"""How fast the statistics are: every comparison of the two parts in one run.

    python -m benchmarks.statistics

Batched Beta bootstraps against loops over scipy's fit; extreme deconvolution against
astroML's; the other mixtures against scikit-learn and loops. About two minutes.
"""

from benchmarks import statistics_eccentricity, statistics_mixture


def main() -> None:
    print("Beta distributions")
    statistics_eccentricity.main()
    print("\nMixtures")
    statistics_mixture.main()


if __name__ == "__main__":
    main()
