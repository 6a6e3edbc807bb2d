"""What the typings of the engine are made of."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

__all__ = ["SequenceNotStr"]

T_co = TypeVar("T_co", covariant=True)


class SequenceNotStr(Protocol[T_co]):
    """A list, a tuple or another sequence, but no ``str``: ``Sequence[str]`` would take ``"abc"`` for three of them.

    What keeps a ``str`` out is that it answers ``in`` for texts only.
    """

    def __contains__(self, value: object, /) -> bool: ...
    def __getitem__(self, index: int, /) -> T_co: ...
    def __iter__(self) -> Iterator[T_co]: ...
    def __len__(self) -> int: ...
