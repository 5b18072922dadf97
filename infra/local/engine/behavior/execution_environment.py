"""An execution environment of a Lambda function, as AWS documents it, for either engine.

An environment is a process of a function. It serves one invocation at a time and keeps
its memory until the next. While it waits, it is frozen. An invocation ends when the
process has answered and asks for more work, when the process dies and when the time is
over. The process's output goes to the engine's log.

Two things differ from AWS: the start of a process counts toward the first invocation's
time, and a result is passed on only when the process asks for more work.
"""

import functools
import http.server
import json
import os
import queue
import signal
import socketserver
import subprocess
import threading
import time
import uuid

environments = {}  # by the name in the address of their runtime API


class Environment:
    """A process. The queue work has its next invocations, the queue news its messages."""

    def __init__(self, folder, variables):
        name = uuid.uuid4().hex
        environments[name] = self
        self.work, self.news = queue.SimpleQueue(), queue.SimpleQueue()
        self.request = self.idle_since = None
        address = "%s:%d/%s" % (*runtime_api().server_address, name)
        variables = {**variables, "AWS_LAMBDA_RUNTIME_API": address, "AWS_LAMBDA_LOG_STREAM_NAME": name}
        # It writes to the engine's output. A pipe that nobody reads would block it.
        self.process = subprocess.Popen([os.path.join(folder, "bootstrap")], cwd=folder, env=variables)
        threading.Thread(target=self.await_exit, args=(name,), daemon=True).start()

    def await_exit(self, name):
        status = self.process.wait()
        del environments[name]
        self.news.put(("failed", failure("Runtime.ExitError", "exited with status %d" % status)))
        self.work.put(None)

    def invoke(self, request, payload, headers, seconds):
        """Returns the result once the process asks for more work, ends or is out of time."""
        self.request, self.idle_since, answer = request, None, None
        until = time.monotonic() + seconds
        headers["Lambda-Runtime-Aws-Request-Id"] = self.request
        headers["Lambda-Runtime-Deadline-Ms"] = str(int((time.time() + seconds) * 1000))
        self.work.put((payload, headers))
        self.process.send_signal(signal.SIGCONT)
        while True:
            try:
                kind, result = self.news.get(timeout=max(0, until - time.monotonic()))
            except queue.Empty:
                return answer or failure("Runtime.ExitError", "Lambda timed out after %ss" % seconds)
            if kind == "failed":
                return answer or result
            if kind == "answered":
                answer = result
            elif answer:  # a new process also asks before its first result
                self.process.send_signal(signal.SIGSTOP)
                self.idle_since = time.monotonic()
                return answer

    def usable(self):
        return self.idle_since is not None and self.process.poll() is None


def failure(kind, message):
    return {"body": {"errorMessage": message, "errorType": kind}, "error": True}


@functools.cache
def runtime_api():
    """Returns the server of Lambda's runtime API for all environments. The first call starts it."""
    server = Server(("127.0.0.1", 0), RuntimeAPI)
    threading.Thread(target=server.serve_forever, args=(60,), daemon=True).start()
    return server


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # the process died during a request


class RuntimeAPI(http.server.BaseHTTPRequestHandler):
    """Lambda's runtime API. The address has the name of the environment."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *args):
        pass

    def do_GET(self):
        environment, call = self.asked()
        if environment is None or call != ["invocation", "next"]:
            return self.reply(404)
        environment.news.put(("asks", None))
        work = environment.work.get()
        if work is None:
            self.close_connection = True
        else:
            self.reply(200, *work)

    def do_POST(self):
        body = self.body()
        environment, call = self.asked()
        try:
            body = json.loads(body)
        except ValueError:
            body = body.decode(errors="replace")
        error = {"body": body, "error": True} if isinstance(body, dict) else failure("Runtime.HandlerError", str(body))
        if environment and call == ["invocation", environment.request, "response"]:
            environment.news.put(("answered", {"body": body}))
        elif environment and call == ["invocation", environment.request, "error"]:
            environment.news.put(("answered", error))
        elif environment and call == ["init", "error"]:
            environment.news.put(("failed", error))
        else:
            return self.reply(404)
        self.reply(202)

    def asked(self):
        _, name, _, _, *call = self.path.split("/")
        return environments.get(name), call

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(parts)

    def read(self, size):
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionError("the request body is incomplete")
        return data

    def reply(self, status, body=b"", headers={}):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
