"""Hosts drawn anew: planets of one star are not independent, so whole stars are drawn.

A bootstrap sample is told by the weight of each row (how often its host was drawn), a
permutation by which rows count as members of the second group. Both come as matrices,
so that a thousand of them are one array operation.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def bootstrap_weights(
    host: NDArray[np.str_], *, n_bootstrap: int, rng: np.random.Generator
) -> Floats:
    """Return how often each row is in each host-bootstrap sample, (n_bootstrap, n).

    As many hosts are drawn with replacement as there are; a drawn host brings all its
    rows, so the number of rows varies between samples.
    """
    _, of_row = np.unique(host, return_inverse=True)
    n_hosts = int(of_row.max()) + 1
    drawn = rng.multinomial(n_hosts, np.full(n_hosts, 1.0 / n_hosts), size=n_bootstrap)
    return drawn[:, of_row].astype(np.float64)


def permuted_groups(
    second: Flags,
    host: NDArray[np.str_] | NDArray[np.intp],
    *,
    n_permutations: int,
    rng: np.random.Generator,
    stratum: NDArray[np.intp] | None = None,
) -> Flags:
    """Return which rows are in the second group after each shuffle, (n_shuffles, n).

    The rows that one host has in one group (and stratum) keep together: such units are
    shuffled among the groups, within each stratum, the number of units per group kept.
    The number of rows per group therefore varies.
    """
    stratum = np.zeros(len(second), dtype=np.intp) if stratum is None else stratum
    _, host_index = np.unique(host, return_inverse=True)
    strata, stratum_index = np.unique(stratum, return_inverse=True)
    key = (stratum_index * len(host) + host_index) * 2 + second
    units, of_row = np.unique(key, return_inverse=True)
    in_second, stratum_of_unit = units % 2, units // (2 * len(host))
    # As words: numpy shuffles bytes half as fast.
    shuffled = np.empty((n_permutations, len(units)), dtype=np.int64)
    for value in range(len(strata)):
        members = np.flatnonzero(stratum_of_unit == value)
        labels = np.broadcast_to(in_second[members], (n_permutations, len(members)))
        shuffled[:, members] = rng.permuted(labels, axis=1)
    return shuffled[:, of_row] == 1
