import pytest
import torch

from graphvid.sampling import DocumentBatches, Documents


@pytest.fixture
def documents():
    """Four documents with 2, 0, 3 and 1 mentions."""
    return Documents(
        torch.tensor([0, 2, 2, 5, 6]), torch.tensor([0, 2, 3, 3, 5, 6, 9]), torch.tensor([0, 1, 1, 2, 2, 2, 4])
    )


def test_take(documents):
    batch = documents.take(torch.tensor([2, 0]))
    assert batch.mentions.tolist() == [2, 3, 4, 0, 1]
    assert batch.candidates.tolist() == [3, 4, 5, 0, 1, 2]
    assert batch.words.tolist() == [1, 0]
    assert batch.doc_indptr.tolist() == [0, 3, 5]
    assert batch.cand_indptr.tolist() == [0, 0, 2, 3, 5, 6]
    assert batch.word_indptr.tolist() == [0, 1, 1, 1, 2, 2]


def test_blocks(documents):
    cut = Documents(documents.doc_indptr, documents.cand_indptr, documents.word_indptr, block_size=2)
    assert cut.doc_indptr.tolist() == [0, 2, 4, 5, 6]
    with pytest.raises(ValueError, match="block_size must be None or an integer >= 1, got 0"):
        Documents(documents.doc_indptr, documents.cand_indptr, documents.word_indptr, block_size=0)


def test_epochs_cover_and_resume(documents):
    def make():
        return DocumentBatches(documents, torch.tensor([0, 2, 3]), 2, 3, seed=1)

    whole = [batch.mentions.tolist() for batch in make()]
    assert len(whole) == len(make()) == 6
    for epoch in range(3):
        assert sorted([*whole[2 * epoch], *whole[2 * epoch + 1]]) == [0, 1, 2, 3, 4, 5]
    for step in range(1, 6):
        batches = make()
        batches.load_state_dict({"step": step})
        assert [batch.mentions.tolist() for batch in batches] == whole[step:]
    with pytest.raises(ValueError, match="at most 6, got 7"):
        make().load_state_dict({"step": 7})
    with pytest.raises(ValueError, match="docs must hold at least one document"):
        DocumentBatches(documents, torch.tensor([], dtype=torch.int64), 2, 3, seed=1)
