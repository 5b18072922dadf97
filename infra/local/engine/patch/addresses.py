"""The API's address has its stage in front, as on AWS, and no more.

There a stage is at https://<api>.execute-api.<region>.amazonaws.com/<stage>, and what
the API says of itself begins with it: Location, the types of problems. The engine's
own address that needs no name of its own, /restapis/<api>/<stage>/_user_request_,
leads such a reference to nowhere. Here /<stage> leads to the API that has a stage of
that name, unless a service of the engine is there.
"""


def apply(app):
    plain = app._parse_execute_api_url

    def parse_execute_api_url(host, path):
        found = plain(host, path)
        if found:
            return found
        stage, _, rest = path.lstrip("/").partition("/")
        gateway = app._get_module("apigateway_v1")
        for (_, _, api_id), stages in list(gateway._stages_v1.all_items()):
            if stage in stages:
                return api_id, stage, "/" + rest
        return None

    app._parse_execute_api_url = parse_execute_api_url
