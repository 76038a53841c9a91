"""Calls on a Dask cluster, which end in an error soon after the scheduler or the last worker has ended."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mer.errors import MerError

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 10  # for a scheduler to answer
WORKER_SECONDS = 15  # without any worker; one that a nanny restarts is back sooner
LOOK_SECONDS = 1
CLOSE_SECONDS = 2
AGAIN = "and run again; finished items are not computed again"


@contextmanager
def connected(address: str) -> Iterator["Client"]:
    """A client of the scheduler at ``address``, such as ``tcp://host:8786``.

    Raises
    ------
    MerError
        If none answers there, or it ends during the block.
    """
    from distributed import CancelledError, Client

    for name in ("distributed", "distributed.client"):
        # The sentence of the error says what is lost.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, set_as_default=True, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise MerError(
            f"MER_DASK must be the address of a running Dask scheduler, such as tcp://host:8786, and "
            f"{address!r} does not answer ({error}); start one there, or unset MER_DASK"
        ) from error
    try:
        yield client
    except CancelledError as error:
        raise MerError(
            f"the Dask scheduler {address} must run until the end, and has ended; start one {AGAIN}"
        ) from error
    finally:
        client.close(timeout=CLOSE_SECONDS)


def results(
    client: "Client", function: Callable[[Any], Any], items: Sequence[Any]
) -> Iterator[Any]:
    """The result of ``function`` for every item, in their order.

    Raises
    ------
    MerError
        If there has been no worker for ``WORKER_SECONDS``, or an item has ended the workers that had it.
    """
    from distributed import KilledWorker

    waiting = client.map(function, list(items), pure=False)[::-1]
    while waiting:
        future = waiting.pop()  # the cluster forgets the result of a future that is gone
        _wait(client, future)
        try:
            yield future.result()
        except KilledWorker as error:
            raise MerError(
                "the workers of the Dask cluster must survive, and one item has ended several of them, "
                f"mostly for lack of memory ({error}); give them more {AGAIN}"
            ) from error


def _wait(client: "Client", future: "Future") -> None:
    """Wait for a result while there are workers."""
    from distributed import wait

    seen = time.monotonic()
    while not future.done():
        try:
            wait(future, timeout=LOOK_SECONDS)
        except TimeoutError:
            now = time.monotonic()
            seen = now if client.scheduler_info()["workers"] else seen
            if now - seen > WORKER_SECONDS:
                raise MerError(
                    f"the Dask cluster must have workers, and has had none for {WORKER_SECONDS} s; start "
                    f"some with `dask worker <address of the scheduler>` {AGAIN}"
                ) from None
