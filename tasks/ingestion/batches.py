"""Read a log in pieces of one size, whatever its files look like, while the piece before is at work."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import pyarrow as pa

T = TypeVar("T")


def rechunk(batches: Iterable[pa.RecordBatch], n_rows: int) -> Iterator[pa.Table]:
    """Cut a stream into tables of exactly `n_rows` (the last one shorter), in order."""
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        while held + batch.num_rows >= n_rows:
            head = batch.slice(0, n_rows - held)
            yield pa.Table.from_batches([*waiting, head])
            batch, waiting, held = batch.slice(head.num_rows), [], 0
        if batch.num_rows:
            waiting.append(batch)
            held += batch.num_rows
    if waiting:
        yield pa.Table.from_batches(waiting)


@contextmanager
def ahead(make: Callable[[], Iterator[T]], depth: int = 1) -> Iterator[Iterator[T]]:
    """Run an iterator in a thread of its own, at most `depth` + 1 elements ahead of the reader.

    The thread has ended when the block is left, whether or not everything was read; an error in it is raised
    where the reader waits.
    """
    handover = _Handover[T](depth)
    thread = threading.Thread(target=handover.fill, args=(make,), name="read-ahead", daemon=True)
    thread.start()
    try:
        yield handover.drain()
    finally:
        handover.stop.set()
        thread.join()


class _Handover(Generic[T]):
    def __init__(self, depth: int) -> None:
        self.stop = threading.Event()
        self._queue: queue.Queue[tuple[bool, Any]] = queue.Queue(maxsize=depth)

    def fill(self, make: Callable[[], Iterator[T]]) -> None:
        try:
            for element in make():
                self._put(False, element)
                if self.stop.is_set():
                    return
            self._put(True, None)
        except BaseException as error:  # noqa: BLE001 - handed to the reader, who raises it
            self._put(True, error)

    def drain(self) -> Iterator[T]:
        while True:
            is_last, value = self._queue.get()
            if not is_last:
                yield value
            elif value is None:
                return
            else:
                raise value

    def _put(self, is_last: bool, value: Any) -> None:
        while not self.stop.is_set():
            try:
                self._queue.put((is_last, value), timeout=0.1)
            except queue.Full:
                continue
            return
