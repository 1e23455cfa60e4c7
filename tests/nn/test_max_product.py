import itertools
import math

import numpy as np
import pytest
import torch

from graphvid.nn import AssignmentLayout, max_product
from graphvid.nn.max_product import _maxima, _maxima_by_scatter


def _random(docs, seed=0):
    """Give layout, local scores and symmetric pair scores of documents, each a list of candidate counts."""
    rng = np.random.default_rng(seed)
    doc_indptr = torch.tensor([0, *np.cumsum([len(doc) for doc in docs])])
    cand_indptr = torch.tensor([0, *np.cumsum([n for doc in docs for n in doc])])
    layout = AssignmentLayout(doc_indptr, cand_indptr)
    local = torch.from_numpy(rng.normal(size=layout.num_nodes))
    blocks = []
    for size in layout.node_start.diff().tolist():
        block = rng.normal(size=(size, size))
        blocks.append((block + block.T).ravel())
    return layout, local, torch.from_numpy(np.concatenate(blocks))


def _dense(counts, local, pair, num_rounds, damping):
    """Run the padded form n x C x n x C of one document, in NumPy."""
    n, most = len(counts), max(counts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    psi = np.full((n, most), -np.inf)
    phi = np.zeros((n, most, n, most))
    for i in range(n):
        psi[i, : counts[i]] = local[starts[i] : starts[i + 1]]
        for j in range(n):
            phi[i, : counts[i], j, : counts[j]] = pair[starts[i] : starts[i + 1], starts[j] : starts[j + 1]]
    real = np.isfinite(psi)
    message = np.zeros((n, n, most))  # from i to the candidates of j
    other = ~np.eye(n, dtype=bool) & real.any(axis=1)[:, None]
    for _ in range(num_rounds):
        told = np.where(real, psi + (message * other[:, :, None]).sum(axis=0), -np.inf)
        new = np.zeros_like(message)
        for i, j in itertools.product(range(n), range(n)):
            if other[i, j] and real[j].any():
                q = (phi[i, :, j] + (told[i] - message[j, i])[:, None]).max(axis=0)
                q = np.where(real[j], q, -np.inf)
                p = np.exp(q - q.max())
                p /= p.sum()
                mixed = damping * p + (1 - damping) * np.exp(message[i, j])
                new[i, j] = np.log(mixed, where=real[j], out=np.zeros(most))
        message = new
    belief = psi + (message * other[:, :, None]).sum(axis=0)
    return belief[real]


@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.parametrize("damping", [0.5, 1.0])
def test_equals_the_dense_form(damping, gradient):
    docs = [[3, 1, 4, 2], [2], [5, 5], [2, 0, 3], [6, 2, 2]]
    layout, local, pair = _random(docs)
    found = max_product(local.requires_grad_(gradient), pair, layout, num_rounds=10, damping=damping).detach()
    local = local.detach()
    nodes, pairs = layout.node_start.tolist(), layout.pair_start.tolist()
    for d, counts in enumerate(docs):
        size = sum(counts)
        block = pair[pairs[d] : pairs[d + 1]].numpy().reshape(size, size)
        expected = _dense(counts, local[nodes[d] : nodes[d + 1]].numpy(), block, 10, damping)
        np.testing.assert_allclose(found[nodes[d] : nodes[d + 1]], expected, atol=1e-6)


def test_two_mentions_give_the_max_marginals():
    layout, local, pair = _random([[3, 4]])
    found = max_product(local, pair, layout, num_rounds=1, damping=1.0)
    block = pair.reshape(7, 7)
    score = local[:3, None] + local[None, 3:] + block[:3, 3:]  # enumeration of all assignments
    for of_mention, exact in ((found[:3], score.max(dim=1).values), (found[3:], score.max(dim=0).values)):
        torch.testing.assert_close(of_mention - of_mention.max(), exact - exact.max())
    again = max_product(local, pair, layout, num_rounds=5, damping=1.0)
    torch.testing.assert_close(again, found)  # a tree has converged


def test_gradients():
    layout, local, pair = _random([[2, 3, 1], [2, 2]])
    local.requires_grad_()
    pair.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda psi, phi: max_product(psi, phi, layout, num_rounds=3, damping=0.5), (local, pair)
    )


def test_scatter_equals_kernel():
    layout, _, pair = _random([[3, 1, 4], [2, 0, 3]])
    base = torch.randn(layout.num_entries, dtype=torch.float64)
    torch.testing.assert_close(_maxima_by_scatter(base, pair, layout), _maxima(base, pair, layout))


def test_probabilities_that_vanish():
    """Scores so far apart that a probability is 0 in float32 give finite messages, with and without gradients."""
    layout, local, pair = _random([[3, 2], [4, 4, 2]])
    local, pair = 300 * local.float(), 300 * pair.float()
    for damping in (0.3, 1.0):
        found = max_product(local, pair, layout, num_rounds=4, damping=damping)
        with_gradient = max_product(local.clone().requires_grad_(), pair, layout, num_rounds=4, damping=damping)
        assert torch.isfinite(found).all()
        torch.testing.assert_close(found, with_gradient.detach(), rtol=1e-5, atol=1e-3)


def test_order_of_candidates_and_documents_does_not_matter():
    layout, local, pair = _random([[3, 2, 2], [4, 1]])
    found = max_product(local, pair, layout)
    order = torch.tensor([2, 0, 1, 4, 3, 5, 6])  # within mentions of the first document
    first = pair[:49].reshape(7, 7)[order][:, order]
    shuffled, alone = (
        torch.cat([local[:7][order], local[7:]]),
        AssignmentLayout(torch.tensor([0, 3]), torch.tensor([0, 3, 5, 7])),
    )
    both = max_product(shuffled, torch.cat([first.flatten(), pair[49:]]), layout)
    torch.testing.assert_close(both, torch.cat([found[:7][order], found[7:]]))
    torch.testing.assert_close(max_product(local[:7], pair[:49], alone), found[:7])


def test_nothing_to_tell():
    layout, local, pair = _random([[3], [2, 0]])
    torch.testing.assert_close(max_product(local, pair, layout), local)  # no other mention with a candidate
    torch.testing.assert_close(max_product(local, pair, layout, num_rounds=0), local)
    empty = AssignmentLayout(torch.tensor([0]), torch.tensor([0]))
    assert max_product(torch.zeros(0), torch.zeros(0), empty).shape == (0,)


def test_arguments():
    layout, local, pair = _random([[3, 2]])
    with pytest.raises(ValueError, match=r"damping must be in \(0, 1\], got 0"):
        max_product(local, pair, layout, damping=0)
    with pytest.raises(ValueError, match="num_rounds must be an integer >= 0, got -1"):
        max_product(local, pair, layout, num_rounds=-1)
    with pytest.raises(ValueError, match="local and pair must have shapes"):
        max_product(local[1:], pair, layout)
    with pytest.raises(ValueError, match="doc_indptr must end at the 1 mentions, got 2"):
        AssignmentLayout(torch.tensor([0, 2]), torch.tensor([0, 1]))
    assert math.isfinite(float(max_product(local * 1e4, pair, layout, damping=1.0).sum()))
