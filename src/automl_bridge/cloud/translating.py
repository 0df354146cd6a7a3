"""One way to turn what an SDK raises into the errors of this package; each adapter has its own table of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from automl_bridge.errors import AutoMLBridgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from automl_bridge.errors import BackendError

__all__ = ["translating"]


def translating(
    translate: Callable[[BaseException, str], BackendError],
    modules: frozenset[str],
    further: tuple[type[Exception], ...] = (ConnectionError,),
) -> Callable[[str], AbstractContextManager[None]]:
    """Return a context manager that translates what an SDK raises inside it; errors of this package pass as they are.

    Parameters
    ----------
    translate
        Returns the error for what was raised, and what was being done.
    modules
        Top-level packages whose exceptions are the SDK's.
    further
        Exceptions of Python's own that stand for the network as well. Any other is a mistake, and stays what it is.
    """

    def is_of_sdk(error: Exception) -> bool:
        return isinstance(error, further) or bool(
            modules & {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
        )

    @contextmanager
    def translated(doing: str) -> Iterator[None]:
        try:
            yield
        except AutoMLBridgeError:
            raise
        except Exception as error:
            if not is_of_sdk(error):
                raise
            raise translate(error, doing) from error

    return translated
