"""The look-up service of a test: a real server on loopback, in a thread of this process."""

import socket
import threading
import time
from contextlib import contextmanager

import httpx
import uvicorn

from tasks.serving.run import SERVER


@contextmanager
def running(app):
    """A client of an application that answers over HTTP."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", **SERVER))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()
