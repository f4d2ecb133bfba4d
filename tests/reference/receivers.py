"""Receivers of notifications on this machine: one that takes JSON, and a mail server."""

import json
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_):
        pass


class _Mail(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 here\r\n")
        lines = None
        for raw in self.rfile:
            line = raw.rstrip(b"\r\n")
            if lines is not None:
                if line == b".":
                    self.server.got.append(b"\n".join(lines).decode())
                    lines = None
                    self.wfile.write(b"250 taken\r\n")
                else:
                    lines.append(line)
                continue
            word = line[:4].upper()
            if word == b"DATA":
                lines = []
            self.wfile.write({b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 ok\r\n"))
            if word == b"QUIT":
                return


@contextmanager
def _serving(server):
    server.got = []
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def hook(status=200):
    """A server that keeps the JSON it gets in ``got``, and answers with `status`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    server.status = status
    return _serving(server)


def mailbox():
    """A mail server without TLS that keeps the mails it gets in ``got``."""
    return _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail))
