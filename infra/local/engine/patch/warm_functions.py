"""Keeps the processes of functions from one invocation to the next, as AWS does.

An execution environment is a process of a function. It serves one invocation at
a time, and what it holds in memory is there at the next. A function has as many
as it has had invocations at once; those that wait are frozen. One ends when it
has waited for long, when its function is deployed anew, when it dies, which ends
its invocation too, and when that takes too long. What it prints is in the
engine's log.

Not as on AWS: starting is part of the first invocation's time, and an answer is
passed on only when the process asks for more. Left out is the engine's count of
functions that call one another, which a Go program could not send along anyway.
"""

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

IDLE_MOST = 50  # environments of one function that wait
IDLE_SECONDS = 300  # that one waits

environments = {}  # by the name that is in the address they ask


class Environment:
    """A process. What it is to do is in work, and what it says in news."""

    def __init__(self, folder, variables, server):
        name = uuid.uuid4().hex
        environments[name] = self
        self.work, self.news = queue.SimpleQueue(), queue.SimpleQueue()
        self.request = self.idle_since = None
        address = "%s:%d/%s" % (*server.server_address, name)
        variables = {**variables, "AWS_LAMBDA_RUNTIME_API": address, "AWS_LAMBDA_LOG_STREAM_NAME": name}
        # It prints where the engine does. A pipe that nobody empties would stop it.
        self.process = subprocess.Popen([os.path.join(folder, "bootstrap")], cwd=folder, env=variables)
        threading.Thread(target=self.bury, args=(name,), daemon=True).start()

    def bury(self, name):
        status = self.process.wait()
        del environments[name]
        self.news.put(("failed", failure("Runtime.ExitError", "exited with status %d" % status)))
        self.work.put(None)

    def invoke(self, event, headers, seconds):
        """Returns the answer when the process asks for more work, or cannot."""
        self.request, self.idle_since, answer = str(uuid.uuid4()), None, None
        until = time.monotonic() + seconds
        headers["Lambda-Runtime-Aws-Request-Id"] = self.request
        headers["Lambda-Runtime-Deadline-Ms"] = str(int((time.time() + seconds) * 1000))
        self.work.put((json.dumps(event).encode(), headers))
        self.process.send_signal(signal.SIGCONT)
        while True:
            try:
                what, said = self.news.get(timeout=max(0, until - time.monotonic()))
            except queue.Empty:
                return answer or failure("Runtime.ExitError", "Lambda timed out after %ss" % seconds)
            if what == "failed":
                return answer or said
            if what == "answered":
                answer = said
            elif answer:  # a new process asks before it answers, too
                self.process.send_signal(signal.SIGSTOP)
                self.idle_since = time.monotonic()
                return answer

    def usable(self):
        return self.idle_since is not None and self.process.poll() is None


class Function:
    """A function as it is deployed now. Of idle, the last has served last."""

    def __init__(self, code, settings):
        self.code, self.settings, self.idle = code, settings, []

    def drop(self, most=0, since=0):
        """Ends idle ones: all but so many, and those that have waited longer."""
        while self.idle and (len(self.idle) > most or self.idle[0].idle_since < since):
            self.idle.pop(0).process.kill()


def failure(kind, message):
    return {"body": {"errorMessage": message, "errorType": kind}, "error": True}


def apply(engine):
    plain = engine._execute_function_provided
    server = Server(("127.0.0.1", 0), RuntimeAPI)
    threading.Thread(target=server.serve_forever, args=(60,), daemon=True).start()
    functions, lock = {}, threading.Lock()

    def execute(func, event):
        config, code = func.get("config") or func, func.get("code_zip")
        if not code or engine._durable_ctx.get():
            return plain(func, event)
        try:
            headers = {"Lambda-Runtime-Invoked-Function-Arn": config["FunctionArn"]}
            trace = engine._xray_trace_id_for_invocation(config)
            if trace:
                headers["Lambda-Runtime-Trace-Id"] = trace
            key = config["FunctionArn"], config.get("Version")
            function, environment = take(key, code, settings_of(config))
            if environment is None:
                environment = start(function, config)
            answer = environment.invoke(event, headers, config.get("Timeout", 30))
            give_back(key, function, environment)
            return answer
        except Exception as e:
            engine.logger.exception("invoking %s", config.get("FunctionName"))
            return failure(type(e).__name__, str(e))

    def take(key, code, settings):
        with lock:
            for function in functions.values():
                function.drop(IDLE_MOST, time.monotonic() - IDLE_SECONDS)
            function = functions.get(key)
            if function is None or function.code is not code or function.settings != settings:
                if function:
                    function.drop()
                function = functions[key] = Function(code, settings)
            while function.idle:
                environment = function.idle.pop()
                if environment.usable():
                    return function, environment
            return function, None

    def give_back(key, function, environment):
        with lock:
            if functions[key] is function and environment.usable():
                function.idle.append(environment)
            else:
                environment.process.kill()

    def start(function, config):
        engine.logger.info("Lambda %s: a new execution environment", config["FunctionName"])
        folder = engine._provided_runtime_code_dir(function.code)
        # Nobody can run a file that a process has open for writing, and one that
        # starts while code is unpacked has it open.
        with engine._provided_code_lock:
            return Environment(folder, {**function.settings[1], "LAMBDA_TASK_ROOT": folder}, server)

    def settings_of(config):
        """What an environment starts with; another revision has new ones at once."""
        account, region = engine._account_region_from_function_config(config)
        variables = {
            **os.environ,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
            "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
            "_HANDLER": config.get("Handler", "bootstrap"),
            **engine._runtime_env_vars(config),
            "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],  # this engine, whatever a function is told
        }
        return config.get("RevisionId"), variables

    engine._execute_function_provided = execute


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # the process has died while it spoke


class RuntimeAPI(http.server.BaseHTTPRequestHandler):
    """Lambda's runtime API, at an address that names the environment."""

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
        said = self.body()
        environment, call = self.asked()
        try:
            said = json.loads(said)
        except ValueError:
            said = said.decode(errors="replace")
        error = {"body": said, "error": True} if isinstance(said, dict) else failure("Runtime.HandlerError", str(said))
        if environment and call == ["invocation", environment.request, "response"]:
            environment.news.put(("answered", {"body": said}))
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
            raise ConnectionError("half an answer")
        return data

    def reply(self, status, body=b"", headers={}):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
