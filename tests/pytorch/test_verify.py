"""Analytic = traced = fvcore, on named and on random networks, with no list of exceptions.

`pytest tests/pytorch/test_verify.py --examples 20000` tries more of them.
"""

import json

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, given, seed, settings

import csncost as cc
from csncost.cli.main import main
from tests.brute_force import designs, spec_text

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.usefixtures("one_thread")

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def run(*args):
    return CliRunner().invoke(main, ["verify", *args])


def test_verify_says_what_agrees():
    done = run("bottleneck-D-8", "ip-CSN-26@4x64", "--format", "json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert [one["agrees"] for one in found] == [True, True]
    assert found[0]["analytic"] == found[0]["traced"]
    assert found[0]["fvcore"]["analytic"] == found[0]["fvcore"]["fvcore"]
    alone = run("bottleneck-D-8", "ip-CSN-26@4x64", "--no-fvcore").stdout
    assert "2 of 2 agree: analytic = traced in every layer; fvcore was not asked" in alone
    assert "fvcore's" not in alone


def test_verify_names_the_first_layer_that_differs(monkeypatch):
    from csncost.pytorch import verify

    def wrong(network, **options):
        module = build(network, **options)
        module.conv3_1.b = torch.nn.Conv3d(128, 128, 1, bias=False, device="meta")
        return module

    build = verify.build
    monkeypatch.setattr(verify, "build", wrong)
    done = run("simple-8", "--no-fvcore")
    assert done.exit_code == 1
    assert "0 of 1 agree" in done.stdout
    found = cc.verify("simple-8", fvcore=False)
    assert not found
    assert str(found.difference) == "conv3_1.b: kernel is 3x3x3 as written, 1x1x1 as run"


def test_verify_sees_a_wrong_count_of_fvcore(monkeypatch):
    from csncost.pytorch import verify

    monkeypatch.setattr(verify, "_fvcore", lambda network: 1)
    assert "fvcore" in str(cc.verify("simple-8").difference)


@pytest.mark.parametrize(
    ("args", "says"), [([], "name a spec"), (["botleneck-8"], "did you mean"), (["bottleneck-G-8"], "free")]
)
def test_verify_of_what_is_no_network(args, says):
    done = run(*args)
    assert done.exit_code == 2
    assert says in done.stderr


def test_every_named_network_verifies():
    done = run("--all", "--no-fvcore", "--format", "json")
    assert done.exit_code == 0, done.stdout[-500:]
    assert len(json.loads(done.stdout)) >= 14


@pytest.mark.slow
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

    if settings.default.derandomize:  # or every part draws the same
        check = seed(part)(check)
    check()
    assert agreed >= request.config.getoption("--examples") // 4
