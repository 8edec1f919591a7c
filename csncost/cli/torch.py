"""The commands that need PyTorch: trace, verify, export."""

from __future__ import annotations

import sys
from typing import Any

import click

from csncost.cli.analyze import level_for
from csncost.cli.options import GIVEN, INPUT, OUTPUT, SETTING, SPEC, VIEWS, arguments
from csncost.costs.rows import LEVELS
from csncost.errors import CsncostError
from csncost.render.output import emit, emit_result, progress


@click.command()
@click.argument("spec", type=SPEC)
@click.option(
    "-o", "--output", required=True, metavar="FILE", help="FILE.pt2 or FILE.onnx; written whole or not at all."
)
@SETTING
@GIVEN
def export(spec: Any, output: Any, **options: Any) -> None:
    """The network as a file that other programs run, with parameters that are not trained.

    FILE.pt2 is a program for PyTorch, to load without csncost: torch.export.load(FILE).module()(clips). FILE.onnx is a
    graph in the ONNX format, for other runtimes and for viewers. Both take any number of clips of one size. Needs the
    extra torch, and for ONNX the extra onnx.
    """
    from csncost.pytorch.build.export import export as run

    click.echo(run(spec, output, **arguments(options)))


@click.command()
@click.argument("target")
@INPUT
@click.option("--dtype", metavar="TYPE", help="Of inputs that name none (default: the type of the model's parameters).")
@click.option("--convention", default="paper", metavar="NAME", help="How to count: paper, macs, flops, fvcore, ...")
@click.option("--by", type=click.Choice(LEVELS), default=None, help="Rows: stage for people, layer for JSON and CSV.")
@click.option(
    "--depth", type=click.IntRange(1), metavar="N", help="Rows for modules down to this depth, in the place of --by."
)
@click.option("--backward", is_flag=True, help="Add the gradients that a training step takes.")
@click.option("--strict", is_flag=True, help="Fail where an operation has no formula.")
@click.option("--train", is_flag=True, help="Run in training mode instead of eval.")
@click.option("--classifier", metavar="PATH|none", help="The classifier, if it is not the layer that gives the output.")
@click.option("--formulas", metavar="FILE.py:NAME", help="A dict of formulas for operations of your own.")
@VIEWS
@OUTPUT
def trace(target: str, by: Any, depth: Any, classifier: Any, form: Any, output: Any, **options: Any) -> None:
    """What any PyTorch model costs, by running it on tensors without data.

    TARGET is package.module:callable or file.py:callable, with arguments if it takes any:

    \b
      csncost trace torchvision.models:resnet50 --input 1x3x224x224
      csncost trace "timm:create_model('vit_base_patch16_224')" --input 1x3x224x224 --depth 2
      csncost trace mine.py:Net --input 1x3x32x224x224 --backward

    Needs the extra torch.
    """
    from csncost.pytorch.target import trace_target

    options["classifier"] = {None: True, "none": False}.get(classifier, classifier)
    report = trace_target(target, **options)
    emit_result(report.by(depth or level_for(by, form)), form, output)


@click.command()
@click.argument("specs", nargs=-1, type=SPEC, metavar="SPEC...")
@click.option("--all", "everything", is_flag=True, help="Every named network.")
@click.option("--no-fvcore", "fvcore", flag_value=False, default=True, help="Leave out the comparison with fvcore.")
@SETTING
@GIVEN
@OUTPUT
def verify(specs: Any, everything: bool, form: Any, output: Any, **options: Any) -> None:
    """Check that what is written is what runs: analytic against traced, layer by layer.

    Builds each network, runs it without data, and compares all layers; and the total with fvcore's own count, on a
    small clip. Exit code 1 where anything differs. Needs the extra torch.
    """
    from csncost.pytorch.verify import verification_table, verify_all

    if everything:
        from csncost.zoo.listing import named_networks

        specs = (*specs, *(row["name"] for row in named_networks()))
    if not specs:
        raise CsncostError("nothing to verify", "name a spec, or give --all")
    found = list(progress(verify_all(specs, **arguments(options)), len(specs), "verifying"))
    emit([verification_table(found)], lambda: [one.to_dict() for one in found], form, output)
    if not all(one.agrees for one in found):
        sys.exit(1)
