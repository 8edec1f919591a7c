"""Files that other programs run."""

import sys

import pytest
from click.testing import CliRunner

import csncost as cc
from csncost.cli.main import main
from tests.pytorch.built import fresh, text

torch = pytest.importorskip("torch")

from csncost.pytorch.build.export import export  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = "input 3x2x16x16; a 3x3x3, 8 / 1x2x2; b [1x1x1, 8; 3x3x3, depthwise; 1x1x1, 32] x 2; fc 7"


def expected(spec, clips):
    torch.manual_seed(0)
    return cc.build(text(spec)).eval()(clips)


@pytest.mark.parametrize("spec", [SMALL, "every layer"], ids=["small", "every layer"])
def test_an_exported_program_computes_the_same(spec, tmp_path):
    torch.manual_seed(0)
    done = export(text(spec), tmp_path / "a.pt2")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt2"]
    run = torch.export.load(tmp_path / "a.pt2").module()
    for batch in (1, 2, 5):
        clips = torch.randn(batch, *done.clip)
        torch.testing.assert_close(run(clips), expected(spec, clips))


@pytest.mark.parametrize("strict", [False, True])
def test_torch_export_takes_a_module(strict):
    module = cc.build(SMALL).eval()
    clips = torch.randn(2, 3, 2, 16, 16)
    program = torch.export.export(module, (clips,), strict=strict)
    torch.testing.assert_close(program.module()(clips), module(clips))


@pytest.mark.slow
@pytest.mark.parametrize("spec", [SMALL, "every layer"], ids=["small", "every layer"])
def test_an_onnx_file_computes_the_same(spec, tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    torch.manual_seed(0)
    done = export(text(spec), tmp_path / "a.onnx")
    onnx.checker.check_model(tmp_path / "a.onnx", full_check=True)
    run = ReferenceEvaluator(str(tmp_path / "a.onnx"))
    for batch in (1, 3):
        clips = torch.randn(batch, *done.clip)
        (scores,) = run.run(["scores"], {"clip": clips.numpy()})
        torch.testing.assert_close(torch.from_numpy(scores), expected(spec, clips), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
@pytest.mark.parametrize("suffix", ["pt2", "onnx"])
def test_a_full_disk_leaves_nothing(suffix, tmp_path):
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, 4_096))
from csncost.cli.main import main
main(["export", {SMALL!r}, "-o", {str(tmp_path / "a")!r} + ".{suffix}"])
"""
    done = fresh(code)
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def command(*args, code=0):
    result = CliRunner().invoke(main, ["export", *map(str, args)])
    assert result.exit_code == code, result.output
    return result


def test_the_command_says_what_it_wrote(tmp_path):
    path = tmp_path / "small.pt2"
    result = command(
        "simple-G-4(width=0.125)", "-p", "G=4", "--frames", 2, "--size", "32x24", "--classes", 5, "-o", path
    )
    assert result.stdout == f"wrote {path}: clips N x 3x2x32x24 to N x 5, 62.56 K parameters, not trained\n"
    assert result.stderr == ""
    assert torch.export.load(path).module()(torch.randn(1, 3, 2, 32, 24)).shape == (1, 5)


def test_what_cannot_be_exported_is_refused_and_nothing_is_left(tmp_path):
    (tmp_path / "folder.pt2").mkdir()
    for path, said in (
        ("a.pt", "the name of the file ends with .pt2 or .onnx"),
        ("a", "cannot export to"),
        ("folder.pt2", "it is a directory"),
        ("nowhere/a.pt2", "No such file or directory"),
    ):
        assert said in command("simple-4", "-o", tmp_path / path, code=2).stderr
    assert 'the free name "G"' in command("simple-G-4", "-o", tmp_path / "a.pt2", code=2).stderr
    huge = "input 3x1x1x1; c 1x1x1, 1000000; fc 1000"
    taken = "input 3x1x1x1; half 1x1x1, 4; fc 2"
    assert 'no operation called "half"' in command(taken, "-o", tmp_path / "a.pt2", code=2).stderr
    assert "less than 2 GiB" in command(huge, "-o", tmp_path / "a.onnx", code=2).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["folder.pt2"]
