"""End with the interpreter what Prefect leaves running: its threads with event loops."""

from prefect._internal.concurrency import threads

SECONDS = 5.0
"""How long a loop may take to end; it has nothing left to do."""


def stop_event_loops() -> None:
    """Stop Prefect's event loops, which are daemon threads, before the interpreter goes down.

    They hold the context of the runs they served, and with it the flow, the modules it uses and DuckDB's types.
    What is held when the interpreter is gone, DuckDB's binding lists on stderr as leaked, in fifty lines.
    """
    for loop_thread in (threads._run_sync_loop, threads._global_loop):  # noqa: SLF001 - nothing public reaches them
        if loop_thread is not None and loop_thread.loop is not None and loop_thread.thread.is_alive():
            loop_thread.loop.call_soon_threadsafe(loop_thread.shutdown)
            loop_thread.thread.join(SECONDS)
