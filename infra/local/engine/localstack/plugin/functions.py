"""Runs functions as processes. LocalStack itself runs each in a Docker container.

LocalStack creates one executor for each execution environment, keeps it for later
invocations and never gives it two at the same time.
"""

import json
import os

from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from execution_environment import Environment


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    name = "process"

    def load(self, *args, **kwargs):
        return ProcessExecutor


class ProcessExecutor(RuntimeExecutor):
    def __init__(self, id, function_version):
        super().__init__(id, function_version)
        self.variables = self.environment = None

    @classmethod
    def prepare_version(cls, function_version):
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        pass  # the next version may have the same code

    def start(self, env_vars):
        self.variables = {**os.environ, **{name: str(value) for name, value in env_vars.items()}}
        self.environment = self.new_environment()

    def new_environment(self):
        folder = str(self.function_version.config.code.get_unzipped_code_location())
        return Environment(folder, {**self.variables, "LAMBDA_TASK_ROOT": folder})

    def invoke(self, payload):
        if self.environment.process.poll() is not None:  # it died while it waited
            self.environment = self.new_environment()
        body, request = payload["payload"], payload["invoke-id"]
        headers = {
            "Lambda-Runtime-Invoked-Function-Arn": payload["invoked-function-arn"],
            "Lambda-Runtime-Trace-Id": payload["trace-id"],
        }
        answer = self.environment.invoke(request, body.encode(), headers, self.function_version.config.timeout)
        result = json.dumps(answer["body"]).encode()
        if not self.environment.usable():
            # LocalStack then gives the environment up, and invokes another one the next time.
            raise StatusErrorException("the function's process ended", payload=result)
        if "error" not in answer and '"eventSource":' in body:
            # The engine's log counts the invocations by queues and streams, see ../../invocations.go.
            print("ESM: Lambda %s processed" % self.function_version.id.function_name, flush=True)
        return InvocationResult(request, result, is_error="error" in answer, logs=self.get_logs())

    def stop(self):
        if self.environment:
            self.environment.process.kill()

    def get_logs(self):
        return "The function's output is in the engine's log."

    def get_address(self):
        return "127.0.0.1"

    def get_endpoint_from_executor(self):
        return "127.0.0.1"

    def get_runtime_endpoint(self):
        return ""  # a container's
