"""Interactions against sets, dictionaries and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from graphvid.data import Interactions, InteractionSplits

pairs_lists = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), unique=True, max_size=30)


def make(pairs, **options):
    users, items = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Interactions.from_pairs(users, items, **options)


def as_set(interactions):
    return set(zip(interactions.users.tolist(), interactions.items.tolist()))


def int64(*values):
    return np.array(values, dtype=np.int64)


def test_lists_counts_and_users_by_hand():
    data = make([(3, 1), (0, 2), (3, 0)], num_users=5, num_items=4)
    np.testing.assert_array_equal(data.indptr, [0, 1, 1, 1, 3, 3])
    np.testing.assert_array_equal(data.items, [2, 0, 1])
    np.testing.assert_array_equal(data.users, [0, 3, 3])
    np.testing.assert_array_equal(data.item_counts, [1, 1, 1, 0])
    assert (data.num_users, data.num_items, data.num_interactions) == (5, 4, 3)
    assert {x.dtype for x in (data.indptr, data.items, data.users, data.item_counts)} == {np.dtype(np.int64)}


@settings(deadline=None, max_examples=60)
@given(pairs=pairs_lists, data=st.data())
def test_any_order_gives_the_same_sorted_lists(pairs, data):
    made = make(pairs, num_users=8, num_items=10)
    assert as_set(made) == set(pairs)
    for user in range(8):
        items = made.items[made.indptr[user] : made.indptr[user + 1]]
        assert items.tolist() == sorted(item for owner, item in pairs if owner == user)
    assert made.item_counts.tolist() == [sum(item == i for _, item in pairs) for i in range(10)]
    again = make(data.draw(st.permutations(pairs)), num_users=8, num_items=10)
    np.testing.assert_array_equal(made.items, again.items)
    np.testing.assert_array_equal(made.indptr, again.indptr)
    dense = np.zeros((8, 10), np.float32)
    for user, item in pairs:
        dense[user, item] = 1
    matrix = made.to_sparse()
    assert sparse.issparse(matrix)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix.toarray(), dense)


def test_sizes_come_from_the_largest_id_and_gaps_stay():
    data = make([(5, 2), (0, 7)])
    assert (data.num_users, data.num_items) == (6, 8)
    assert np.diff(data.indptr).tolist() == [1, 0, 0, 0, 0, 1]
    assert data.item_counts.tolist() == [0, 0, 1, 0, 0, 0, 0, 1]


def test_nothing_at_all():
    for data in (make([]), make([], num_users=3, num_items=2)):
        assert data.num_interactions == 0
        assert data.to_sparse().shape == (data.num_users, data.num_items)
        kept, held = data.hold_out(0.5, 0)
        assert (kept.num_interactions, held.num_users) == (0, data.num_users)
    assert (data.num_users, data.item_counts.tolist()) == (3, [0, 0])


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.int64])
def test_ids_of_any_integer_type(dtype):
    data = Interactions.from_pairs(np.array([1, 0], dtype=dtype), np.array([200, 3], dtype=dtype))
    assert data.items.tolist() == [3, 200]
    assert data.items.dtype == np.int64


def test_repeated_pairs_are_refused_or_dropped():
    pairs = [(1, 2), (0, 2), (1, 2), (1, 2), (0, 2)]
    with pytest.raises(
        ValueError, match="distinct unless duplicates='drop', got user 1 with item 2 again in row 2 and 2 more repeated"
    ):
        make(pairs)
    assert as_set(make(pairs, duplicates="drop")) == {(0, 2), (1, 2)}


@settings(deadline=None, max_examples=60)
@given(pairs=pairs_lists, fraction=st.floats(0.01, 0.99), seed=st.integers(0, 2**40))
def test_hold_out_parts_every_user(pairs, fraction, seed):
    data = make(pairs, num_users=8, num_items=10)
    kept, held = data.hold_out(fraction, seed)
    assert as_set(kept) | as_set(held) == set(pairs)
    assert not as_set(kept) & as_set(held)
    assert {(x.num_users, x.num_items) for x in (kept, held)} == {(8, 10)}
    for size, left, out in zip(np.diff(data.indptr), np.diff(kept.indptr), np.diff(held.indptr), strict=True):
        assert (left > 0) == (size > 0)
        assert out in {min(int(fraction * size), max(size - 1, 0)), min(int(fraction * size) + 1, max(size - 1, 0))}
    again = data.hold_out(fraction, seed)[1]
    np.testing.assert_array_equal(again.items, held.items)


def test_hold_out_gives_every_pair_the_same_chance():
    data = make([(user, item) for user in range(40) for item in range(7)])
    times = np.zeros(data.num_interactions)
    for seed in range(400):
        _, held = data.hold_out(0.3, seed)
        times += np.isin(data.users * 7 + data.items, held.users * 7 + held.items)
    share = times.reshape(40, 7) / 400
    # 400 draws of chance 0.3: a standard deviation of 0.023 each, 0.0036 over the users.
    assert abs(share.mean() - 0.3) < 0.005
    assert abs(share - 0.3).max() < 5 * 0.023
    assert abs(share.mean(axis=0) - 0.3).max() < 5 * 0.0036
    assert abs(share.mean(axis=1) - 0.3).max() < 0.02


def test_hold_out_never_takes_the_last_and_may_take_all_others():
    data = make([(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)], num_users=4)
    kept, held = data.hold_out(0.999999, 0)
    assert np.diff(kept.indptr).tolist() == [1, 1, 1, 0]
    assert np.diff(held.indptr).tolist() == [0, 1, 2, 0]


def test_another_seed_holds_out_others():
    data = make([(0, item) for item in range(50)])
    assert as_set(data.hold_out(0.2, 0)[1]) != as_set(data.hold_out(0.2, 1)[1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"users": [0.0, 1.0]}, TypeError, "users must hold integers, got dtype float64"),
        ({"items": [[0, 1]]}, ValueError, r"items must have shape \(num_pairs,\), got \(1, 2\)"),
        ({"items": [0]}, ValueError, "users and items must have equal lengths, got 2 and 1"),
        ({"users": [0, -1]}, ValueError, r"users must be in \[0, 2147483648\), got -1 in row 1"),
        ({"items": [0, 2**31]}, ValueError, r"items must be in \[0, 2147483648\), got 2147483648 in row 1"),
        ({"num_users": 1}, ValueError, r"users must be in \[0, 1\), got 1 in row 1"),
        ({"num_items": 5}, ValueError, r"items must be in \[0, 5\), got 5 in row 0"),
        ({"num_items": -1}, ValueError, "num_items must be an integer >= 0, got -1"),
        ({"num_users": 2.0}, ValueError, r"num_users must be an integer >= 0, got 2\.0"),
        ({"num_users": 2**31 + 1}, ValueError, r"num_users must be at most 2\*\*31, got 2147483649"),
        ({"duplicates": "keep"}, ValueError, "duplicates must be 'raise' or 'drop', got 'keep'"),
    ],
)
def test_pairs_that_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Interactions.from_pairs(**{"users": [0, 1], "items": [5, 3], **arguments})


@pytest.mark.parametrize(
    ("indptr", "items", "num_items", "error", "message"),
    [
        ([0, 1], int64(0), 1, TypeError, "indptr must be an array of int64, got list"),
        (int64(0, 1), np.zeros(1, np.int32), 1, TypeError, "items must be an array of int64, got int32"),
        (int64(), int64(), 1, ValueError, r"indptr must have shape \(num_users \+ 1,\) and rise from 0"),
        (int64(1, 1), int64(0), 1, ValueError, "and rise from 0"),
        (int64(0, 2, 1), int64(0), 1, ValueError, "and rise from 0"),
        (int64(0, 1).reshape(1, 2), int64(0), 1, ValueError, "indptr must have shape"),
        (int64(0, 2), int64(0), 1, ValueError, "indptr must end at the number of interactions, 1, got 2"),
        (int64(0, 1), int64(0).reshape(1, 1), 1, ValueError, r"items must have shape \(num_interactions,\)"),
        (int64(0, 1), int64(1), 1, ValueError, r"items must be in \[0, 1\), got 1 in row 0"),
        (int64(0, 0, 2), int64(1, 0), 2, ValueError, "ascending and distinct .* got 1 before 0 for user 1"),
        (int64(0, 2), int64(1, 1), 2, ValueError, "ascending and distinct .* got 1 before 1 for user 0"),
        (int64(0), int64(), True, ValueError, "num_items must be an integer >= 0, got True"),
    ],
)
def test_lists_that_are_refused(indptr, items, num_items, error, message):
    with pytest.raises(error, match=message):
        Interactions(indptr, items, num_items)


def test_items_may_fall_from_one_user_to_the_next():
    assert as_set(Interactions(int64(0, 1, 2), int64(1, 0), 2)) == {(0, 1), (1, 0)}


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_hold_out_refuses_fractions_outside(fraction):
    with pytest.raises(ValueError, match=r"fraction must be a number in \(0, 1\), got"):
        make([(0, 0)]).hold_out(fraction, 0)


def test_hold_out_refuses_other_seeds():
    with pytest.raises(ValueError, match="seed must be an integer >= 0, got -1"):
        make([(0, 0)]).hold_out(0.5, -1)


SIZES = {"num_users": 4, "num_items": 5}


def test_splits_keep_what_training_lacks_unless_told_to_refuse():
    train, test = make([(0, 0), (1, 1)], **SIZES), make([(1, 0), (0, 4), (0, 3)], **SIZES)
    splits = InteractionSplits("toy", train, test)
    assert (splits.name, splits.train, splits.test, splits.validation) == ("toy", train, test, None)
    with pytest.raises(
        ValueError, match="test must have only items that are in train, got item 3 of user 0 and 1 more such pairs"
    ):
        InteractionSplits("toy", train, test, unseen="raise")
    new_user = make([(0, 1), (3, 1)], **SIZES)
    assert InteractionSplits("toy", train, test, new_user).validation is new_user
    with pytest.raises(ValueError, match="validation must have only users that are in train, got item 1 of user 3"):
        InteractionSplits("toy", train, make([(1, 0)], **SIZES), new_user, unseen="raise")
    assert InteractionSplits("toy", train, make([(1, 0)], **SIZES), unseen="raise").train is train


def test_pairs_in_two_splits_are_dropped_from_the_later_or_kept():
    train, validation = make([(0, 0), (1, 1)], **SIZES), make([(0, 0), (0, 2)], **SIZES)
    test = make([(1, 1), (0, 2), (0, 3)], **SIZES)
    with pytest.warns(UserWarning, match="dropped there") as warned:
        splits = InteractionSplits("toy", train, test, validation, overlap="drop")
    assert [str(one.message) for one in warned] == [
        "1 pairs of validation are in train too; dropped there",
        "1 pairs of test are in train too; dropped there",
        "1 pairs of test are in validation too; dropped there",
    ]
    assert (splits.validation.items.tolist(), splits.test.users.tolist(), splits.test.items.tolist()) == ([2], [0], [3])
    kept = InteractionSplits("toy", train, test, validation, overlap="keep")
    assert (kept.train, kept.validation, kept.test) == (train, validation, test)


@pytest.mark.parametrize(
    ("test", "validation", "unseen", "message"),
    [
        (
            make([(0, 1)]),
            None,
            "keep",
            r"equal numbers of users and items, got \{'train': \(4, 5\), 'test': \(1, 2\)\}",
        ),
        (
            make([(0, 0), (1, 1)], **SIZES),
            None,
            "keep",
            "train and test must have no pair .* got item 0 of user 0 and 0",
        ),
        (make([(0, 1)], **SIZES), make([(0, 1)], **SIZES), "keep", "validation and test must have no pair in common"),
        (make([(0, 1)], **SIZES), make([(2, 2)], **SIZES), "keep", "train and validation must have no pair in common"),
        (make([(0, 1)], **SIZES), None, "drop", "unseen must be 'keep' or 'raise', got 'drop'"),
    ],
)
def test_splits_that_are_refused(test, validation, unseen, message):
    with pytest.raises(ValueError, match=message):
        InteractionSplits("toy", make([(0, 0), (2, 2)], **SIZES), test, validation, unseen=unseen)
