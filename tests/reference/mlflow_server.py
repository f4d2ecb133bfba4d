"""The part of an MLflow tracking server's REST API that runs are written by, on this machine, as strict as the real one."""

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

NAME = re.compile(r"[/\w.\- :]{1,250}")


class RefusedError(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status, self.code = status, code


class _Api(BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer(parse_qs(urlsplit(self.path).query))

    def do_POST(self):
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, given):
        store, what = self.server, urlsplit(self.path).path.removeprefix("/api/2.0/mlflow/")
        store.asked.append(what)
        store.authorization = self.headers["Authorization"]
        if what in store.slow:
            store.free.wait(30)
        status, code = store.refused.get(what, (200, ""))
        body = {"error_code": code, "message": "SECRET"}
        if status == 200:
            try:
                body = getattr(self, "_" + re.sub(r"\W", "_", what))(**given)
            except RefusedError as refused:
                status, body = refused.status, {"error_code": refused.code}
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def _experiments_get_by_name(self, experiment_name):
        if experiment_name[0] not in self.server.experiments:
            raise RefusedError(404, "RESOURCE_DOES_NOT_EXIST")
        return {"experiment": {"experiment_id": experiment_name[0], "name": experiment_name[0]}}

    def _experiments_create(self, name):
        self.server.experiments.add(name)
        return {"experiment_id": name}

    def _runs_search(self, experiment_ids, filter, max_results):  # noqa: A002 - MLflow's name
        key, value = re.fullmatch(r"tags\.(\w+) = '(.*)'", filter).groups()
        found = [
            {"info": run["info"]}
            for run in self.server.runs
            if run["info"]["experiment_id"] in experiment_ids and run["tags"].get(key) == value
        ]
        return {"runs": found[:max_results]} if found else {}

    def _runs_create(self, experiment_id, start_time, run_name, tags):
        info = {"experiment_id": experiment_id, "run_name": run_name, "status": "RUNNING"}
        info["run_id"] = f"run{len(self.server.runs)}"
        self.server.runs.append({"info": info, "tags": self._pairs(tags), "params": {}, "metrics": {}})
        return {"run": {"info": info}}

    def _runs_log_batch(self, run_id, metrics, params):
        if len(params) > 100 or len(metrics) + len(params) > 1000:
            raise RefusedError(400, "INVALID_PARAMETER_VALUE")
        run = self._run(run_id)
        for each in metrics:
            assert isinstance(each["value"], float | int)
        for key, value in self._pairs(params).items():
            if run["params"].setdefault(key, value) != value:
                raise RefusedError(400, "INVALID_PARAMETER_VALUE")
        run["metrics"] |= self._pairs(metrics)
        return {}

    def _runs_update(self, run_id, status, end_time):
        self._run(run_id)["info"]["status"] = status
        return {}

    def _run(self, run_id):
        return next(run for run in self.server.runs if run["info"]["run_id"] == run_id)

    def _pairs(self, given):
        if not all(NAME.fullmatch(each["key"]) for each in given):
            raise RefusedError(400, "INVALID_PARAMETER_VALUE")
        if len({each["key"] for each in given}) < len(given):
            raise RefusedError(400, "INVALID_PARAMETER_VALUE")
        return {each["key"]: each["value"] for each in given}

    def log_message(self, *_):
        pass


@contextmanager
def tracking_server(refused=None, slow=()):
    """A server that keeps ``runs`` and ``experiments``; it refuses, or is slow to answer, what it is told to.

    Gives the server; its address is ``uri``.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    server.daemon_threads = True
    server.uri = f"http://127.0.0.1:{server.server_port}"
    server.runs, server.experiments, server.asked, server.authorization = [], set(), [], None
    server.refused, server.slow, server.free = refused or {}, slow, threading.Event()
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.free.set()
            server.shutdown()
            thread.join()
