"""Read a log in pieces of one size, whatever its files look like, while the piece before is at work."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

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
    handover: queue.Queue[tuple[str, T | BaseException | None]] = queue.Queue(maxsize=depth)
    stop = threading.Event()

    def put(kind: str, value: T | BaseException | None) -> None:
        while not stop.is_set():
            try:
                handover.put((kind, value), timeout=0.1)
            except queue.Full:
                continue
            return

    def work() -> None:
        try:
            for element in make():
                put("element", element)
                if stop.is_set():
                    return
            put("end", None)
        except BaseException as error:  # noqa: BLE001 - handed to the reader, who raises it
            put("error", error)

    def read() -> Iterator[T]:
        while True:
            kind, value = handover.get()
            if kind == "error":
                assert isinstance(value, BaseException)
                raise value
            if kind == "end":
                return
            yield value  # type: ignore[misc]

    thread = threading.Thread(target=work, name="read-ahead", daemon=True)
    thread.start()
    try:
        yield read()
    finally:
        stop.set()
        thread.join()
