"""The walk over a graph: names, places, copies and shapes of every operation, over ints, arrays and symbols."""

import pytest
import sympy
import xarray as xr

import csncost as cc
from csncost.network.graph import Graph, GraphBuilder
from csncost.network.ops import Activation, Add, Checks, Concat, Conv, Reshape
from csncost.network.walk import walk

ONES = (1, 1, 1)
SHAPE = (8, 4, 6, 6)


def pointwise(inputs=8, outputs=8):
    return Conv(inputs, outputs, ONES, ONES, (0, 0, 0), ONES)


def builder(level, *shapes):
    return GraphBuilder(level, shapes or [SHAPE], Checks())


def branch(*names):
    path = builder("branch")
    for name in names:
        path.add(name, pointwise())
    return path.graph()


def parallel(level):
    """A graph of two paths with an operation `a` each, and their sum."""
    paths = builder(level)
    left = paths.nest("b1", branch("a", "b"), 0)
    right = paths.nest("b2", branch("a"), 0)
    paths.add("sum", Add(), left, right)
    return paths.graph()


def stage(graph, copies=1, first=0, label="mix"):
    inner = builder("stage")
    inner.nest(label, graph, copies=copies, first=first)
    network = builder("network")
    network.nest(label, inner.graph())
    return network.graph()


def names(graph, **how):
    return [operation.name for operation in walk(graph, **how)]


def test_a_network_is_walked_in_the_names_of_its_rows():
    rows = cc.analyze("ir-CSN-26", convention="everything").rows
    walked = walk(cc.to_network("ir-CSN-26").graph, each_copy=True)
    operations = [operation for operation in walked if not isinstance(operation.node.op, Reshape)]
    assert [operation.name for operation in operations] == [row.name for row in rows]
    assert [operation.stage for operation in operations] == [row.stage for row in rows]
    assert [operation.block for operation in operations] == [row.block for row in rows]
    assert {operation.copies for operation in operations} == {1}


def test_copies_are_walked_once_and_counted():
    graph = cc.to_network("ir-CSN-50").graph
    once = list(walk(graph))
    assert len(once) < sum(operation.copies for operation in once) == len(list(walk(graph, each_copy=True)))
    assert [(o.name, o.copies) for o in once if o.stage == "conv2" and o.node.name == "a"] == [
        ("conv2_1.a", 1),
        ("conv2_2.a", 2),
    ]


def test_every_input_has_its_shape():
    for operation in walk(cc.to_network("ResNet3D-18").graph, each_copy=True):
        assert len(operation.inputs) == len(operation.values) == (2 if isinstance(operation.node.op, Add) else 1)
        assert operation.node.op.output(operation.inputs, Checks()) == operation.node.output


def test_values_lead_from_operation_to_operation():
    graph = cc.to_network("ir-CSN-26").graph
    made = [graph.inputs[0]]
    for operation in walk(graph, each_copy=True):
        assert [made[value] for value in operation.values] == list(operation.inputs)
        made.append(operation.node.output)
    assert made[-1] == graph.output


def test_what_branches_hold_is_called_after_them():
    inside = ["b1.a", "b1.b", "b2.a", "sum"]
    assert names(parallel("network")) == inside
    assert names(stage(parallel("block"), copies=2, first=1), each_copy=True) == [
        f"mix_{i}.{name}" for i in (1, 2) for name in inside
    ]


def test_branches_of_a_stage_are_called_after_the_stage():
    network = builder("network")
    for label in ("one", "two"):
        network.nest(label, parallel("stage"))
    found = names(network.graph())
    assert found[:3] == ["one.b1.a", "one.b1.b", "one.b2.a"]
    assert found[-2:] == ["two.b2.a", "sum"]


def test_a_branch_without_a_name_adds_nothing_to_names():
    block = builder("block")
    block.nest("", branch("shortcut", "shortcut_norm"))
    assert names(stage(block.graph(), first=1)) == ["mix_1.shortcut", "mix_1.shortcut_norm"]


def test_branches_in_branches_have_the_whole_path():
    outer = builder("branch")
    outer.nest("b2", parallel("branch"))
    inner = builder("stage")
    inner.nest("b1", outer.graph())
    network = builder("network")
    network.nest("mix", inner.graph())
    assert names(network.graph())[0] == "mix.b1.b2.b1.a"


def test_a_block_in_a_block_keeps_the_outer_one_as_its_block():
    inner = builder("block")
    inner.nest("a", parallel("block"), copies=2, first=1)
    found = list(walk(stage(inner.graph(), first=1), each_copy=True))
    assert found[0].name == "mix_1.a_1.b1.a"
    assert {operation.block for operation in found} == {"mix_1"}


def test_blocks_may_be_passed_as_one():
    graph = cc.to_network("ir-CSN-26").graph
    found = list(walk(graph, each_copy=True, into_blocks=False))
    assert [o.name for o in found if isinstance(o.node.op, Graph)][:3] == ["conv2_1", "conv2_2", "conv3_1"]
    assert found[4].node.op == next(o for o in walk(graph, into_blocks=False) if o.name == "conv2_1").node.op
    assert [o.name for o in found][:4] == ["conv1", "conv1_norm", "conv1_act", "pool1"]


def test_the_walk_has_the_value_of_the_output():
    assert walk(branch("a", "b")).output == 2
    assert walk(branch()).output == 0
    paths = builder("network", SHAPE, SHAPE)
    paths.add("a", pointwise(), 0)
    paths.nest("same", branch(), 1)
    assert walk(paths.graph()).output == 1
    assert walk(stage(branch("a"), copies=0)).output == 1


@pytest.mark.parametrize("copies", [sympy.Symbol("b", positive=True), xr.DataArray([1, 2, 3], dims="b")])
def test_copies_may_be_symbols_and_arrays(copies):
    block = builder("block")
    block.nest("", branch("a"), copies=copies)
    found = list(walk(stage(block.graph(), copies=2, first=1)))
    assert [operation.name for operation in found] == ["mix_1.a"]
    assert (found[0].copies == 2 * copies) is True or bool((found[0].copies == 2 * copies).all())


def test_a_first_copy_whose_number_is_free_has_no_number():
    first = sympy.Symbol("b", positive=True) + 1
    assert names(stage(parallel("block"), first=first))[0] == "mix.b1.a"


def test_activations_follow_and_concatenations_take_all():
    paths = builder("block", SHAPE)
    left = paths.add("left", pointwise(8, 3), 0)
    right = paths.add("right", pointwise(8, 5), 0)
    paths.add("both", Concat(), left, right)
    paths.add("act", Activation())
    assert [len(operation.inputs) for operation in walk(paths.graph())] == [1, 1, 2, 1]
