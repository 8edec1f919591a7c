"""Definitions are local to their file unless imported by name; a file is parsed when one of its names is asked for."""

import shutil

import pytest

import csncost as cc
from csncost.lang import catalogue, library
from csncost.lang.parser import parse
from csncost.lang.printer import print_spec
from csncost.lang.syntax import NetworkDefinition, Reference

INPUT = "input 3 x T x H x W\n"
RESNET3D_50 = 46_927_424

OTHER = """
block bottleneck(i, s)  [1x1x1, 2*i / s]
template other
    block = bottleneck
    n = 1
    input 3 x T x H x W
    conv1 3x3x3, 8
    conv2 block(1, 1) x n
    fc    10
end
network Other-{n=3} = other(block=bottleneck, n=n) ; network Other = Other-1
"""


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A folder in the place of the package's files, with a copy of them; what was read before is forgotten."""
    folder = tmp_path / "zoo"
    shutil.copytree(catalogue.ZOO, folder, ignore=shutil.ignore_patterns("*.py", "*.csv", "__pycache__"))
    cached = (
        catalogue._texts,
        catalogue.words,
        catalogue.files,
        catalogue.offers,
        catalogue.aliases,
        catalogue._by_beginning,
        library.package,
    )
    monkeypatch.setattr(catalogue, "ZOO", folder)
    for one in cached:
        one.cache_clear()
    yield folder
    for one in cached:
        one.cache_clear()


def params(text, **given):
    return cc.analyze(cc.parse(text), **given).params


def test_files_of_the_package_do_not_see_each_other_s_definitions(zoo):
    """Two blocks of one name in two files made ResNet3D-50 cost 32,655 parameters in silence."""
    zoo.joinpath("a_first.csn").write_text(OTHER)
    zoo.joinpath("z_last.csn").write_text(OTHER.replace("Other", "Last"))
    assert params("ResNet3D-50") == RESNET3D_50
    assert params("Last-4") == params(
        "block mine(i, s) [1x1x1, 2*i / s]\n" + INPUT + "conv1 3x3x3, 8; conv2 mine(1, 1) x 4; fc 10"
    )


def test_definitions_of_one_s_own_do_not_reach_into_the_package():
    own = "block bottleneck(i, s) [1x1x1, 2*i / s]\n"
    assert params(own + "ResNet3D-50") == RESNET3D_50
    assert params(own + "ResNet3D-50(block=bottleneck)") < 100_000
    assert params(own + "ResNet3D-50(block=bottleneck_D)") == params("ir-CSN-50")
    assert params(own + "b = bottleneck\nResNet3D-50(block=b)") < 100_000
    assert params(own + "ResNet3D-50", block="bottleneck") < 100_000


def test_blocks_of_a_file_are_imported_by_name():
    text = "from resnet3d import bottleneck, bottleneck_D\n" + INPUT + "a 3x3x3, 64; b {}(1, 1) x 2; z avg; fc 5"
    given = "kernel = 3x3x3; widths = [64]; expansion = 4\n"
    written = INPUT + "a 3x3x3, 64; b [1x1x1, 64; 3x3x3, 64; 1x1x1, 256] x 2; z avg; fc 5"
    assert params(given + text.format("bottleneck")) == params(written)
    assert params(given + text.format("bottleneck_D")) == params(
        written.replace("3x3x3, 64; 1x", "3x3x3, depthwise; 1x")
    )
    with pytest.raises(cc.SpecError, match="from resnet3d import bottleneck") as caught:
        params(given + text.partition("\n")[2].format("bottleneck"))
    assert 'unknown block "bottleneck"' in str(caught.value)


def test_an_imported_template_uses_the_blocks_of_its_own_file():
    text = "from resnet3d import resnet3d\nblock {}(i, s) [1x1x1, 8 / s]\n"
    text += "network mine-{{n}} = resnet3d({}blocks=n)\nmine-16"
    assert params(text.format("simple", "")) == params("simple-16")
    assert params(text.format("simple", "block=simple, ")) < 100_000
    assert params(text.format("own", "block=own, ")) == params(text.format("simple", "block=simple, "))


def test_networks_of_one_s_own_may_stand_for_those_of_the_package():
    text = "from resnet3d import bottleneck_D\nnetwork mine-{n} = bottleneck-[n,n,n,n](block=bottleneck_D)\nmine-2"
    assert params(text) == params("bottleneck-D-[2,2,2,2]")


def test_files_of_the_package_import_from_each_other_in_circles(zoo):
    zoo.joinpath("a.csn").write_text(
        "from b import there\nblock here(i, s) [1x1x1, 8]\nnetwork A = ResNet3D-50(block=there)\n"
    )
    zoo.joinpath("b.csn").write_text(
        "from a import here\nblock there(i, s) [1x1x1, 16]\nnetwork B = ResNet3D-50(block=here)\n"
    )
    assert params("A") != params("B") == params("block own(i, s) [1x1x1, 8]\nResNet3D-50(block=own)")


WRONG = [
    ("from resnet3 import bottleneck", 'no file "resnet3"', "resnet3", "did you mean resnet3d?"),
    ("from resnet3d import botleneck", 'resnet3d defines no "botleneck"', "botleneck", "did you mean bottleneck?"),
    ("from resnet3d import bottleneck, simple, bottleneck", '"bottleneck" is defined twice', "bottleneck", ""),
    ("block simple(i, s) [3, i]; from resnet3d import simple", '"simple" is defined twice', "simple", ""),
    ("from resnet3d import", "expected the name of a block or a template", "\n", ""),
    ("from resnet3d import bottleneck-D-16", "expected the end of the line", "-", ""),
]


@pytest.mark.parametrize(("text", "message", "under", "hint"), WRONG)
def test_imports_of_what_there_is_not_are_refused(text, message, under, hint):
    with pytest.raises(cc.SpecError) as caught:
        params(f"{text}\nsimple-8")
    error = caught.value
    assert message in error.message
    assert hint in error.hint
    assert error.span.source.text[error.span.start : error.span.end] == under


def test_what_is_imported_is_printed_and_what_is_shown_stands_alone():
    text = "from resnet3d import bottleneck, resnet3d\n"
    assert print_spec(parse(text.replace(",", " ,"))) == text
    text += "kernel = 3x3x3; widths = [64]; expansion = 4\n" + INPUT + "b bottleneck(1, 1) x 2; z avg; fc 5"
    shown = cc.show(cc.parse(text))
    assert "from" not in shown
    assert cc.analyze(shown).rows == cc.analyze(cc.parse(text)).rows


def test_a_parameter_in_the_block_of_a_file_is_imported_with_no_value():
    with pytest.raises(cc.SpecError, match='"widths" needs a value'):
        params("from resnet3d import bottleneck\n" + INPUT + "b bottleneck(1, 1) x 2; fc 5")


def test_names_are_told_from_lines_as_they_are_parsed():
    for file, path in catalogue.files().items():
        text = path.read_text("utf-8")
        parsed = [item for item in parse(text).items if isinstance(item, NetworkDefinition)]
        found = [offer for offer in catalogue.offers() if offer.file == file]
        assert [offer.pattern for offer in found] == [item.pattern for item in parsed]
        targets = [parse(offer.target).items[0] for offer in found]
        assert all(isinstance(target, Reference) for target in targets)
        assert targets == [item.target for item in parsed]


def test_lines_in_comments_offer_nothing(zoo):
    zoo.joinpath("other.csn").write_text(
        OTHER + "# network no = no; network no = no\n; alias many = n # ; alias no = n"
    )
    offers = [offer for offer in catalogue.offers() if offer.file == "other"]
    assert [catalogue.pattern_text(offer.pattern) for offer in offers] == ["Other-<n>", "Other"]
    assert catalogue.words() == {"many": "n", "groups": "G", "depth": "blocks"}
    assert params("Other-2") > params("Other-1")


def test_every_file_of_the_package_is_sound():
    for file in catalogue.files():
        library.package(file).check_imports()
    known = [catalogue.pattern_text(offer.pattern).casefold() for offer in catalogue.offers()]
    assert len(set(known)) == len(known)


def forty(zoo):
    text = zoo.joinpath("resnet3d.csn").read_text()
    for i in range(40):
        renamed = text.replace("network ", f"network N{i}").replace("= simple", f"= N{i}simple")
        zoo.joinpath(f"n{i}.csn").write_text(renamed.replace("= bottleneck", f"= N{i}bottleneck"))


def test_a_file_is_parsed_only_when_one_of_its_names_is_asked_for(zoo):
    forty(zoo)
    assert params("N7ResNet3D-50") == params("n7BOTTLENECK-[3,4,6,3]") == RESNET3D_50
    assert library.package.cache_info().currsize == 1
    with pytest.raises(cc.SpecError, match="did you mean N7ResNet3D-50"):
        params("N7ResNet3D-51")
    assert len(catalogue.offers()) == 41 * len([offer for offer in catalogue.offers() if offer.file == "resnet3d"])
    assert cc.analyze(cc.parse("bottleneck-D-16")).aliases == ("ir-CSN-50",)
    assert library.package.cache_info().currsize == 2


def test_a_number_stands_in_the_hole_of_a_name_as_its_sample():
    text = "network mine-{n} = simple-[n,n,n,n]\nmien-2"
    with pytest.raises(cc.SpecError, match="did you mean mine-2"):
        params(text)
    with pytest.raises(cc.SpecError, match="did you mean mine-4"):
        params(text.replace("{n}", "{n=4}").replace("mien-2", "mine-x"))
    with pytest.raises(cc.SpecError, match="a number, for example"):
        params(text.replace("{n}", "{n=}"))


def test_of_a_value_without_effect_it_is_said_where_it_is_free():
    with pytest.raises(cc.SpecError, match="G is free in names such as bottleneck-DG-16"):
        cc.analyze("bottleneck-D-16", G=4)
    with pytest.raises(cc.SpecError, match="G is free in names such as simple-G-16"):
        cc.analyze("simple-16", G=4)
