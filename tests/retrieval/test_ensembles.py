"""Ensembles of vectors against scikit-learn and NumPy, and what must stay as it is."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD

from graphvid.retrieval import SVDEnsemble, mean_ensemble


@pytest.fixture
def members():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(60, 6))
    return [hidden @ rng.normal(size=(6, dim)) + 0.3 * rng.normal(size=(60, dim)) for dim in (12, 8, 12)]


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_mean(members):
    found = mean_ensemble([members[0], members[2]], weights=[1, 3])
    np.testing.assert_allclose(found, (unit(members[0]) + 3 * unit(members[2])) / 4, rtol=1e-5)
    members[0][5] = members[2][5] = 0
    assert not mean_ensemble([members[0], members[2]])[5].any()
    with pytest.raises(ValueError, match=r"one shape under a mean, got \[\(60, 8\), \(60, 12\)\]"):
        mean_ensemble(members)


def test_against_scikit_learn(members):
    weights = [1.0, 2.0, 0.5]
    joined = np.concatenate([np.sqrt(w) * unit(x) for w, x in zip(weights, members)], axis=1)
    theirs = TruncatedSVD(5, algorithm="arpack", random_state=0).fit(joined)
    ours = SVDEnsemble(5, weights).fit(members)
    np.testing.assert_allclose(ours.singular_values_, theirs.singular_values_, rtol=1e-6)
    np.testing.assert_allclose(np.abs(ours.components_), np.abs(theirs.components_), atol=1e-6)
    np.testing.assert_allclose(np.abs(ours.transform(members)), np.abs(theirs.transform(joined)), atol=1e-5)


def test_all_columns_keep_the_weighted_cosines(members):
    """With as many columns as the members have together, and by the dense way, nothing is lost."""
    weights = [1.0, 2.0, 0.5]
    cosines = sum(w * unit(x) @ unit(x).T for w, x in zip(weights, members))
    for dim in (32, 500):
        vectors = SVDEnsemble(dim, weights).fit_transform(members)
        assert vectors.shape == (60, 32)
        np.testing.assert_allclose(vectors @ vectors.T, cosines, atol=1e-5)


def test_repeats_itself_and_takes_new_videos(members):
    first, again = (SVDEnsemble(4).fit(members) for _ in range(2))
    np.testing.assert_array_equal(first.components_, again.components_)
    rows = np.random.default_rng(1).permutation(60)[:10]
    np.testing.assert_allclose(
        first.transform([x[rows] for x in members]), first.transform(members)[rows], rtol=1e-4, atol=1e-5
    )
    turned = [x @ np.linalg.qr(np.random.default_rng(2).normal(size=(x.shape[1],) * 2))[0] for x in members]
    np.testing.assert_allclose(  # axes of a member do not matter, as those of models trained apart do not
        np.abs(SVDEnsemble(4).fit_transform(turned)), np.abs(first.transform(members)), atol=1e-4
    )


def test_refusals(members):
    with pytest.raises(ValueError, match="at least one table"):
        mean_ensemble([])
    with pytest.raises(ValueError, match="tables of 60 rows, got shape"):
        SVDEnsemble().fit([members[0], members[1][:3]])
    with pytest.raises(ValueError, match="zeros alone"):
        SVDEnsemble().fit([np.zeros((4, 2))])
    with pytest.raises(ValueError, match=r"must have the columns \(12, 8, 12\) they were fitted with, got \(12, 8\)"):
        SVDEnsemble(4).fit(members).transform(members[:2])
    with pytest.raises(ValueError, match="weights must be 3 finite numbers > 0"):
        SVDEnsemble(weights=[1, 0, 1]).fit(members)
    members[0][0, 0] = np.nan
    with pytest.raises(ValueError, match="finite, got other values in member 0"):
        mean_ensemble(members)
