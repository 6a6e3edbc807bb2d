"""What pickles and copies of the engine's results are made with."""

from typing import Any

__all__ = ["restored"]


def restored(record: Any, text: str) -> Any:
    """Return the result of this type whose JSON a pickle has."""
    return record._of_json(text)
