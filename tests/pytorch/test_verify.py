"""Analytic = traced = fvcore on random networks, with no list of exceptions.

`pytest tests/pytorch/test_verify.py --examples 20000` tries more of them.
"""

import pytest
from hypothesis import HealthCheck, assume, given, settings

import csncost as cc
from tests.brute_force import designs, spec_text

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@pytest.mark.parametrize("part", range(4))
def test_random_networks_agree_as_written_as_run_and_in_fvcore(part, request):
    """Every layer, norms, activations, pools and sums included."""
    agreed = 0

    @settings(max_examples=request.config.getoption("--examples") // 4, deadline=None, suppress_health_check=SLOW)
    @given(designs())
    def check(design):
        nonlocal agreed
        text = spec_text(design)
        try:
            cc.analyze(text)
        except cc.SpecError:
            assume(False)
        found = cc.verify(text)
        assert found.agrees, f"{found.difference}\n{text}"
        assert found.counted_by_fvcore is not None
        agreed += 1

    check()
    assert agreed >= request.config.getoption("--examples") // 4
