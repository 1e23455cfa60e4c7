"""HeteroConv against dgl.nn.HeteroGraphConv and its own relations one by one, with relations that are empty or missing."""

from __future__ import annotations

import pytest
import torch

from graphvid._dgl import dgl
from graphvid._random import seeded
from graphvid.nn import GraphConv, HeteroConv, SAGEConv
from graphvid.ops import Adjacency, available_backends, use_backend

WATCH, SKIP, NEXT = ("user", "watch", "video"), ("user", "skip", "video"), ("video", "next", "video")
BACK = ("video", "watched_by", "user")
RELATIONS = [WATCH, SKIP, NEXT, BACK]
SIZES = {"user": 5, "video": 6}
WIDTHS = {"user": 3, "video": 4}


@pytest.fixture(autouse=True)
def _fixed_draws():
    with seeded(0):
        yield


def make_graph(num_edges: int = 9) -> dgl.DGLGraph:
    ends = {(s, r, d): [torch.randint(SIZES[t], (num_edges,)) for t in (s, d)] for s, r, d in RELATIONS}
    return dgl.heterograph({key: tuple(pair) for key, pair in ends.items()}, num_nodes_dict=SIZES)


def relations_of(graph: dgl.DGLGraph, norm: str = "none") -> dict[tuple[str, str, str], Adjacency]:
    return {relation: Adjacency.from_dgl(graph, relation, norm=norm) for relation in graph.canonical_etypes}


def make_features(sizes: dict[str, int] = SIZES) -> dict[str, torch.Tensor]:
    return {ntype: torch.randn(size, WIDTHS[ntype]) for ntype, size in sizes.items()}


def sage(relation: tuple[str, str, str]) -> SAGEConv:
    return SAGEConv((WIDTHS[relation[0]], WIDTHS[relation[2]]), 2)


def no_edges(relation: tuple[str, str, str]) -> Adjacency:
    none = torch.empty(0, dtype=torch.int64)
    return Adjacency.from_coo(none, none, num_src=SIZES[relation[0]], num_dst=SIZES[relation[2]])


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert set(found) == set(expected)
    for ntype, value in expected.items():
        torch.testing.assert_close(found[ntype], value)


@pytest.mark.parametrize("backend", available_backends())
@pytest.mark.parametrize("aggregate", ["sum", "mean", "max", "stack"])
def test_it_is_the_module_of_dgl(backend, aggregate):
    graph, features = make_graph(), make_features()
    peers = {
        "watch": dgl.nn.GraphConv(3, 2, norm="both", allow_zero_in_degree=True),
        "watched_by": dgl.nn.SAGEConv((4, 3), 2, aggregator_type="mean"),
        "skip": dgl.nn.SAGEConv((3, 4), 2, aggregator_type="mean"),
        "next": dgl.nn.GraphConv(4, 2, norm="both", allow_zero_in_degree=True),
    }
    layers = {
        "watch": GraphConv(3, 2),
        "watched_by": SAGEConv((4, 3), 2),
        SKIP: SAGEConv((3, 4), 2),
        "next": GraphConv(4, 2),
    }
    for key, layer in layers.items():
        layer.load_state_dict(peers[key if isinstance(key, str) else key[1]].state_dict())
    adjacencies = {
        relation: Adjacency.from_dgl(graph, relation, norm="both" if relation in (WATCH, NEXT) else "none")
        for relation in reversed(RELATIONS)
    }
    with use_backend(backend):
        found = HeteroConv(layers, aggregate=aggregate)(adjacencies, features)
    expected = dgl.nn.HeteroGraphConv(peers, aggregate=aggregate)(graph, features)
    if aggregate == "stack":
        arriving = [relation for relation in graph.canonical_etypes if relation[2] == "video"]
        order = [arriving.index(relation) for relation in sorted(arriving)]
        expected["video"] = expected["video"][:, order]
        assert found["video"].shape == (6, 3, 2)
    assert_same(found, expected)


@pytest.mark.parametrize("backend", available_backends())
def test_it_is_the_module_of_dgl_on_a_sampled_block(backend):
    graph = make_graph(num_edges=20)
    seeds = {"video": torch.tensor([5, 1]), "user": torch.tensor([2])}
    block = dgl.to_block(dgl.sampling.sample_neighbors(graph, seeds, fanout=2), dst_nodes=seeds)
    features = make_features({ntype: block.num_src_nodes(ntype) for ntype in SIZES})
    assert len(features["video"]) > 2
    peers, layers = {}, {}
    for source, name, target in RELATIONS:
        peers[name] = dgl.nn.SAGEConv((WIDTHS[source], WIDTHS[target]), 2, aggregator_type="mean")
        layers[name] = sage((source, name, target))
        layers[name].load_state_dict(peers[name].state_dict())
    adjacencies = {relation: Adjacency.from_block(block, relation) for relation in block.canonical_etypes}
    with use_backend(backend):
        found = HeteroConv(layers, aggregate="mean")(adjacencies, features)
    assert {ntype: y.shape[0] for ntype, y in found.items()} == {"user": 1, "video": 2}
    assert_same(found, dgl.nn.HeteroGraphConv(peers, aggregate="mean")(block, features))


@pytest.mark.parametrize("aggregate", ["sum", "mean", "max", "stack"])
@pytest.mark.parametrize("absent", [False, True])
def test_zero_evaluates_a_relation_without_edges(aggregate, absent):
    layers, features = {relation: sage(relation) for relation in (WATCH, SKIP, NEXT)}, make_features()
    adjacencies = relations_of(make_graph())
    del adjacencies[BACK], adjacencies[SKIP]
    outputs = [
        layers[NEXT](adjacencies[NEXT], (features["video"], features["video"]))
        if relation == NEXT
        else layers[SKIP].fc_self(features["video"])
        if relation == SKIP
        else layers[WATCH](adjacencies[WATCH], (features["user"], features["video"]))
        for relation in sorted([WATCH, SKIP, NEXT])
    ]
    if not absent:
        adjacencies[SKIP] = no_edges(SKIP)
    expected = {
        "sum": outputs[0] + outputs[1] + outputs[2],
        "mean": (outputs[0] + outputs[1] + outputs[2]) / 3,
        "max": torch.maximum(torch.maximum(outputs[0], outputs[1]), outputs[2]),
        "stack": torch.stack(outputs, dim=1),
    }[aggregate]
    assert_same(HeteroConv(layers, aggregate=aggregate)(adjacencies, features), {"video": expected})


@pytest.mark.parametrize("aggregate", ["sum", "mean", "max"])
@pytest.mark.parametrize("absent", [False, True])
def test_skip_leaves_it_out_of_the_aggregate_and_of_the_divisor(aggregate, absent):
    layers, features = {relation: sage(relation) for relation in RELATIONS}, make_features()
    adjacencies = relations_of(make_graph())
    left = HeteroConv({relation: layers[relation] for relation in (WATCH, NEXT)}, aggregate=aggregate, empty="raise")(
        {relation: adjacencies[relation] for relation in (WATCH, NEXT)}, features
    )
    for relation in (SKIP, BACK):
        del adjacencies[relation]
        if not absent:
            adjacencies[relation] = no_edges(relation)
    found = HeteroConv(layers, aggregate=aggregate, empty="skip")(adjacencies, features)
    assert_same(found, left)  # and no "user", at which nothing arrives


def test_skip_needs_no_features_of_what_it_leaves_out():
    layers = {WATCH: sage(WATCH), "shares": GraphConv(2, 2)}
    shares = Adjacency.from_coo(*torch.empty(2, 0, dtype=torch.int64), num_src=3, num_dst=7)
    adjacencies = {WATCH: relations_of(make_graph())[WATCH], ("group", "shares", "link"): shares}
    assert set(HeteroConv(layers, empty="skip")(adjacencies, make_features())) == {"video"}


def test_skip_of_everything_is_an_empty_result():
    assert HeteroConv({WATCH: sage(WATCH)}, empty="skip")({WATCH: no_edges(WATCH)}, make_features()) == {}
    assert HeteroConv({WATCH: sage(WATCH)}, empty="skip")({}, {}) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({SKIP: no_edges(SKIP)}, r"got none in \[\('user', 'skip', 'video'\)\] and no adjacency for \[\]"),
        ({SKIP: None}, r"got none in \[\] and no adjacency for \[\('user', 'skip', 'video'\)\]"),
        ({NEXT: None}, r"got none in \[\] and no adjacency for \['next'\]"),
    ],
)
def test_raise_names_what_is_empty_or_missing(change, message):
    layers, features = {WATCH: sage(WATCH), SKIP: sage(SKIP), "next": sage(NEXT)}, make_features()
    adjacencies, conv = relations_of(make_graph()), HeteroConv(layers, empty="raise")
    del adjacencies[BACK]
    assert set(conv(adjacencies, features)) == {"video"}
    adjacencies = {key: value for key, value in {**adjacencies, **change}.items() if value is not None}
    with pytest.raises(ValueError, match=f"every relation must have an edge, {message}"):
        conv(adjacencies, features)


@pytest.mark.parametrize("aggregate", ["sum", "mean", "max", "stack"])
def test_with_zero_a_node_does_not_depend_on_what_else_is_in_its_batch(aggregate):
    src, dst = torch.tensor([0, 1, 2, 3]), torch.tensor([0, 0, 1, 4])
    graph = dgl.heterograph({WATCH: (src, dst), SKIP: ([4], [3]), NEXT: ([2, 5], [0, 3])}, num_nodes_dict=SIZES)
    conv = HeteroConv({relation: sage(relation) for relation in (WATCH, SKIP, NEXT)}, aggregate=aggregate)
    features = make_features()
    whole = conv(relations_of(graph), features)["video"]
    for video in range(6):
        seeds = {"video": torch.tensor([video])}
        block = dgl.to_block(dgl.in_subgraph(graph, nodes=seeds), dst_nodes=seeds)
        adjacencies = {relation: Adjacency.from_block(block, relation) for relation in block.canonical_etypes}
        rows = {ntype: features[ntype][block.srcnodes[ntype].data[dgl.NID]] for ntype in SIZES}
        torch.testing.assert_close(conv(adjacencies, rows)["video"][0], whole[video])


def test_one_name_serves_all_its_relations_and_a_triple_goes_before_it():
    shared, own = SAGEConv(3, 2), SAGEConv(3, 2)
    keys = [("a", "near", "b"), ("b", "near", "a"), ("a", "near", "a")]
    adjacency = Adjacency.from_coo(torch.tensor([0, 1]), torch.tensor([1, 1]), num_src=2, num_dst=2)
    features = {"a": torch.randn(2, 3), "b": torch.randn(2, 3)}
    conv = HeteroConv({"near": shared, keys[2]: own}, empty="raise")
    found = conv(dict.fromkeys(keys, adjacency), features)
    a, b = features["a"], features["b"]
    assert_same(found, {"a": shared(adjacency, (b, a)) + own(adjacency, a), "b": shared(adjacency, (a, b))})


def test_the_order_of_the_mappings_does_not_change_a_bit():
    adjacencies, features = relations_of(make_graph()), make_features()
    layers = {relation: sage(relation) for relation in RELATIONS}
    first = HeteroConv(layers)(adjacencies, features)
    turned = HeteroConv(dict(reversed(layers.items())))(dict(reversed(adjacencies.items())), features)
    assert list(first) == list(turned) == ["user", "video"]
    assert all(torch.equal(first[ntype], turned[ntype]) for ntype in first)


def test_a_type_without_features_may_have_no_columns():
    features = {"user": torch.randn(5, 3), "video": torch.empty(6, 0)}
    adjacency, layer = relations_of(make_graph())[WATCH], GraphConv(3, 2)
    found = HeteroConv({WATCH: layer})({WATCH: adjacency}, features)
    assert_same(found, {"video": layer(adjacency, features["user"])})


@pytest.mark.parametrize("aggregate", ["sum", "mean", "max", "stack"])
def test_gradient(aggregate):
    adjacencies = relations_of(make_graph())
    adjacencies[SKIP] = no_edges(SKIP)
    conv = HeteroConv({relation: sage(relation) for relation in RELATIONS}, aggregate=aggregate).double()
    user, video = (x.double().requires_grad_() for x in make_features().values())
    names = [name for name, _ in conv.named_parameters()]

    def call(user, video, *values):
        features = {"user": user, "video": video}
        found = torch.func.functional_call(conv, dict(zip(names, values, strict=True)), (adjacencies, features))
        return found["user"], found["video"]

    assert torch.autograd.gradcheck(call, (user, video, *conv.parameters()))


def test_keys_of_the_state_are_readable_distinct_and_load_back():
    names = [
        "watch",
        "update",
        "a.b",
        "a%2Eb",
        "",
        "*",
        ("*", "watch", "*"),
        ("a", "b:c", "d"),
        ("a:b", "c", "d"),
        WATCH,
    ]
    conv = HeteroConv({name: GraphConv(1, 1) for name in names})
    assert list(conv.layers) == [
        "*:watch:*",
        "*:update:*",
        "*:a%2Eb:*",
        "*:a%252Eb:*",
        "*::*",
        "*:%2A:*",
        "%2A:watch:%2A",
        "a:b%3Ac:d",
        "a%3Ab:c:d",
        "user:watch:video",
    ]
    copy = HeteroConv({name: GraphConv(1, 1) for name in reversed(names)})
    copy.load_state_dict(conv.state_dict())
    for name in conv.layers:
        assert torch.equal(copy.layers[name].weight, conv.layers[name].weight)
    assert "HeteroConv(\n  aggregate='sum', empty='zero'" in repr(conv)


@pytest.mark.parametrize(
    ("layers", "options", "error", "message"),
    [
        ({}, {}, ValueError, "layers must name at least one relation, got none"),
        ({"watch": torch.relu}, {}, TypeError, r"layers\['watch'\] must be a Module, got builtin_function_or_method"),
        ({("a", "b"): GraphConv(1, 1)}, {}, TypeError, r"str or \(str, str, str\), got \('a', 'b'\)"),
        ({3: GraphConv(1, 1)}, {}, TypeError, r"layers must have keys that are str or \(str, str, str\), got 3"),
        ({"a": GraphConv(1, 1)}, {"aggregate": "min"}, ValueError, r"aggregate must be one of \['sum', .*, got 'min'"),
        ({"a": GraphConv(1, 1)}, {"empty": "drop"}, ValueError, r"empty must be one of \['zero', .*, got 'drop'"),
        (
            {"a": GraphConv(1, 1)},
            {"aggregate": "stack", "empty": "skip"},
            ValueError,
            'empty must be "zero" or "raise" with aggregate="stack", got \'skip\'',
        ),
    ],
)
def test_bad_arguments(layers, options, error, message):
    with pytest.raises(error, match=message):
        HeteroConv(layers, **options)


@pytest.mark.parametrize("empty", ["zero", "skip", "raise"])
def test_a_relation_without_a_layer_is_named(empty):
    conv = HeteroConv({WATCH: sage(WATCH)}, empty=empty)
    with pytest.raises(KeyError, match=r"no layer for relation \('user', 'skip', 'video'\); layers are for \[\('user'"):
        conv({WATCH: relations_of(make_graph())[WATCH], SKIP: no_edges(SKIP)}, make_features())


@pytest.mark.parametrize("ntype", ["user", "video"])
def test_missing_features_are_named(ntype):
    features = make_features()
    del features[ntype]
    with pytest.raises(
        KeyError, match=f"no features for '{ntype}', which relation .*'watch'.* needs; features are for"
    ):
        HeteroConv({WATCH: sage(WATCH)})({WATCH: relations_of(make_graph())[WATCH]}, features)


def test_a_missing_relation_of_unknown_types_or_size_is_an_error():
    adjacencies, features = {WATCH: relations_of(make_graph())[WATCH]}, make_features()
    with pytest.raises(ValueError, match=r"adjacencies must have relation 'skip', or its layer the key \(source type,"):
        HeteroConv({WATCH: sage(WATCH), "skip": sage(SKIP)})(adjacencies, features)
    with pytest.raises(
        ValueError, match=r"must have a relation that ends in 'user', .* missing \('video', 'watched_by'"
    ):
        HeteroConv({WATCH: sage(WATCH), BACK: sage(BACK)})(adjacencies, features)
    with pytest.raises(KeyError, match=r"no features for 'shop', which relation \('shop', 'sells', 'video'\) needs"):
        HeteroConv({WATCH: sage(WATCH), ("shop", "sells", "video"): GraphConv(1, 2)})(adjacencies, features)


def test_sizes_that_disagree_are_named():
    adjacencies, features = relations_of(make_graph()), make_features()
    conv = HeteroConv({relation: sage(relation) for relation in (WATCH, SKIP)})
    fewer = {**features, "video": features["video"][:5]}
    with pytest.raises(ValueError, match=r"features\['video'\] must have the num_src=6 rows of .*'next'.*, got 5"):
        HeteroConv({NEXT: sage(NEXT)})({NEXT: adjacencies[NEXT]}, fewer)
    with pytest.raises(ValueError, match=r"features\['video'\] must have at least the num_dst=6 rows of .*, got 5"):
        HeteroConv({WATCH: sage(WATCH)})({WATCH: adjacencies[WATCH]}, fewer)
    other = Adjacency.from_coo(torch.tensor([0]), torch.tensor([0]), num_src=5, num_dst=4)
    with pytest.raises(
        ValueError, match=r"relations that end in 'video' must have one num_dst, got 6 and, for .*'skip'"
    ):
        conv({WATCH: adjacencies[WATCH], SKIP: other}, features)
    with pytest.raises(TypeError, match=r"adjacencies must have keys \(source type, relation, .*, got 'watch'"):
        conv({"watch": adjacencies[WATCH]}, features)


def test_layers_of_different_width_that_meet_are_an_error():
    adjacencies = relations_of(make_graph())
    conv = HeteroConv({WATCH: sage(WATCH), NEXT: GraphConv(4, 3)})
    with pytest.raises(ValueError, match=r"end in 'video' must return one shape, got \{.*'next'.*\(6, 3\)"):
        conv({WATCH: adjacencies[WATCH], NEXT: adjacencies[NEXT]}, make_features())
