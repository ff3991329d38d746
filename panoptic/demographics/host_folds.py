"""Hosts dealt out to folds so that every fold has its share of each class."""

import numba
import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.companions import Floats, Texts

Integers = NDArray[np.int64]

N_FOLDS = 5


def draw_folds(
    label: Integers, host: Texts, *, rng: np.random.Generator, n_repeats: int
) -> Integers:
    """Return (r, n) the fold of each row in r splits of the hosts.

    The folds of scikit-learn's `StratifiedGroupKFold`, shuffled: the hosts in random
    order, those of the most uneven counts of both classes first, go one by one to the
    fold that keeps the shares of the classes most even over the folds. The rows of a
    host share a fold; each class needs at least five hosts.
    """
    _, of_row = np.unique(host, return_inverse=True)
    n_hosts = int(of_row.max()) + 1
    counts = np.zeros((n_hosts, 2))
    np.add.at(counts, (of_row, label), 1.0)
    unevenness = np.abs(counts[:, 0] - counts[:, 1])
    fold = np.empty((n_repeats, len(label)), dtype=np.int64)
    for r in range(n_repeats):
        # scikit-learn's own stream: a test holds both against each other.
        order = np.random.RandomState(rng.integers(2**31)).permutation(n_hosts)
        order = order[np.argsort(-unevenness[order], kind="stable")]
        fold[r] = _assign(counts, counts.sum(axis=0), order, N_FOLDS)[of_row]
    return fold


@numba.njit(cache=True, error_model="numpy")
def _assign(counts: Floats, total: Floats, order: Integers, n_folds: int) -> Integers:
    """Return the fold of each group, dealt out in the order given.

    A group goes where the shares of each class, over the folds, then deviate least
    (standard deviation, mean over classes); of like folds to the one of fewest rows.
    The rule, and what counts as alike, are `StratifiedGroupKFold`'s of scikit-learn.

    Parameters
    ----------
    counts : (groups, classes) rows.
    total : (classes,) of all groups; every class has some.
    """
    n_groups, n_classes = counts.shape
    filled = np.zeros((n_folds, n_classes))
    fold = np.empty(n_groups, dtype=np.int64)
    for group in order:
        best, least, fewest = 0, np.inf, np.inf
        for k in range(n_folds):
            for c in range(n_classes):
                filled[k, c] += counts[group, c]
            unevenness = 0.0
            for c in range(n_classes):
                mean, square = 0.0, 0.0
                for f in range(n_folds):
                    mean += filled[f, c] / total[c]
                mean /= n_folds
                for f in range(n_folds):
                    square += (filled[f, c] / total[c] - mean) ** 2
                unevenness += np.sqrt(square / n_folds) / n_classes
            n_rows = 0.0
            for c in range(n_classes):
                filled[k, c] -= counts[group, c]
                n_rows += filled[k, c]
            alike = abs(unevenness - least) <= 1e-8 + 1e-5 * least
            if unevenness < least or (alike and n_rows < fewest):
                best, least, fewest = k, unevenness, n_rows
        fold[group] = best
        for c in range(n_classes):
            filled[best, c] += counts[group, c]
    return fold
