"""Makes the local engine's Lambda quicker; Python reads this file at its start.

For every invocation the engine serves the Lambda runtime API from a server of
its own, and stops it with shutdown(), which waits for the server's next look at
whether it should: half a second by default. All event source mappings share one
thread, so they wait too. Looking more often is all this changes.

When a function's process dies, the engine waits for its answer until the
function's timeout. AWS ends the invocation at once, and so it is here: the dead
process's error is reported in its name.

The engine keeps what a template says of gateway responses and usage plans and does
not use it: what API Gateway answers by itself would not be what a client meets on
AWS. gateway_responses.py and usage_plans.py make it so.
"""

import http.client
import importlib
import importlib.abc
import importlib.machinery
import signal
import socketserver
import subprocess
import sys
import threading

socketserver.BaseServer.serve_forever.__defaults__ = (0.01,)


class _Popen(subprocess.Popen):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        runtime_api = (kwargs.get("env") or {}).get("AWS_LAMBDA_RUNTIME_API")
        if runtime_api:
            threading.Thread(target=self._report_death, args=(runtime_api,), daemon=True).start()

    def _report_death(self, runtime_api):
        status = self.wait()
        if status == -signal.SIGTERM:
            return  # the engine's own way to end a function that has answered
        try:
            connection = http.client.HTTPConnection(runtime_api, timeout=5)
            body = '{"errorMessage": "exited with status %d", "errorType": "Runtime.ExitError"}' % status
            connection.request("POST", "/2018-06-01/runtime/init/error", body)
            connection.getresponse().read()
        except OSError:
            pass  # it had answered, and nobody listens any more


subprocess.Popen = _Popen


class AfterImport(importlib.abc.MetaPathFinder):
    """Changes modules of the engine when they have been loaded."""

    patches = {
        "ministack.app": ["addresses.apply"],
        "ministack.services.apigateway_v1": ["gateway_responses.apply", "usage_plans.apply"],
        "ministack.services.cloudformation.provisioners": ["usage_plans.keep_key_source"],
    }

    def find_spec(self, name, path=None, target=None):
        if name not in self.patches:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            for patch in self.patches[name]:
                file, function = patch.split(".")
                getattr(importlib.import_module(file), function)(module)

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, AfterImport())
