"""Operations that only their users know: their formulas, and backward passes of their own."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from csncost.errors import CsncostError
from csncost.pytorch.trace.trace import trace
from tests.pytorch.traced_modules import Net


@torch.library.custom_op("csncost_tests::twice", mutates_args=())
def twice(x: torch.Tensor) -> torch.Tensor:
    return x * 2


@twice.register_fake
def _(x):
    return torch.empty_like(x)


OWN = Net(lambda net, x: twice(net.a(x)), a=nn.Linear(3, 4))


@pytest.mark.parametrize(
    "key",
    [twice, torch.ops.csncost_tests.twice, torch.ops.csncost_tests.twice.default, "csncost_tests::twice"],
    ids=["custom_op", "packet", "overload", "name"],
)
def test_an_operation_is_met_by_its_name_and_as_what_it_is(key):
    assert trace(OWN, (2, 3)).coverage.unknown[0].op == "csncost_tests::twice"
    report = trace(OWN, (2, 3), convention="macs", strict=True, formulas={key: lambda x, output: x[0] * output[1]})
    assert report.flops == 24 + 8
    assert report.coverage.remarks == ()


@pytest.mark.parametrize("key", [F.linear, "linear", "aten::linear", torch.ops.aten.linear])
def test_a_formula_may_stand_for_a_function_of_pytorch(key):
    assert trace(OWN.a, (2, 3), formulas={key: lambda *args, output: 7}).flops == 7


def test_a_formula_that_did_not_run_is_said():
    given = {twice: lambda x, output: 1, "bmm": lambda a, b, output: 1, F.relu: lambda x, output: 1}
    (remark,) = trace(OWN, (2, 3), convention="macs", formulas=given).coverage.remarks
    assert remark == "formulas for what did not run: bmm, relu"


@pytest.mark.parametrize(("key", "message"), [
    ("csncost_tests::twise", "did you mean csncost_tests::twice"),
    ("matmull", "did you mean matmul"),
    ("nobody::knows_it", 'no operation "nobody::knows_it"'),
    (len, "no operation of PyTorch is"),
    (nn.Linear, "no operation of PyTorch is"),
    (lambda x: x, "no operation of PyTorch is"),
    (3, "no operation of PyTorch is 3"),
])  # fmt: skip
def test_a_key_that_nothing_can_match_is_refused(key, message):
    with pytest.raises(CsncostError, match=message):
        trace(OWN, (2, 3), formulas={key: lambda *args, output: 1})


@pytest.mark.parametrize(
    "value", [-1, 1.5, True, None, {"macs": -1}, {"macs": 2.0}, {"weights": False}, {"nothing": 1}, {"backward": -1}]
)
def test_what_is_no_count_is_refused(value):
    with pytest.raises(CsncostError, match="the formula for csncost_tests::twice gives"):
        trace(OWN, (2, 3), formulas={twice: lambda x, output: value})


def test_a_formula_that_fails_is_blamed_by_name():
    with pytest.raises(CsncostError, match=r"(?s)formula for csncost_tests::twice fails on \(\(2, 4\)\).*IndexError"):
        trace(OWN, (2, 3), formulas={twice: lambda x, output: x[5]})
    with pytest.raises(CsncostError, match="formula for csncost_tests::twice fails"):
        trace(OWN, (2, 3), formulas={twice: lambda: 1})


def test_the_backward_pass_of_an_operation_is_given_or_not_known():
    given = {twice: lambda x, output: {"macs": 8, "backward": 11}}
    assert trace(OWN, (2, 3), formulas=given, backward=True, strict=True).backward_flops == 24 + 11
    report = trace(OWN, (2, 3), formulas={twice: lambda x, output: 8}, backward=True)
    assert [str(one) for one in report.coverage.unknown] == ["csncost_tests::twice, backward in the model itself"]
    frozen = Net(lambda net, x: twice(x))
    assert trace(frozen, (2, 3), formulas={twice: lambda x, output: 8}, backward=True, strict=True).flops == 8
