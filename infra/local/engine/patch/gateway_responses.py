"""Answers that API Gateway gives by itself, as the template declares them.

Known of AWS and done here: the response of the error's own type, or the default
of its class; its status, headers and template; $context.requestId and what the
authorizer said in $context.authorizer, in templates and in headers. Nothing else
of the mapping language is.
"""

import re
import uuid


class Answer(tuple):
    """A status, headers and body, with the type of gateway response it is."""

    kind = None
    said = None  # the authorizer's context


def answer(kind, triple, said=None):
    marked = Answer(triple)
    marked.kind, marked.said = kind, said or {}
    return marked


def apply(gateway):
    plain_error, plain_deny = gateway._gw_error, gateway._deny_error
    authorize, execute = gateway._authorize_request_v1, gateway._handle_execute_in_scope

    def gw_error(status, message):
        if status == 401:
            kind = "UNAUTHORIZED"
        elif message == "Missing Authentication Token":
            kind = "MISSING_AUTHENTICATION_TOKEN"
        else:
            kind = "DEFAULT_5XX" if status >= 500 else "DEFAULT_4XX"
        return answer(kind, plain_error(status, message))

    def deny_error(explicit):
        return answer("ACCESS_DENIED", plain_deny(explicit))

    async def authorize_request(api_id, stage_name, method_obj, *rest):
        error, context = await authorize(api_id, stage_name, method_obj, *rest)
        if getattr(error, "kind", None) == "ACCESS_DENIED":
            error = answer("ACCESS_DENIED", error, said_of(api_id, stage_name, method_obj, rest))
        return error, context

    def said_of(api_id, stage_name, method_obj, rest):
        """What the authorizer said when it denied: the engine keeps it in its cache."""
        headers, account, region = rest[3], rest[-2], rest[-1]
        token = gateway._header_ci(headers, "authorization")
        key = (account, region, api_id, method_obj.get("authorizerId"), stage_name, (token,))
        hit = gateway._authorizer_cache.get(key)
        return hit[2] if hit else {}

    async def execute_in_scope(api_id, *rest):
        result = await execute(api_id, *rest)
        kind = getattr(result, "kind", None)
        if kind is None:
            return result
        declared = gateway._gateway_responses.get(api_id, {})
        default = "DEFAULT_5XX" if result[0] >= 500 else "DEFAULT_4XX"
        response = declared.get(kind) or declared.get(default)
        return render(response, result) if response else result

    gateway._gw_error, gateway._deny_error = gw_error, deny_error
    gateway._authorize_request_v1, gateway._handle_execute_in_scope = authorize_request, execute_in_scope


def render(response, result):
    context = {"requestId": str(uuid.uuid4())}
    context.update({"authorizer." + name: value for name, value in result.said.items()})

    def fill(text):
        return re.sub(r"\$context\.([A-Za-z.]+)", lambda m: str(context.get(m[1], "")), text)

    headers = {}
    for name, expression in response["responseParameters"].items():
        if expression.startswith("'"):
            value = expression.strip("'")
        else:
            value = fill("$" + expression)
        headers[name.removeprefix("gatewayresponse.header.")] = value
    body = fill(response["responseTemplates"].get("application/json", ""))
    return int(response.get("statusCode") or result[0]), headers, body.encode()
