"""Which datagrams a link loses: three models, and the stream of random values that they share.

A model holds only its parameters. What has to be remembered from one datagram to the next is in
`LossStream`, which outlives a change of model: every datagram takes two random values from it,
whatever the model does with them, so that the k-th datagram meets the same luck in every call
with the same seed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property
from random import Random
from typing import Any

from labkit.errors import BadValue
from labkit.net.checks import number, probability, whole_number
from labkit.net.seeds import derive_seed
from labkit.words import _

__all__ = ["Exact", "GilbertElliott", "Iid", "LossModel", "LossStream", "loss_model_from_dict"]


class LossStream:
    """One direction's luck: two uniform values per datagram, and what models remember.

    Args:
        seed: Equal seeds give equal streams.
    """

    def __init__(self, seed: int) -> None:
        self.number = -1
        """Which datagram it is, counted from 0."""
        self.first = self.second = 0.0
        """Its two uniform values in [0, 1)."""
        self.bad = False
        """Whether the channel of `GilbertElliott` is in its bad state."""
        self._seed = seed
        self._random = Random(seed)
        self._block = (0, -1)
        self._ranks: list[int] = []

    def next(self, model: LossModel) -> bool:
        """Go on to the next datagram and return whether ``model`` loses it."""
        self.number += 1
        self.first = self._random.random()
        self.second = self._random.random()
        return model.loses(self)

    def rank(self, block: int) -> int:
        """Return this datagram's place (0 to block - 1) in its block's shuffled order."""
        index, position = divmod(self.number, block)
        if self._block != (block, index):
            self._block = (block, index)
            self._ranks = _shuffled(block, derive_seed(self._seed, block, index))
        return self._ranks[position]


def _shuffled(size: int, seed: int) -> list[int]:
    # Only random() gives the same values in every Python version; shuffle() promises nothing.
    random = Random(seed)
    keys = [random.random() for _index in range(size)]
    ranks = [0] * size
    for rank, position in enumerate(sorted(range(size), key=keys.__getitem__)):
        ranks[position] = rank
    return ranks


class LossModel(ABC):
    """What decides whether a datagram is lost."""

    @property
    @abstractmethod
    def mean(self) -> float:
        """Share of datagrams that are lost in the long run (0 to 1)."""

    @abstractmethod
    def loses(self, stream: LossStream) -> bool:
        """Return whether the datagram that ``stream`` stands at is lost."""

    def to_dict(self) -> dict[str, Any]:
        """Return the model's name and parameters as JSON can hold them."""
        return {"name": type(self).__name__, **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True)
class Iid(LossModel):
    """Each datagram is lost on its own, with the same chance.

    Args:
        p: Chance of loss, 0 to 1.

    Raises:
        BadValue: The chance is outside [0, 1].
    """

    p: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", probability("p", self.p))

    @property
    def mean(self) -> float:
        """Share of datagrams that are lost in the long run (0 to 1)."""
        return self.p

    def loses(self, stream: LossStream) -> bool:
        """Return whether the datagram that ``stream`` stands at is lost."""
        return stream.first < self.p


@dataclass(frozen=True)
class GilbertElliott(LossModel):
    """Loss in bursts: a channel that changes between a good and a bad state.

    The same as ``tc netem loss gemodel p r 1-h 1-k``: the mean length of a bad spell is 1/r
    datagrams. Source: tc-netem(8); Gilbert 1960, Elliott 1963.

    Args:
        p: Chance per datagram to go from good to bad, 0 to 1.
        r: Chance per datagram to go from bad to good, 0 to 1.
        h: Chance to pass in the bad state, 0 to 1.
        k: Chance to pass in the good state, 0 to 1.

    Raises:
        BadValue: A chance is outside [0, 1].
    """

    p: float
    r: float
    h: float = 0.0
    k: float = 1.0

    def __post_init__(self) -> None:
        for name in ("p", "r", "h", "k"):
            object.__setattr__(self, name, probability(name, getattr(self, name)))

    @classmethod
    def from_loss(cls, loss: float, burst: float = 3.0) -> GilbertElliott:
        """Return the model that loses ``loss`` of all datagrams in bursts of ``burst`` on average.

        Args:
            loss: Share that is lost, 0 to burst / (burst + 1).
            burst: Mean number of datagrams lost in a row, 1 to 1,000.

        Raises:
            BadValue: So much loss cannot come in bursts so short, or a value is out of range.
        """
        burst = number("burst", burst, 1, 1000, _("datagrams"))
        loss = probability("loss", loss)
        most = burst / (burst + 1)
        if loss > most:
            raise BadValue(
                _("loss={loss:g} is not possible in bursts of {burst:g}.").format(
                    loss=loss, burst=burst
                ),
                _("Allowed is a number from 0 to {most:.4g}.").format(most=most),
                _('Use longer bursts, or loss_model="iid".'),
            )
        return cls(p=min(1.0, loss / burst / (1 - loss)), r=1 / burst)

    @property
    def mean(self) -> float:
        """Share of datagrams that are lost in the long run (0 to 1)."""
        if self.p + self.r == 0:  # it stays in the good state, where it begins
            return 1 - self.k
        bad = self.p / (self.p + self.r)
        return bad * (1 - self.h) + (1 - bad) * (1 - self.k)

    def loses(self, stream: LossStream) -> bool:
        """Return whether the datagram that ``stream`` stands at is lost."""
        passes, turns = (self.h, self.r) if stream.bad else (self.k, self.p)
        if stream.first < turns:
            stream.bad = not stream.bad
        return stream.second >= passes


@dataclass(frozen=True)
class Exact(LossModel):
    """Exactly the same number lost in every block, at shuffled places: fair for marking.

    Unlike a real network, where five percent are five percent only on average. Where
    ``p * block`` is no whole number, blocks take turns, so that the long run is exact too.
    The places belong to the seed and the block's number alone: when the share changes in
    mid-block, the rest of the block follows the new share, and no later block is moved.
    Source: the block-shuffled loss filter of pion/transport's vnet.

    Args:
        p: Share that is lost, 0 to 1 (kept to a millionth).
        block: Datagrams in a block, 1 to 100,000.

    Raises:
        BadValue: A value is outside its range.
    """

    p: float
    block: int = 100

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", probability("p", self.p))
        object.__setattr__(self, "block", whole_number("block", self.block, 1, 100_000))

    @property
    def mean(self) -> float:
        """Share of datagrams that are lost in the long run (0 to 1)."""
        return self.p

    def loses(self, stream: LossStream) -> bool:
        """Return whether the datagram that ``stream`` stands at is lost."""
        return stream.rank(self.block) < self.lost_in_block(stream.number // self.block)

    def lost_in_block(self, index: int) -> int:
        """Return how many datagrams the block with this index (from 0) loses.

        Args:
            index: Number of the block, from 0.
        """
        share = self._per_block
        return math.floor((index + 1) * share) - math.floor(index * share)

    @cached_property
    def _per_block(self) -> Fraction:
        # 0.29 * 100 is 28.999…: only a fraction counts to the packet.
        return Fraction(self.p).limit_denominator(1_000_000) * self.block


_MODELS: dict[str, type[LossModel]] = {
    "Iid": Iid,
    "GilbertElliott": GilbertElliott,
    "Exact": Exact,
}


def loss_model_from_dict(values: dict[str, Any]) -> LossModel:
    """Return the model that ``LossModel.to_dict`` described.

    Raises:
        BadValue: The name or a parameter is unknown.
    """
    parameters = {name: value for name, value in values.items() if name != "name"}
    try:
        return _MODELS[values["name"]](**parameters)
    except (KeyError, TypeError):
        raise BadValue(
            _("{values!r} describes no loss model.").format(values=values),
            _("The lab knows {names}.").format(names=", ".join(_MODELS)),
        ) from None
