"""Context attention, local score and coherence against loops."""

import math

import pytest
import torch

from graphvid.nn import AssignmentLayout, ContextAttention, LocalScore, MentionRelations, PairCoherence, with_dummies


def _attention_by_loops(words, word_indptr, entities, cand_indptr, a, b, num_kept):
    scores = torch.zeros(len(entities), dtype=entities.dtype)
    for m in range(len(word_indptr) - 1):
        x_w, x_e = words[word_indptr[m] : word_indptr[m + 1]], entities[cand_indptr[m] : cand_indptr[m + 1]]
        if not len(x_w) or not len(x_e):
            continue
        u = torch.stack([max(e @ (a * w) for e in x_e) for w in x_w])
        kept = sorted(range(len(u)), key=lambda i: (-float(u[i]), i))[:num_kept]
        share = u[kept].softmax(dim=0)
        for i, e in enumerate(x_e):
            scores[cand_indptr[m] + i] = sum(p * (e @ (b * x_w[k])) for p, k in zip(share, kept, strict=True))
    return scores


def test_attention_equals_the_loops():
    generator = torch.Generator().manual_seed(0)
    word_indptr, cand_indptr = torch.tensor([0, 6, 6, 8, 11]), torch.tensor([0, 3, 5, 6, 6])
    words, entities = (torch.randn(n, 4, dtype=torch.float64, generator=generator) for n in (11, 6))
    words[3] = words[1]  # a tie: the earlier is kept
    attention = ContextAttention(4, num_kept=3).double()
    with torch.no_grad():
        attention.attention.copy_(torch.rand(4, generator=generator))
        attention.score.copy_(torch.rand(4, generator=generator))
    expected = _attention_by_loops(
        words, word_indptr, entities, cand_indptr, attention.attention.detach(), attention.score.detach(), num_kept=3
    )
    found = attention(words, word_indptr, entities, cand_indptr)
    torch.testing.assert_close(found, expected)
    assert not found[3:5].any()  # no words: 0
    found.sum().backward()
    assert attention.score.grad.abs().sum() > 0
    with pytest.raises(ValueError, match=r"words must have shape \(11, 4\)"):
        attention(words[1:], word_indptr, entities, cand_indptr)


def test_local_score_keeps_its_norm():
    score = LocalScore(3, hidden=7, max_norm=1.0)
    with torch.no_grad():
        score.first.weight.fill_(2.0)
    score.shorten()
    assert torch.linalg.vector_norm(score.first.weight).item() == pytest.approx(1.0)
    x = torch.randn(5, 3)
    expected = torch.relu(x @ score.first.weight.T + score.first.bias) @ score.second.weight[0] + score.second.bias
    torch.testing.assert_close(score(x), expected)
    with pytest.raises(ValueError, match="max_norm must be None or a finite number > 0, got 0"):
        LocalScore(3, max_norm=0)
    with pytest.raises(ValueError, match=r"features must have shape \(num_candidates, 3\)"):
        score(torch.zeros(2, 4))


DOCS, CANDS = torch.tensor([0, 3, 4]), torch.tensor([0, 2, 3, 5, 6])


def test_one_relation_equals_the_loops():
    layout, x = AssignmentLayout(DOCS, CANDS), torch.randn(6, 3)
    pair = PairCoherence(3)
    with torch.no_grad():
        pair.relation.copy_(torch.tensor([1.0, 2.0, -1.0]))
    found = pair(x, layout)
    expected = torch.stack([torch.stack([(x[s] * pair.relation * x[t]).sum() for t in range(5)]) for s in range(5)])
    torch.testing.assert_close(found[:25].reshape(5, 5), expected, atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match=r"entities must have shape \(6, 3\)"):
        pair(x[1:], layout)


def test_relations_equal_the_loops():
    layout, node = with_dummies(DOCS, CANDS)
    assert layout.doc_indptr.tolist() == [0, 4, 6]
    assert node.tolist() == [0, 1, 2, 3, 4, 6]
    torch.manual_seed(0)
    relations = MentionRelations(3, 2, hidden=4, num_relations=2).eval()
    x, m = torch.randn(6, 3), torch.randn(4, 2)
    found = relations(x, m, layout)[:36].reshape(6, 6)
    f = torch.cat([torch.tanh(relations.of_mention(m[:3])), relations.dummy_mention[None]])
    nodes, owner = torch.cat([x[:5], relations.dummy_entity[None]]), [0, 0, 1, 2, 2, 3]
    a = torch.zeros(2, 4, 4)
    for k in range(2):
        for i in range(4):
            others = [j for j in range(4) if j != i]
            logits = torch.stack([(f[i] * relations.weigh[k] * f[j]).sum() / math.sqrt(4) for j in others])
            a[k, i, others] = logits.softmax(dim=0)
    for s in range(6):
        for t in range(6):
            i, j = owner[s], owner[t]
            phi = sum((a[k, i, j] + a[k, j, i]) * (nodes[s] * relations.relation[k] * nodes[t]).sum() for k in range(2))
            torch.testing.assert_close(found[s, t], phi / 2, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found, found.T)
    with pytest.raises(ValueError, match=r"mentions must have shape \(4, 2\)"):
        relations(x, m[1:], layout)
