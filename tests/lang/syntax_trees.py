"""Random syntax trees that the grammar can spell."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from csncost.lang.bodies import LAYER_OPTIONS, POOLS, REPEAT_OPTIONS
from csncost.lang.expressions import FUNCTIONS
from csncost.lang.syntax import (
    Alias,
    Assignment,
    Block,
    BlockDefinition,
    Call,
    Case,
    Chain,
    Import,
    Index,
    Input,
    Layer,
    List,
    Name,
    NetworkDefinition,
    Number,
    Reference,
    Repeat,
    Sizes,
    Slot,
    Spec,
    Stage,
    Template,
)

WORDS = {
    "block",
    "template",
    "network",
    "alias",
    "from",
    "import",
    "input",
    "end",
    "case",
    "of",
    "else",
    "x",
    "X",
    *POOLS,
    *FUNCTIONS,
    "depthwise",
    "optional",
}

identifiers = st.from_regex(r"[a-wyzA-WYZ_][a-z0-9_]{0,5}", fullmatch=True).filter(lambda word: word not in WORDS)
names = identifiers.map(Name)
whole = st.integers(0, 10**9).map(Number)
decimals = (
    st.tuples(st.integers(0, 9999), st.integers(1, 6))
    .map(lambda pair: Fraction(pair[0], 10 ** pair[1]))
    .map(lambda value: Number(int(value) if value.denominator == 1 else value))
)
numbers = whole | decimals


def chains(operands):
    def of(operators):
        rest = st.lists(st.tuples(st.sampled_from(operators), operands), min_size=1, max_size=2).map(tuple)
        return st.builds(Chain, operands, rest)

    return of(["+", "-"]) | of(["*", "/", "//", "%"])


def compound(inner):
    calls = st.builds(Call, st.sampled_from(list(FUNCTIONS)), st.lists(inner, max_size=2).map(tuple))
    return chains(inner) | calls | st.builds(Index, names, inner)


expressions = st.recursive(numbers | names, compound, max_leaves=4)
several = st.lists(expressions, min_size=2, max_size=4).map(tuple)
sizes = several.map(Sizes)
flat_values = expressions | sizes
values = st.recursive(
    flat_values, lambda inner: st.lists(inner, max_size=2).map(lambda items: List(tuple(items))), max_leaves=3
)
pairs = st.lists(st.tuples(values, values), min_size=1, max_size=2).map(tuple)
cases = st.builds(Case, expressions, pairs, st.none() | values)
lists = st.lists(values, max_size=2).map(lambda items: List(tuple(items)))


def options(keys):
    return st.dictionaries(st.sampled_from(keys), flat_values | lists, max_size=2).map(
        lambda found: tuple(found.items())
    )


lone_or_more = st.lists(expressions, min_size=1, max_size=2).map(lambda items: Sizes(tuple(items)))
flags = st.frozensets(st.sampled_from(["depthwise", "optional", "ceil"]))
strides = st.none() | expressions | sizes
pools = st.builds(
    Layer, st.none() | lone_or_more, st.sampled_from(POOLS), st.none(), flags, options(LAYER_OPTIONS), strides
)
convs = st.builds(
    Layer, expressions | sizes, st.just(""), st.none() | expressions, flags, options(LAYER_OPTIONS), strides
)
layers = pools | convs
blocks = st.lists(layers, min_size=1, max_size=2).map(lambda found: Block(tuple(found)))
calls = st.builds(Call, identifiers, st.lists(values, max_size=2).map(tuple))
repeat_options = st.tuples(
    options([key for key in REPEAT_OPTIONS if key != "shortcut"]), st.none() | blocks | names
).map(lambda pair: pair[0] + ((("shortcut", pair[1]),) if pair[1] else ()))
repeats = st.builds(Repeat, blocks | calls, expressions, repeat_options)
bodies = layers | st.lists(repeats, min_size=1, max_size=2).map(tuple)
stages = st.builds(Stage, identifiers, bodies)
inputs = st.builds(Input, lone_or_more)
assignments = st.builds(Assignment, identifiers, values | cases, st.just(()) | pairs)
clips = st.none() | lone_or_more
words = st.from_regex(r"[a-wyzA-Z][A-Za-z0-9_]{0,5}", fullmatch=True).filter(lambda word: word not in WORDS)
segments = st.tuples(
    words, st.lists(st.from_regex(r"[a-wyz0-9][a-z0-9]{0,4}", fullmatch=True) | lists, max_size=2)
).map(lambda pair: (pair[0], *pair[1]))
modifiers = st.dictionaries(identifiers, values | cases, max_size=2).map(lambda found: tuple(found.items()))
references = st.builds(Reference, segments, clips, modifiers)
block_definitions = st.builds(
    BlockDefinition, identifiers, st.lists(identifiers, max_size=2, unique=True).map(tuple), blocks
)
templates = st.builds(Template, identifiers, st.lists(assignments | inputs | stages, max_size=2).map(tuple))
texts = st.from_regex(r"[a-wyz][a-z0-9]{0,3}", fullmatch=True)
slots = texts.map(Slot) | st.builds(Slot, st.just("") | texts, identifiers, st.sampled_from(["", "4", "16"]))
patterns = st.lists(slots, min_size=1, max_size=2).map(tuple)
networks = st.builds(NetworkDefinition, patterns, references)
imports = st.builds(Import, names, st.lists(names, min_size=1, max_size=2).map(tuple))
aliases = st.builds(Alias, identifiers, identifiers)
items = assignments | inputs | stages | block_definitions | references | templates | networks | imports | aliases
specs = st.lists(items, min_size=1, max_size=2).map(lambda found: Spec(tuple(found)))
