"""The operations of a run: named, merged where a module runs twice, parameters counted where they are first used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

from torch import Tensor

from csncost.costs import quantities
from csncost.network.sizes import Size
from csncost.pytorch.known.operation import Bound, Cost, Geometry, Op
from csncost.pytorch.trace.marks import Marks
from csncost.pytorch.trace.meta import dtype_name
from csncost.pytorch.trace.record import Call, Claims, Share
from csncost.pytorch.trace.scope import Owner, Scope


@dataclass(slots=True)
class Entry:
    """An operation in its place: the module's path, and what it is called there ("" for the module's own)."""

    path: str
    label: str
    call: Call


@dataclass(slots=True)
class Aside:
    """Takes down the multiply-adds of a backward pass: kind, function, shape and number."""

    found: list[tuple[str, str, tuple[int, ...], int]] = field(default_factory=list)
    unknown: Counter[tuple[str, str]] = field(default_factory=Counter)

    def record(self, op: Op, run: Bound, needs: list[Tensor]) -> None:
        """Write down one call that has returned."""
        cost = op.cost_of(run)
        if macs := int(cost.quantities.get("macs", 0)):
            self.found.append((op.kind, cost.function or op.function, _shape(run.out), macs))


@dataclass(slots=True)
class Ledger:
    """Collects calls; `unknown` are operations that no formula is known for, by name and module."""

    scope: Scope
    marks: Marks
    unknown: Counter[tuple[str, str]] = field(default_factory=Counter)
    entries: dict[tuple[str, str, str], Entry] = field(default_factory=dict)
    order: list[Entry] = field(default_factory=list)
    _claims: Claims = field(default_factory=Claims)
    _paired: set[tuple[str, int, int]] = field(default_factory=set)

    def record(self, op: Op, run: Bound, needs: list[Tensor]) -> None:
        """Write down one call that has returned; `needs` are the arguments that need a gradient."""
        result = run.out
        cost, kind = self._as_layer(op, run.args, op.cost_of(run), result)
        owner = self.scope.owner(cost.weights[0]) if cost.weights else None
        found, shares = cost.quantities, []
        self._pairs(cost, owner)
        for name, tensors in (("weights", cost.weights), ("biases", cost.biases), ("affine", cost.affine)):
            if tensors:
                claimed = [share for tensor in tensors for share in self._claim(tensor, name)]
                found[name] = sum(share.taken for share in claimed)
                shares += claimed
        read = [tensor for tensor in run.tensors if not self.marks.sources(tensor)]  # no parameters, nor made of them
        found.setdefault("reads", sum(tensor.numel() for tensor in read))
        types = tuple(map(_type_name, (*read, run.result)))
        function, module = cost.function or op.function, self.scope.stack[-1].kind
        call = Call("", kind, function, module, found, _shape(result), *cost.geometry, types=types)
        call = self._enter(*self._place(cost, owner, op.label or op.function or kind), call)
        for share in shares:
            call.shares.setdefault(share[:3], share)
        if needs:
            if cost.backward is None:
                self.unknown[f"{op.function}, backward", self.scope.stack[-1].path] += 1
            marked = {id(tensor) for tensor in needs}
            macs = sum(macs for macs, of in cost.backward or () if any(id(tensor) in marked for tensor in of))
            self.marks.gradients.charge(result, call, macs)

    def _as_layer(self, op: Op, args: Any, cost: Cost, result: Any) -> tuple[Cost, str]:
        """A product of an activation with a parameter is a fully connected layer, each of its columns a filter."""
        if op.kind != "matmul" or op.function == "attention" or len(args) < 2:
            return cost, op.kind
        added = op.function.startswith(("addm", "badd", "addb"))
        left, right = args[1:3] if added else args[:2]
        if self._is_parameter(right) and self.marks.sources(left) is None:
            weight, other, inner = right, left, right.shape[-2] if right.dim() > 1 else right.shape[0]
        elif self._is_parameter(left) and self.marks.sources(right) is None:
            weight, other, inner = left, right, left.shape[-1]
        else:
            return cost, op.kind
        bias = (args[0],) if added and self._is_parameter(args[0]) else ()
        return _layer(cost, weight, inner, bias, other, result), "linear"

    def _is_parameter(self, tensor: Any) -> bool:
        owner = self.scope.owner(tensor) if isinstance(tensor, Tensor) else None
        return owner is not None and owner.learned

    def _claim(self, tensor: Tensor, quantity: str) -> Iterator[Share]:
        """The share of a parameter that a tensor is, if it is one."""
        owner, start = self.scope.owner(tensor), 0
        if owner is None:
            owner = self._origin(tensor)
        elif owner.learned:
            self.marks.touched.add(owner.name)
            start = int(tensor.storage_offset())
        if owner is not None and owner.learned:
            piece, size = (start, tensor.numel()), owner.tensor.numel()
            yield Share(owner.name, piece, quantity, size, self._claims.take(owner.name, piece, size))

    def _origin(self, tensor: Tensor) -> Owner | None:
        """The parameter of its size that a weight was computed from (weight norm and the like), best an unused one."""
        alike = [self.scope.by_name[name] for name in sorted(self.marks.sources(tensor) or ())]
        alike = [owner for owner in alike if owner.tensor.numel() == tensor.numel()]
        return min(alike, key=lambda owner: owner.name in self._claims.left, default=None)

    def _pairs(self, cost: Cost, owner: Owner | None) -> None:
        """Interactions belong to filters: those of one weight count once, however often it is used."""
        if owner is None or "pairs" not in cost.quantities:
            return
        weight = cost.weights[0]
        key = (owner.name, int(weight.storage_offset()), weight.numel())
        if key in self._paired:
            cost.quantities["pairs"] = 0
        self._paired.add(key)

    def _place(self, cost: Cost, owner: Owner | None, function: str) -> tuple[str, str]:
        if owner is None and (cost.affine or cost.biases):
            owner = self.scope.owner((cost.affine or cost.biases)[0])
        if owner is not None and owner.learned:
            return self.scope.place(owner)
        frame = self.scope.stack[-1]
        frame.met[function] += 1
        times = frame.met[function]
        return frame.path, function if times == 1 else f"{function}_{times}"

    def _enter(self, path: str, label: str, call: Call) -> Call:
        key = (path, label, call.kind)
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = Entry(path, label, call)
        else:
            _merge(entry.call, call)
        self.order.append(entry)
        return entry.call

    def beside(self, label: str, kind: str, function: str, output: tuple[int, ...]) -> Call:
        """An operation that only a backward pass runs, in the module that is running."""
        frame = self.scope.stack[-1]
        call = Call("", kind, function, frame.kind, {}, output, calls=0)
        call = self.entries.setdefault((frame.path, label, kind), Entry(frame.path, label, call)).call
        call.calls += 1
        return call

    def calls(self) -> Iterator[Call]:
        """Every operation under its final name, and a row for each parameter that none of them holds."""
        for key in [key for key, entry in self.entries.items() if not (entry.call.quantities or entry.call.backward)]:
            del self.entries[key]  # run beside, and no gradient came by
        own: dict[str, set[str]] = {}
        for entry in self.entries.values():
            own.setdefault(entry.path, set()).add(entry.label)
        names: set[str] = set()
        for entry in self.entries.values():
            module = self.scope.modules.get(entry.path)
            alone = len(own[entry.path]) == 1 and module is not None and not module._modules and entry.path
            label = "" if alone else entry.label
            name = ".".join(part for part in (entry.path, label) if part) or entry.label or entry.call.kind
            entry.call.name = name if name not in names else f"{name}.{entry.call.kind}"
            names.add(entry.call.name)
            yield entry.call
        yield from self._parameters()

    def _parameters(self) -> Iterator[Call]:
        for owner in self.scope.parameters():
            left = self._claims.left.get(owner.name, owner.tensor.numel())
            if left:
                yield Call(owner.name, "parameter", "", "", {"learned": left}, tuple(owner.tensor.shape))

    def unused(self) -> dict[str, int]:
        """Parameters that nothing used, by module."""
        found: Counter[str] = Counter()
        for owner in self.scope.parameters():
            if owner.name not in self.marks.touched:
                found[owner.name.rpartition(".")[0]] += owner.tensor.numel()
        return found


def _layer(cost: Cost, weight: Tensor, inner: int, bias: tuple[Tensor, ...], input: Tensor, result: Tensor) -> Cost:
    """The cost of a product with a weight (..., inner, filters) or (..., filters, inner), perhaps broadcast."""
    numbers = prod(n for n, step in zip(weight.shape, weight.stride(), strict=True) if step)
    filters = numbers // inner if inner else 0
    batch = input.shape[0] if input.dim() > 1 else 1
    found = quantities.linear(inner, filters, bool(bias), result.numel() // filters if filters else 0, batch)
    found["inputs"] = input.numel()
    found["addends"] = cost.quantities.get("addends", 0)
    return Cost(found, (weight,), bias, (), Geometry(inner, filters), cost.backward)


def _merge(call: Call, again: Call) -> None:
    """Add another run of the same operation."""
    once = () if again.quantities.get("weights") else ("pairs",)
    for name, value in again.quantities.items():
        if name not in once:
            total: Size = call.quantities.get(name, 0)
            call.quantities[name] = total + value
    call.calls += 1


def _shape(result: Any) -> tuple[int, ...]:
    while isinstance(result, (tuple, list)) and result:
        result = result[0]
    return tuple(result.shape) if isinstance(result, Tensor) else ()


def _type_name(value: Any) -> str:
    """The type of a tensor as people write it, such as float32; of anything else the name of its class."""
    return dtype_name(value.dtype) if isinstance(value, Tensor) else type(value).__name__
