"""Keeps the processes of functions from one invocation to the next, as AWS does.

The engine also does that, but it does not freeze a process that waits, prefers a process
that has died to one that is alive, and keeps the output of functions to itself. Here, a
function has as many environments as it had invocations at the same time. An
environment ends when it has waited too long, when its function is deployed again, when
its process dies (which also ends its invocation), and when an invocation takes too long.
What one environment does is in ../behavior/execution_environment.py.
"""

import json
import os
import threading
import time

from execution_environment import Environment, failure

MAX_IDLE = 50  # waiting environments of one function
IDLE_SECONDS = 300  # after which a waiting environment ends


class Function:
    """A function as it is deployed now. The last one in idle is the most recently used."""

    def __init__(self, code, settings):
        self.code, self.settings, self.idle = code, settings, []

    def drop(self, most=0, since=0):
        """Ends idle environments: those beyond the number most, and those idle since before since."""
        while self.idle and (len(self.idle) > most or self.idle[0].idle_since < since):
            self.idle.pop(0).process.kill()


def apply(engine):
    original = engine._execute_function_provided_warm
    functions, lock = {}, threading.Lock()

    def execute(func, event, request_id):
        config, code = func.get("config") or func, func.get("code_zip")
        if not code:
            return original(func, event, request_id)
        try:
            headers = {"Lambda-Runtime-Invoked-Function-Arn": config["FunctionArn"]}
            trace = engine._xray_trace_id_for_invocation(config)
            if trace:
                headers["Lambda-Runtime-Trace-Id"] = trace
            key = config["FunctionArn"], config.get("Version")
            function, environment = take(key, code, settings_of(config))
            if environment is None:
                environment = start(function, config)
            answer = environment.invoke(request_id, json.dumps(event).encode(), headers, config.get("Timeout", 30))
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
            return Environment(folder, {**function.settings[1], "LAMBDA_TASK_ROOT": folder})

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

    engine._execute_function_provided_warm = execute
