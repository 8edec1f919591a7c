"""A model is as it was after a trace, also where the trace fails."""

import collections
import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from csncost.errors import CsncostError
from csncost.pytorch.trace.trace import trace
from tests.pytorch.traced_modules import Net, P


def cached(net, x):
    """Writes to containers of all kinds, as decoders do to their caches."""
    net.last, net.keys = x, [x]
    net.nested["a"][0]["values"] = x
    net.nested["b"] = x
    net.cycle[0]["list"].append(x)
    net.recent.append(x)
    net.order.move_to_end("a")
    net.order["c"] = x
    net.count["a"] -= 4
    net.default["new"].append(x)
    net.pair[1].add(x.shape)


def marked(net, x):
    net.fc.weight.note = x
    net.fc.bias.register_hook(print)
    net.fc.weight.register_post_accumulate_grad_hook(print)
    net.fc.register_forward_hook(lambda *args: None)


def graded(net, x):
    net.fc.weight.grad.add_(1)
    net.fc.zero_grad(set_to_none=False)
    net.fc.zero_grad()


def moved(net, x):
    net.eval()
    net.fc.half()
    net.to(torch.float64)
    net.requires_grad_(False)
    net.fc.share_memory()


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
    net.big.numpy()[0] = 7


def written(net, x):
    net.big[0] = 7
    net.big[:4] = x[0]
    net.tensors["small"] += 1
    net.buffer += 1
    assert net.tensors["small"].tolist() == [1, 1, 1]
    assert net.buffer.tolist() == [1, 1, 1, 1]
    net.tensors["small"][:1].mul_(5)
    net.tensors["small"].resize_(7)
    net.tensors["hollow"].unsqueeze_(0)
    net.tensors["hollow"][:2] = x


def normal(net, x):
    F.batch_norm(torch.ones(4, 3), net.mean, net.var, training=True)
    nn.Embedding.from_pretrained(net.table, max_norm=0.1)(torch.tensor([0, 1]))
    torch.add(net.mean, 1, out=net.mean)
    torch._foreach_add_([net.mean, net.var], 1)
    net.table.clamp_(max=0.5)


def randomly(net, x):
    random.random()
    np.random.normal()
    torch.rand(3)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)


def own(net, **held):
    for name, value in held.items():
        setattr(net, name, value)
    return net


CONTAINERS = {
    "last": None,
    "keys": [],
    "nested": {"a": [{}]},
    "recent": collections.deque([1, 2], maxlen=2),
    "cycle": (lambda one: one[0].update(list=one) or one)([{}]),
    "order": collections.OrderedDict(a=1, b=2),
    "pair": (1, set()),
    "count": collections.Counter(a=3),
    "default": collections.defaultdict(list, {"a": [1]}),
}

HELD = {
    "containers": (cached, CONTAINERS),
    "attributes of parameters": (marked, {}),
    "gradients": (graded, {}),
    "types and devices": (moved, {}),
    "state": (loaded, {}),
    "hidden modules": (hidden, {"others": [nn.Linear(4, 4)]}),
    "views": (viewed, {"big": torch.zeros(1 << 19)}),
    "tensors": (
        written,
        {
            "big": torch.zeros(1 << 19),
            "tensors": {"small": torch.zeros(3), "hollow": torch.empty(3, 4, device="meta")},
        },
    ),
    "statistics": (normal, {"mean": torch.zeros(3), "var": torch.ones(3), "table": torch.ones(3, 4)}),
    "random numbers": (randomly, {}),
}


def shown(value, seen=()):
    """All of a value as text: tensors with their numbers, containers and modules with their identity and elements."""
    if id(value) in seen:
        return "..."
    seen = (*seen, id(value))
    parts = []
    if isinstance(value, torch.Tensor):
        numbers = [] if value.is_meta else value.detach().reshape(-1).tolist()
        parts = [value.shape, value.dtype, value._version, value.requires_grad, value.is_shared(), numbers]
        if value.is_leaf:
            parts += [value._backward_hooks, shown(value.grad, seen)]
    elif isinstance(value, dict):
        parts = [(key, shown(one, seen)) for key, one in value.items()]
    elif isinstance(value, (list, tuple, set, collections.deque)):
        parts = [shown(one, seen) for one in value]
    if isinstance(value, (torch.Tensor, nn.Module)):
        parts.append(shown(vars(value), seen))
    return id(value), type(value).__name__, repr(parts) if parts else repr(value)


def around():
    numbers = random.getstate(), torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()
    return *numbers, torch.get_default_dtype(), torch.is_grad_enabled()


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


def test_modules_that_nothing_but_the_code_holds():
    counted = Net(lambda net, x: net.seen.append(x) or x)
    counted.seen = []
    trace(lambda x: counted(x) if len([counted]) else x, (2, 4))
    assert counted.seen == []


class Scripted(nn.Module):
    steps: int

    def __init__(self):
        super().__init__()
        self.fc, self.steps, self.seen = nn.Linear(4, 4), 0, torch.jit.Attribute([], list[torch.Tensor])
        self.state = torch.zeros(2)

    def forward(self, x: torch.Tensor):
        self.steps += 1
        self.seen.append(x)
        self.state = x
        return self.fc(x)


@pytest.mark.filterwarnings("ignore")
def test_attributes_of_scripts():
    net = torch.jit.script(nn.Sequential(Scripted()))
    assert trace(net, (2, 4)).flops == 32
    inner = getattr(net, "0")
    assert (inner.steps, inner.seen, inner.state.tolist()) == (0, [], [0, 0])


def test_hooks_on_activations_do_no_harm():
    def hooked(net, x):
        out = net.fc(x)
        out.register_hook(print).remove()
        out.retain_grad()
        return out

    assert trace(Net(hooked, fc=nn.Linear(4, 4)), (2, 4)).flops == 32


@pytest.mark.parametrize("buffer", [True, False])
def test_a_cache_that_is_written_goes_on_for_the_run(buffer):
    """What is held and small has the values that code gave it, as long as the model runs."""

    def counting(net, x):
        for _ in range(3):
            (net.buffer if buffer else net.held["seen"]).add_(torch.tensor([1, 2]))
        seen = net.buffer if buffer else net.held["seen"]
        return net.fc(x) if seen.tolist() == [3, 6] else x

    net = own(Net(counting, fc=nn.Linear(4, 4), w=P(1)), held={"seen": torch.zeros(2, dtype=torch.int64)})
    net.register_buffer("buffer", torch.zeros(2, dtype=torch.int64))
    assert trace(net, (2, 4)).flops == 32
    assert net.buffer.tolist() == net.held["seen"].tolist() == [0, 0]
