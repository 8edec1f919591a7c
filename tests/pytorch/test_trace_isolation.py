"""Whatever a model holds is as it was after a trace, however it is held, also where the trace fails."""

import array
import collections
import contextvars
import dataclasses
import functools
import itertools
import queue
import random
import threading
import types

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize

from csncost.errors import CsncostError
from csncost.pytorch.trace.trace import trace
from tests.pytorch.traced_modules import Net, P

GLOBAL_CACHE: dict = {}
LAST = None
CONTEXT = contextvars.ContextVar("CONTEXT", default=None)


class Cache:
    """A cache of keys and values, as decoders have."""

    kept_by_class = None
    shared: list = []

    def __init__(self):
        self.keys, self.layers = None, [{}]

    def update(self, value):
        self.keys = value
        self.layers[0]["values"] = value
        Cache.kept_by_class = value
        Cache.shared.append(value)


class Slotted:
    __slots__ = ("first", "second")

    def __init__(self):
        self.first = 1


@dataclasses.dataclass(frozen=True)
class Frozen:
    value: object = None


class Recent(collections.OrderedDict):
    """Forgets the oldest, and moves what is read to the end."""

    def __getitem__(self, key):
        self.move_to_end(key)
        return super().__getitem__(key)

    def clear(self):
        raise TypeError("never")

    update = clear


class Closed:
    __slots__ = ("a",)

    @property
    def __dict__(self):
        raise RuntimeError("closed")


class Tied(list):
    def clear(self):
        raise TypeError("never")

    extend = clear


@functools.lru_cache
def positions(n):
    return torch.arange(n)


def globally(net, x):
    global LAST, NEW
    LAST = NEW = x
    GLOBAL_CACHE[x.shape] = x
    helper(x)


def helper(x):
    GLOBAL_CACHE.setdefault("deep", []).append(x)


def by_default(net, x, cache=[]):  # noqa: B006
    cache.append(x)


def counting():
    calls, held = 0, {}

    def count(net, x):
        nonlocal calls
        calls += 1
        held[calls] = x

    count.calls = {}
    return count, lambda: (calls, dict(held))


def marked(net, x):
    net.fc.weight.note = x
    net.fc.bias.register_hook(print)
    net.fc.weight.register_post_accumulate_grad_hook(print)


def graded(net, x):
    net.fc.weight.grad.add_(1)
    net.fc.zero_grad(set_to_none=False)


def moved(net, x):
    net.fc.half()
    net.to(torch.float64)
    net.requires_grad_(False)
    net.fc.share_memory()


def stepped(net, x):
    net.fc.weight.grad = torch.ones(4, 4)
    net.optimizer.step()


def loaded(net, x):
    net.load_state_dict({name: tensor + 1 for name, tensor in net.state_dict().items()})
    net.load_state_dict({name: tensor + 1 for name, tensor in net.state_dict().items()}, assign=True)


def hidden(net, x):
    net.others[0].weight.data.fill_(3)
    net.others[0].extra = net.others[0].bias + x
    with torch.no_grad():
        net.others[0].bias += 1


def viewed(net, x):
    net.fc.weight.detach().numpy()[:] = 7
    np.asarray(net.buffer)[:] = 7
    np.from_dlpack(net.buffer.data)[:] = 7
    net.fc.bias.data.view(2, 2).numpy()[0] += 7
    net.space.big.numpy()[0] = 7


def written(net, x):
    net.space.big[0] = 7
    net.space.big[:4] = x[0]
    net.space.small += 1
    assert net.space.small.tolist() == [1, 1, 1]
    net.space.small[:1].mul_(5)
    net.space.small.resize_(7)
    net.space.hollow.unsqueeze_(0)
    net.space.hollow[:2] = x


def normal(net, x):
    F.batch_norm(torch.ones(4, 3), net.mean, net.var, training=True)
    nn.Embedding.from_pretrained(net.table, max_norm=0.1)(torch.tensor([0, 1]))
    torch.add(net.mean, 1, out=net.mean)
    torch._foreach_add_([net.mean, net.var], 1)
    net.table.clamp_(max=0.5)


def reclassed(net, x):
    parametrize.register_parametrization(net.fc, "weight", nn.ReLU())
    net.cache.__class__ = Frozen


def randomly(net, x):
    net.python.random()
    net.rng.normal()
    net.state.normal()
    torch.rand(3, generator=net.torch)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)


def own(net, **held):
    for name, value in held.items():
        setattr(net, name, value)
    return net


def bounded(net, x):
    net.queue.append(x)
    net.order.move_to_end("a")
    net.order["b"]
    net.order["c"] = x
    net.count["a"] -= 4
    net.default["new"].append(x)
    net.tied.append(x)
    net.fifo.put(x)
    net.borg.__dict__ = {"x": x}


HELD = {
    "cache object": (lambda net, x: net.cache.update(x), {"cache": Cache()}),
    "namespace": (lambda net, x: vars(net.space).update(a=x), {"space": types.SimpleNamespace(a=None)}),
    "slots": (lambda net, x: (setattr(net.slots, "first", x), setattr(net.slots, "second", x)), {"slots": Slotted()}),
    "frozen": (lambda net, x: object.__setattr__(net.frozen, "value", x), {"frozen": Frozen()}),
    "nested": (lambda net, x: net.nested["a"][0][0].update(x), {"nested": {"a": [(Cache(), 1)]}}),
    "cycle": (lambda net, x: net.cycle[0]["list"].append(x), {"cycle": (lambda one: one[0].update(list=one) or one)([{}])}),
    "containers": (bounded, {
        "queue": collections.deque([1, 2], maxlen=2), "order": Recent(a=1, b=2), "count": collections.Counter(a=3), "tied": Tied([1]),
        "default": collections.defaultdict(list, {"a": [1]}), "fifo": queue.Queue(), "borg": Cache(),
    }),
    "array": (lambda net, x: (net.array.__setitem__(0, 5), net.array[1:].fill(6)), {"array": np.zeros(3)}),
    "bytes": (lambda net, x: (net.bytes.append(5), net.ints.append(6)), {"bytes": bytearray(b"ab"), "ints": array.array("i", [1])}),
    "partial": (lambda net, x: net.partial.args[0].append(x), {"partial": functools.partial(print, [])}),
    "method": (lambda net, x: net.method(x), {"method": Cache().update}),
    "globals": (globally, {}),
    "thread": (lambda net, x: setattr(net.local, "x", x), {"local": threading.local()}),
    "context": (lambda net, x: CONTEXT.set(x), {}),
    "what cannot be looked at": (lambda net, x: net.held.append(x), {"held": [Closed()]}),
    "default value": (by_default, {}),
    "attributes of parameters": (marked, {}),
    "gradients": (graded, {}),
    "types and devices": (moved, {}),
    "state": (loaded, {}),
    "hidden modules": (hidden, {"others": [nn.Linear(4, 4)]}),
    "views": (viewed, {"space": types.SimpleNamespace(big=torch.zeros(1 << 19))}),
    "tensors": (written, {"space": types.SimpleNamespace(small=torch.zeros(3), big=torch.zeros(1 << 19), hollow=torch.empty(3, 4, device="meta"))}),
    "statistics": (normal, {"mean": torch.zeros(3), "var": torch.ones(3), "table": torch.ones(3, 4)}),
    "class": (reclassed, {"cache": Cache()}),
    "random numbers": (randomly, {"python": random.Random(0), "rng": np.random.default_rng(0), "state": np.random.RandomState(0), "torch": torch.Generator()}),
}  # fmt: skip


def shown(value, seen=()):
    """All of a value as text: tensors and arrays with their numbers, objects with their identity and attributes."""
    if id(value) in seen:
        return "..."
    seen = (*seen, id(value))
    inner = functools.partial(shown, seen=seen)
    if isinstance(value, torch.Tensor):
        numbers = [] if value.is_meta else value.detach().reshape(-1).tolist()
        parts = (value.shape, value.dtype, value._version, value.requires_grad, value.is_shared(), numbers)
        hooks = value._backward_hooks if value.is_leaf else None
        return (
            id(value),
            *map(repr, parts),
            repr(hooks),
            inner(vars(value)),
            inner(value.grad) if value.is_leaf else "",
        )
    if isinstance(value, (np.ndarray, bytearray, array.array)):
        return (id(value), repr(value.tolist() if isinstance(value, np.ndarray) else value))
    if isinstance(value, torch.Generator):
        return value.get_state().tolist()
    if isinstance(value, random.Random):
        return value.getstate()
    if isinstance(value, (np.random.Generator, np.random.RandomState)):
        return repr(value.bit_generator.state if isinstance(value, np.random.Generator) else value.get_state())
    parts = []
    if isinstance(value, dict):
        parts = [(key, inner(dict.__getitem__(value, key))) for key in value]
    elif isinstance(value, (list, tuple, set, collections.deque)):
        parts = list(map(inner, value))
    elif isinstance(value, (functools.partial, types.MethodType)):
        parts = [inner(getattr(value, "args", None)), inner(getattr(value, "__self__", None))]
    if not isinstance(value, (type, Closed)) and hasattr(value, "__dict__"):
        parts.append(inner(vars(value)))
    parts += [
        inner(getattr(value, name, None)) for name in getattr(type(value), "__slots__", ()) if isinstance(name, str)
    ]
    return (id(value), type(value).__name__, parts or repr(value))


def around():
    return (shown(vars(Cache).get("kept_by_class")), shown(Cache.shared), shown(GLOBAL_CACHE), LAST, CONTEXT.get(), "NEW" in globals(),
            by_default.__defaults__, torch.get_default_dtype(), torch.is_grad_enabled())  # fmt: skip


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("name", HELD)
def test_everything_is_as_it_was(name, fails):
    change, held = HELD[name]

    def forward(net, x):
        change(net, x)
        if fails:
            raise ValueError("afterwards")
        return net.fc(x)

    net = own(Net(forward, fc=nn.Linear(4, 4)), **held)
    net.register_buffer("buffer", torch.zeros(4))
    net.fc.weight.grad = torch.ones(4, 4)
    before, outside = shown(net), around()
    if fails:
        with pytest.raises(CsncostError, match=r"(?s)ValueError.*afterwards"):
            trace(net, (2, 4))
    else:
        assert trace(net, (2, 4)).flops == 32
    assert shown(net) == before
    assert around() == outside


def test_closures_and_what_functions_bear():
    forward, count = counting()
    net = Net(lambda net, x: forward(net, x) or net.fc(x), fc=nn.Linear(4, 4))
    trace(net, (2, 4))
    assert count() == (0, {})
    assert vars(forward) == {"calls": {}}


def test_objects_among_the_inputs():
    cache, net = Cache(), nn.Linear(4, 4)
    trace(lambda x, cache: cache.update(net(x)), ((2, 4), cache))
    assert (cache.keys, cache.layers, Cache.shared) == (None, [{}], [])


def test_caches_of_functions_hold_nothing_without_data():
    assert trace(Net(lambda net, x: positions(1 << 17)), (2, 4)).flops == 0
    assert positions.cache_info().currsize == 0
    positions(2)
    trace(Net(lambda net, x: positions(2)), (2, 4))
    assert positions.cache_info().currsize == 1


def test_an_optimizer_that_steps_in_the_model():
    net = Net(lambda net, x: stepped(net, x) or net.fc(x), fc=nn.Linear(4, 4))
    net.optimizer = torch.optim.SGD(net.fc.parameters(), lr=1.0, momentum=0.9)
    before = shown(net)
    trace(net, (2, 4))
    assert shown(net) == before


class Scripted(nn.Module):
    steps: int

    def __init__(self):
        super().__init__()
        self.fc, self.steps, self.seen = nn.Linear(4, 4), 0, torch.jit.Attribute([], list[torch.Tensor])

    def forward(self, x: torch.Tensor):
        self.steps += 1
        self.seen.append(x)
        return self.fc(x)


@pytest.mark.filterwarnings("ignore")
def test_attributes_of_scripts():
    net = torch.jit.script(nn.Sequential(Scripted()))
    assert trace(net, (2, 4)).flops == 32
    inner = getattr(net, "0")
    assert (inner.steps, inner.seen) == (0, [])


CONSUMED = {
    "generator": lambda: (i for i in range(3)),
    "count": itertools.count,
    "list": lambda: iter([1, 2, 3]),
    "range": lambda: iter(range(3)),
}


@pytest.mark.parametrize("name", CONSUMED)
def test_iterators_that_go_on_are_refused(name):
    net = Net(lambda net, x: net.fc(x) * next(net.steps), fc=nn.Linear(4, 4))
    net.steps = CONSUMED[name]()
    with pytest.raises(CsncostError, match="goes on in an iterator that it holds"):
        trace(net, (2, 4))
    net.steps = CONSUMED[name]()
    net.forward = net.fc.forward
    assert trace(net, (2, 4)).flops == 32


def test_a_large_array_is_locked(monkeypatch):
    monkeypatch.setattr("csncost.pytorch.trace.holders.LARGE", 8)
    net = Net(lambda net, x: net.array.fill(1) or x)
    net.array = np.zeros(3)
    with pytest.raises(CsncostError, match="read-only"):
        trace(net, (2, 4))
    assert net.array.tolist() == [0, 0, 0]
    net.array += 1


def test_hooks_on_activations_do_no_harm():
    def hooked(net, x):
        out = net.fc(x)
        out.register_hook(print).remove()
        out.retain_grad()
        return out

    assert trace(Net(hooked, fc=nn.Linear(4, 4)), (2, 4)).flops == 32


def test_a_cache_that_is_written_goes_on_for_the_run():
    """What is held and small has the values that code gave it, as long as the model runs."""

    def counting(net, x):
        for _ in range(3):
            net.space.seen += torch.tensor([1, 2])
        return net.fc(x) if net.space.seen.tolist() == [3, 6] else x

    net = own(
        Net(counting, fc=nn.Linear(4, 4), w=P(1)), space=types.SimpleNamespace(seen=torch.zeros(2, dtype=torch.int64))
    )
    assert trace(net, (2, 4)).flops == 32
    assert net.space.seen.tolist() == [0, 0]
