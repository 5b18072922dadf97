"""Changes the local engine where AWS is otherwise; Python reads this file at its start.

The engine starts a new process for every invocation of a function. AWS keeps a
process and what it holds in memory for the next; warm_functions.py does.

The engine keeps what a template says of gateway responses and usage plans and does
not use it: what API Gateway answers by itself would not be what a client meets on
AWS. gateway_responses.py and usage_plans.py make it so. addresses.py gives the API
an address in which its own references lead somewhere.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys


class AfterImport(importlib.abc.MetaPathFinder):
    """Changes modules of the engine when they have been loaded."""

    patches = {
        "ministack.app": ["addresses.apply"],
        "ministack.services.apigateway_v1": ["gateway_responses.apply", "usage_plans.apply"],
        "ministack.services.cloudformation.provisioners": ["usage_plans.keep_key_source"],
        "ministack.services.lambda_svc": ["warm_functions.apply"],
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
