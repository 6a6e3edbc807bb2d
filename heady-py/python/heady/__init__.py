"""The Heady engine: registry, durable pipelines, Monte Carlo and audit over SQLite or PostgreSQL.

>>> import heady
>>> with heady.connect("sqlite::memory:") as engine:
...     engine.registry.register_service("manager", base_url="http://localhost:3301").status
'UNKNOWN'

Every call blocks until it is done, releases the interpreter meanwhile and can be interrupted with Ctrl-C. From
asyncio, use ``await asyncio.to_thread(engine.pipeline.run, path="pipeline.yaml")``. The engine has threads of its
own: start worker processes with the ``spawn`` method, not with ``fork``. In a fork the engines of its parent refuse
every call, and closing them does nothing.
"""

import atexit as _atexit
import weakref as _weakref

from . import _heady as _native
from . import errors as errors
from ._asgi import asgi as asgi
from ._heady import *  # noqa: F403
from ._heady import Heady
from .errors import *  # noqa: F403

for _name in _native.__all__:
    _class = getattr(_native, _name)
    # Those of results do not know which package they are in.
    if isinstance(_class, type):
        _class.__module__ = __name__
del _class, _name

_open: "_weakref.WeakSet[Heady]" = _weakref.WeakSet()


@_atexit.register
def _close_all() -> None:
    """Hands runs back before the interpreter, and with it every handler, is gone."""
    for engine in list(_open):
        engine.close()
