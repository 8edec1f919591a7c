"""The analysis agrees with a counter that loops over filters, channel pairs and positions."""

from hypothesis import HealthCheck, assume, given, settings

import csncost as cc
from tests.brute_force import Counter, Impossible, designs, spec_text

METRICS = ("params", "flops", "interactions", "activations")


@settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(designs())
def test_random_networks_cost_what_a_loop_counts(design):
    text = spec_text(design)
    try:
        counted = Counter(design)
    except Impossible:
        assume(False)
    for convention, expected in (("paper", counted.paper), ("everything", counted.everything)):
        report = cc.analyze(text, convention=convention)
        assert {metric: getattr(report, metric) for metric in METRICS} == expected, text
        assert {metric: sum(getattr(row, metric) for row in report.rows) for metric in METRICS} == expected, text


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(designs())
def test_what_the_loop_finds_impossible_is_refused(design):
    try:
        Counter(design)
    except Impossible:
        text = spec_text(design)
        try:
            cc.analyze(text)
        except cc.SpecError:
            return
        raise AssertionError(f"no error for\n{text}") from None
    else:
        assume(False)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(designs())
def test_the_canonical_text_of_a_random_network_is_the_same_network(design):
    try:
        Counter(design)
    except Impossible:
        assume(False)
    report = cc.analyze(spec_text(design), convention="everything")
    again = cc.analyze(report.canonical, convention="everything")
    assert again.canonical == report.canonical
    assert again.rows == report.rows
    shown = cc.show(spec_text(design))
    assert cc.show(shown) == shown
    assert cc.analyze(shown, convention="everything").rows == report.rows
