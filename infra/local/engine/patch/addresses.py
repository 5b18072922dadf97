"""Serves the API at /<stage>, so that the links in its responses work.

On AWS a stage is at https://<api>.execute-api.<region>.amazonaws.com/<stage>, and the
links in responses (Location, the types of problems) start with /<stage>. The engine's
own address without a host name, /restapis/<api>/<stage>/_user_request_, breaks them.
Here, a path that starts with /<stage> leads to the API that has a stage of that name,
unless it is already one of the engine's own API addresses.
"""


def apply(app):
    original = app._parse_execute_api_url

    def parse_execute_api_url(host, path):
        found = original(host, path)
        if found:
            return found
        stage, _, rest = path.lstrip("/").partition("/")
        gateway = app._get_module("apigateway_v1")
        for (_, _, api_id), stages in list(gateway._stages_v1.all_items()):
            if stage in stages:
                return api_id, stage, "/" + rest
        return None

    app._parse_execute_api_url = parse_execute_api_url
