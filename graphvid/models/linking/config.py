"""Options of the models that link mentions to entities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from graphvid._record import Columns, Count, NotNegative, Positive, Record, Seed, Share, record
from graphvid.losses.candidate_ranking import CandidateLossName

Presets = Mapping[str, Mapping[str, Any]]  # Any: values of options
Damping = Annotated[float, Field(gt=0, le=1)]
Rounds = Annotated[int, Field(ge=0, le=100)]


@record
class LinkConfig(Record):
    """Options that all linkers share.

    Parameters
    ----------
    hidden : int
        Width of the hidden layers of scores.
    max_norm : float or None
        Largest norm of their weight matrices; None sets no bound.
    dropout : float
        Share of hidden units set to zero in training.
    num_kept : int
        Words of a context that count.
    loss : {"softmax", "ranking"}
        Cross-entropy, whose scores give probabilities, or the hinge of the papers.
    margin : float
        Margin of the hinge.
    batch_size : int
        Documents a step.
    learning_rate, weight_decay, num_epochs : float, float, int
        Options of AdamW; the rate falls to zero along a half cosine.
    patience : int
        Training stops after this many epochs in a row without a better accuracy on the development documents; the model is
        that of the best epoch.
    seed : int
        Seed of the initial weights, the order of documents and the dropout.
    """

    presets: ClassVar[Presets] = {"default": {}}

    hidden: Columns = 100
    max_norm: Positive | None = None
    dropout: Share = 0.1
    num_kept: Count = 25
    loss: CandidateLossName = "softmax"
    margin: NotNegative = 0.01
    batch_size: Count = 12
    learning_rate: Positive = 3e-3
    weight_decay: NotNegative = 0.01
    num_epochs: Count = 12
    patience: Count = 10
    seed: Seed = 0


_PAPER = {
    "loss": "ranking",
    "max_norm": 1.0,
    "dropout": 0.0,
    "batch_size": 1,
    "learning_rate": 1e-4,
    "weight_decay": 0.0,
    "num_epochs": 100,
}


@record
class LinkLocalConfig(LinkConfig):
    """Options of the local model; see `LinkConfig`.

    Presets: ``default``; ``paper``, the hinge with a document a step, as in deep-ed.
    """

    presets: ClassVar[Presets] = {"default": {}, "paper": _PAPER}


@record
class LinkGlobalConfig(LinkConfig):
    """Options of the global model, in addition to those of `LinkConfig`.

    Presets: ``default``; ``deep-ed`` and ``mulrel``, as in the papers.

    Parameters
    ----------
    coherence : {"pair", "relations"}
        One relation for all pairs of mentions (deep-ed), or several, weighted by the mentions (mulrel).
    prior_in_rounds : bool
        Whether the local score inside the rounds reads the prior; the last score always reads it.
    num_rounds, damping : int, float
        Rounds and damping of the messages.
    num_relations, relation_hidden, relation_dropout : int, int, float
        Number, hidden width and dropout of ``"relations"``.
    block_size : int
        Largest number of mentions that exchange messages; longer documents are cut.
    """

    presets: ClassVar[Presets] = {
        "default": {},
        "deep-ed": _PAPER,
        "mulrel": {**_PAPER, "max_norm": 100.0, "coherence": "relations", "prior_in_rounds": False},
    }

    coherence: Literal["pair", "relations"] = "pair"
    prior_in_rounds: bool = True
    num_rounds: Rounds = 10
    damping: Damping = 0.5
    num_relations: Count = 3
    relation_hidden: Columns = 100
    relation_dropout: Share = 0.3
    block_size: Count = 100


@record
class LinkGraphConfig(LinkConfig):
    """Options of message passing along the links of entities, in addition to those of `LinkConfig`.

    Parameters
    ----------
    num_rounds : int
        Rounds in which candidates receive the probabilities of the candidates that they link to.
    edge_hidden : int
        Width of the hidden layer that computes the weights of links.
    """

    num_rounds: Rounds = 3
    edge_hidden: Columns = 8
