"""What the engine raises: one class per code, below one base."""

from typing import Any, ClassVar

__all__ = [
    "AbortedError",
    "AlreadyExistsError",
    "CancelledError",
    "DataLossError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "HeadyError",
    "InternalError",
    "InvalidArgumentError",
    "NotFoundError",
    "PermissionDeniedError",
    "ResourceExhaustedError",
    "UnauthenticatedError",
    "UnavailableError",
]


class HeadyError(Exception):
    """Any error of the engine. A handler may raise one, too: its code decides whether the task is tried again."""

    code: ClassVar[str] = "INTERNAL"
    """The same string in every language."""

    details: dict[str, Any]
    """Machine-readable facts, such as ``line`` and ``column``, or the ``current`` object of a version conflict."""

    def __init__(self, message: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details or {}

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class InvalidArgumentError(HeadyError, ValueError):
    """The input is malformed or contradicts itself; the same input never succeeds."""

    code = "INVALID_ARGUMENT"


class NotFoundError(HeadyError, LookupError):
    """What was asked for does not exist."""

    code = "NOT_FOUND"


class AlreadyExistsError(HeadyError):
    """What was to be created exists."""

    code = "ALREADY_EXISTS"


class PermissionDeniedError(HeadyError, PermissionError):
    """The caller is known and has no right to this."""

    code = "PERMISSION_DENIED"


class FailedPreconditionError(HeadyError):
    """The system is not in a state in which this is possible."""

    code = "FAILED_PRECONDITION"


class UnauthenticatedError(HeadyError):
    """No credential, or a wrong one."""

    code = "UNAUTHENTICATED"


class AbortedError(HeadyError):
    """Somebody else was faster; read again and retry."""

    code = "ABORTED"


class DeadlineExceededError(HeadyError, TimeoutError):
    """The time allowed ran out."""

    code = "DEADLINE_EXCEEDED"


class ResourceExhaustedError(HeadyError):
    """A quota, rate or size limit is exhausted."""

    code = "RESOURCE_EXHAUSTED"


class CancelledError(HeadyError):
    """The caller withdrew the request."""

    code = "CANCELLED"


class UnavailableError(HeadyError, ConnectionError):
    """A dependency does not answer now; the same request may succeed later."""

    code = "UNAVAILABLE"


class DataLossError(HeadyError):
    """Stored or received content is corrupt."""

    code = "DATA_LOSS"


class InternalError(HeadyError):
    """A defect, in the engine or in a handler."""

    code = "INTERNAL"


_BY_CODE: dict[str, type[HeadyError]] = {error.code: error for error in HeadyError.__subclasses__()}


def _of_code(code: str, message: str, details: dict[str, Any]) -> HeadyError:
    return _BY_CODE[code](message, details)
