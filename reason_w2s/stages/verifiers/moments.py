"""How often each verifier is right, from how their votes go together: a label model by moments.

The model is Weaver's (arXiv 2506.18203), which is that of Dawid and Skene (1979) for two classes: a
trace is right (Y = 1) with chance p, and given Y the verifiers' votes S_i are independent. Weaver
matches E[S_i S_j] and E[S_i] by gradient descent on their squared distance. Here the means are
matched exactly, which leaves one number per verifier. With d_i = P(S_i = 1 | right) - P(S_i = 1 |
wrong) and m_i = E[S_i],

    P(S_i = 1 | right) = m_i + (1 - p) d_i,    P(S_i = 1 | wrong) = m_i - p d_i
    Cov(S_i, S_j) = p (1 - p) d_i d_j  for i != j

so the correlations are u_i u_j with u_i = d_i sqrt(p (1 - p) / (m_i (1 - m_i))). Start: |u_i|^2 is
the median over pairs (j, k) of R_ij R_ik / R_jk (Weaver's triplets), the signs those of the first
eigenvector. Then least squares over the pairs, each in its standard errors, bounded by what leaves
chances in 0..1, with a loss that grows linearly beyond one of them: a pair that errs together pulls
less (ours). Where p is not known, it comes from third moments (ours):

    E[(S_i - m_i)(S_j - m_j)(S_k - m_k)] = p (1 - p) (1 - 2p) d_i d_j d_k

What identifies it: three verifiers that go together, two by two. Turning all signs round explains
the votes as well; more verifiers are taken to help than to mislead, unless `dev` tells.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from reason_w2s.stages.verifiers.patterns import Patterns, Rates, bounded
from reason_w2s.stages.verifiers.scores import Floats

LINEAR_FROM = 1.0
"""Standard errors from which on a pair's distance counts about linearly."""
LEAST = 0.02
"""The smallest share of either kind that third moments may find."""
_NEAR = 1e-3


def fit(seen: Patterns, balance: float | None, signs: Floats | None = None) -> Rates:
    """The rates that explain how the votes go together.

    balance: P(right) where it is known. signs: `[K]`, how each verifier goes with the truth on
    audited traces, which then tells whether the whole is turned round; None: most help.
    """
    size, rate = seen.size, seen.rate
    deviation = np.sqrt(rate * (1.0 - rate))
    together, counts = correlations(seen)
    found = _factor(together, counts, start(together), np.ones_like(rate))
    found *= _sign(found, signs)
    p = _balance(seen, found * deviation) if balance is None else balance
    unit = deviation / np.sqrt(p * (1.0 - p))
    high, low = _limits(rate, p)
    apart = unit * _factor(together, counts, found, high / unit, low / unit)
    return bounded(Rates(rate + (1.0 - p) * apart, rate - p * apart, p), size)


def correlations(seen: Patterns) -> tuple[Floats, Floats]:
    """R_ij and the traces with both votes, `[K, K]` each; NaN where one of a pair never changes."""
    given, yes = seen.given.astype(float), seen.yes
    counts = (given * seen.weights[:, None]).T @ given
    both = (yes * seen.weights[:, None]).T @ yes
    first = (yes * seen.weights[:, None]).T @ given
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, other = first / counts, first.T / counts
        found = both / counts - mean * other
        found /= np.sqrt(mean * (1.0 - mean) * other * (1.0 - other))
    return np.asarray(found), np.asarray(counts)


def start(together: Floats) -> Floats:
    """u by triplets, `[K]`, each within .05 to .95 of nought."""
    sizes = np.array([_by_triplets(together, at) for at in range(len(together))])
    off = np.nan_to_num(np.where(np.eye(len(together), dtype=bool), 0.0, together))
    direction = np.linalg.eigh(off)[1][:, -1]
    return np.asarray(np.where(direction < 0, -1.0, 1.0) * np.clip(sizes, 0.05, 0.95))


def _by_triplets(together: Floats, at: int) -> float:
    """|u_at|; a half, where no triplet tells."""
    others = np.delete(np.arange(len(together)), at)
    first, second = (others[side] for side in np.triu_indices(len(others), 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        square = together[at, first] * together[at, second] / together[first, second]
    square = square[np.isfinite(square)]
    return float(np.sqrt(max(float(np.median(square)), 0.0))) if square.size else 0.5


def _factor(
    together: Floats, counts: Floats, begin: Floats, high: Floats, low: Floats | None = None
) -> Floats:
    """u between the bounds, `[K]`, whose products are the correlations, as nearly as may be."""
    low = -high if low is None else low
    first, second = np.triu_indices(len(together), 1)
    known = np.isfinite(together[first, second])
    first, second = first[known], second[known]
    scale, wanted = np.sqrt(counts[first, second]), together[first, second]
    rows = np.arange(len(first))

    def apart(u: Floats) -> Floats:
        return np.asarray(scale * (u[first] * u[second] - wanted))

    def slope(u: Floats) -> Floats:
        found = np.zeros((len(first), len(u)))
        found[rows, first] = scale * u[second]
        found[rows, second] = scale * u[first]
        return found

    inside = np.clip(begin, low + _NEAR * (high - low), high - _NEAR * (high - low))
    solved = least_squares(
        apart, inside, slope, bounds=(low, high), loss="soft_l1", f_scale=LINEAR_FROM
    )
    return np.asarray(solved.x, np.float64)


def _sign(found: Floats, signs: Floats | None) -> float:
    if signs is not None and float(signs @ found) != 0.0:
        return float(np.sign(signs @ found))
    side = float(np.sign(found).sum()) or float(found.sum())
    return -1.0 if side < 0 else 1.0


def _balance(seen: Patterns, apart: Floats) -> float:
    """P(right) by third moments. apart: sqrt(p (1 - p)) d, `[K]`.

    The sum over triples i < j < k of x_i x_j x_k is (s1^3 - 3 s1 s2 + 2 s3) / 6, with sn the sum of
    x^n: no loop over triples.
    """
    centred = np.where(seen.given, seen.yes - seen.rate, 0.0) * apart
    skew = float(seen.weights @ _triples(centred))
    scale = float(seen.weights @ _triples(seen.given * apart**2))
    # (1 - 2p) / sqrt(p (1 - p))
    ratio = skew / scale if scale > 0 else 0.0
    found = 0.5 * (1.0 - ratio / np.sqrt(4.0 + ratio**2))
    return float(np.clip(found, LEAST, 1.0 - LEAST))


def _triples(x: Floats) -> Floats:
    """The sum of products of three different entries of each row, `[P, K]` -> `[P]`."""
    one, two, three = (x**power @ np.ones(x.shape[1]) for power in (1, 2, 3))
    return np.asarray((one**3 - 3.0 * one * two + 2.0 * three) / 6.0)


def _limits(rate: Floats, p: float) -> tuple[Floats, Floats]:
    """The greatest and the least d that leave both chances in 0..1, `[K]` each."""
    high = np.minimum((1.0 - rate) / (1.0 - p), rate / p)
    low = -np.minimum(rate / (1.0 - p), (1.0 - rate) / p)
    return high, low
