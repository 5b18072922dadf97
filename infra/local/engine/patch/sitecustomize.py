"""Patches the local engine where it differs from AWS. Python runs this file at its start.

README.md says what each patch is for and when it can go.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys


class AfterImport(importlib.abc.MetaPathFinder):
    """Patches modules of the engine right after their import."""

    patches = {
        "ministack.app": ["addresses.apply"],
        "ministack.services.apigateway_v1": ["gateway_responses.apply", "usage_plans.apply"],
        "ministack.services.lambda_svc": ["warm_functions.apply"],
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
