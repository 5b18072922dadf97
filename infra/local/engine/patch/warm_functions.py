"""Keeps the processes of functions from one invocation to the next, as AWS does.

An execution environment is a process of a function. It serves one invocation at a
time and keeps its memory until the next. A function has as many environments as it had
invocations at the same time. While an environment waits, it is frozen. It ends when it
has waited too long, when its function is deployed again, when its process dies (which
also ends its invocation), and when an invocation takes too long. Its output goes to
the engine's log.

Two things differ from AWS: the start of a process counts toward the first invocation's
time, and a result is passed on only when the process asks for more work. Left out is
the engine's count of functions that invoke each other, which a Go program could not
pass on anyway.
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

MAX_IDLE = 50  # waiting environments of one function
IDLE_SECONDS = 300  # after which a waiting environment ends

environments = {}  # by the name in the address of their runtime API


class Environment:
    """A process. The queue work has its next invocations, the queue news its messages."""

    def __init__(self, folder, variables, server):
        name = uuid.uuid4().hex
        environments[name] = self
        self.work, self.news = queue.SimpleQueue(), queue.SimpleQueue()
        self.request = self.idle_since = None
        address = "%s:%d/%s" % (*server.server_address, name)
        variables = {**variables, "AWS_LAMBDA_RUNTIME_API": address, "AWS_LAMBDA_LOG_STREAM_NAME": name}
        # It writes to the engine's output. A pipe that nobody reads would block it.
        self.process = subprocess.Popen([os.path.join(folder, "bootstrap")], cwd=folder, env=variables)
        threading.Thread(target=self.await_exit, args=(name,), daemon=True).start()

    def await_exit(self, name):
        status = self.process.wait()
        del environments[name]
        self.news.put(("failed", failure("Runtime.ExitError", "exited with status %d" % status)))
        self.work.put(None)

    def invoke(self, event, headers, seconds):
        """Returns the result once the process asks for more work, ends or is out of time."""
        self.request, self.idle_since, answer = str(uuid.uuid4()), None, None
        until = time.monotonic() + seconds
        headers["Lambda-Runtime-Aws-Request-Id"] = self.request
        headers["Lambda-Runtime-Deadline-Ms"] = str(int((time.time() + seconds) * 1000))
        self.work.put((json.dumps(event).encode(), headers))
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


class Function:
    """A function as it is deployed now. The last one in idle is the most recently used."""

    def __init__(self, code, settings):
        self.code, self.settings, self.idle = code, settings, []

    def drop(self, most=0, since=0):
        """Ends idle environments: those beyond the number most, and those idle since before since."""
        while self.idle and (len(self.idle) > most or self.idle[0].idle_since < since):
            self.idle.pop(0).process.kill()


def failure(kind, message):
    return {"body": {"errorMessage": message, "errorType": kind}, "error": True}


def apply(engine):
    original = engine._execute_function_provided
    server = Server(("127.0.0.1", 0), RuntimeAPI)
    threading.Thread(target=server.serve_forever, args=(60,), daemon=True).start()
    functions, lock = {}, threading.Lock()

    def execute(func, event):
        config, code = func.get("config") or func, func.get("code_zip")
        if not code or engine._durable_ctx.get():
            return original(func, event)
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
                function.drop(MAX_IDLE, time.monotonic() - IDLE_SECONDS)
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
        # A file cannot be executed while a process has it open for writing, and a
        # process that is forked while code is unpacked has it open.
        with engine._provided_code_lock:
            return Environment(folder, {**function.settings[1], "LAMBDA_TASK_ROOT": folder}, server)

    def settings_of(config):
        """Returns the function's revision and its environment variables. A new revision gets new environments."""
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
            "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],  # always this engine, whatever the function's settings say
        }
        return config.get("RevisionId"), variables

    engine._execute_function_provided = execute


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
