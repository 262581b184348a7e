"""pandas, imported when the first result is made: until then, and in a process that only counts, none needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
else:

    class _Pandas:
        def __getattr__(self, name: str) -> Any:
            import pandas

            return getattr(pandas, name)

    pd = _Pandas()

__all__ = ["load", "pd"]


def load() -> None:
    """Imports pandas now, while there is nothing else to do."""
    import pandas  # noqa: F401
