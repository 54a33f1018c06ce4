"""SQLAlchemy's asyncio engine without its ORM, which the whole package would import.

Nothing here maps objects to rows; the ORM would be 6 MB of every process and a tenth of its start.
So the package is entered as a module that has not run, which is enough to import ``engine`` of it.
"""

import sys
from importlib.util import find_spec, module_from_spec

_PACKAGE = "sqlalchemy.ext.asyncio"

if _PACKAGE not in sys.modules and (_spec := find_spec(_PACKAGE)) is not None:
    sys.modules[_PACKAGE] = module_from_spec(_spec)

from sqlalchemy.ext.asyncio.engine import (  # noqa: E402 - only now without the ORM
    AsyncConnection,
    AsyncEngine,
    create_async_engine,
)

__all__ = ["AsyncConnection", "AsyncEngine", "create_async_engine"]
