"""Answers that API Gateway gives by itself, as the template declares them.

Known of AWS and done here: the response of the error's own type, or the default
of its class; its status, headers and template; $context.requestId and what the
authorizer said in $context.authorizer, in templates and in headers; headers of the
request in headers (docs.aws.amazon.com/apigateway/latest/developerguide/
api-gateway-swagger-extensions-gateway-responses.responseParameters.html). Nothing
else of the mapping language is.

A request has one id, which $context.requestId is, the function is told, and every
answer has as x-amzn-RequestId (.../set-up-access-logging.html). Callers cannot
choose it here.

A function that fails, runs out of time or answers what is no answer is a 502
(repost.aws/knowledge-center/malformed-502-api-gateway). No type of gateway response
has 502 for its own (.../supported-gateway-response-types.html), so it is taken to be
DEFAULT_5XX. INTEGRATION_TIMEOUT is what API Gateway gives up on by itself, after 29
seconds; our function's own time is over before, so that is not done.
"""

import contextvars
import json
import re
import uuid

request_id = contextvars.ContextVar("request_id")


class Answer(tuple):
    """A status, headers and body, with the type of gateway response it is."""

    kind = None
    said = None  # the authorizer's context


class Headers(dict):
    """An answer's headers. The engine would put another id over the request's."""

    def __setitem__(self, name, value):
        if name != "x-amzn-requestid":
            super().__setitem__(name, value)


class Failed(Exception):
    """A function gave no answer."""


def answer(kind, triple, said=None):
    marked = Answer(triple)
    marked.kind, marked.said = kind, said or {}
    return marked


def apply(gateway):
    plain_error, plain_deny = gateway._gw_error, gateway._deny_error
    authorize, execute = gateway._authorize_request_v1, gateway._handle_execute_in_scope
    build_event, invoke_proxy = gateway._build_lambda_event_v1, gateway._invoke_lambda_proxy_v1

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

    def build_lambda_event(*args, **named):
        event = build_event(*args, **named)
        event["requestContext"]["requestId"] = request_id.get()
        return event

    async def call_lambda(function_ref, event, **scope):
        result, error = await gateway._call_lambda_raw(function_ref, event, **scope)
        if error or result.get("error") or not is_answer(result.get("body")):
            raise Failed
        from ministack.services import lambda_svc

        return lambda_svc.lambda_execute_result_to_api_proxy_response(result)

    async def invoke_lambda_proxy(*args, **named):
        try:
            return await invoke_proxy(*args, **named)
        except Failed:
            return gw_error(502, "Internal server error")

    async def execute_in_scope(api_id, stage_name, method, path, headers, *rest):
        request_id.set(str(uuid.uuid4()))
        result = await execute(api_id, stage_name, method, path, headers, *rest)
        kind = getattr(result, "kind", None)
        if kind is not None:
            declared = gateway._gateway_responses.get(api_id, {})
            default = "DEFAULT_5XX" if result[0] >= 500 else "DEFAULT_4XX"
            response = declared.get(kind) or declared.get(default)
            result = render(response, result, lambda name: gateway._header_ci(headers, name)) if response else result
        status, answered, body = result
        return status, Headers(answered, **{"x-amzn-requestid": request_id.get()}), body

    gateway._gw_error, gateway._deny_error = gw_error, deny_error
    gateway._authorize_request_v1, gateway._handle_execute_in_scope = authorize_request, execute_in_scope
    gateway._build_lambda_event_v1, gateway._invoke_lambda_proxy_v1 = build_lambda_event, invoke_lambda_proxy
    gateway._call_lambda = call_lambda


def is_answer(body):
    """Whether a function's result says what to answer."""
    if isinstance(body, (str, bytes)):
        try:
            body = json.loads(body)
        except ValueError:
            return False
    return isinstance(body, dict) and "statusCode" in body


def render(response, result, sent):
    context = {"requestId": request_id.get()}
    context.update({"authorizer." + name: value for name, value in result.said.items()})

    def fill(text):
        return re.sub(r"\$context\.([A-Za-z.]+)", lambda m: str(context.get(m[1], "")), text)

    headers = {}
    for name, expression in response["responseParameters"].items():
        if expression.startswith("'"):
            value = expression.strip("'")
        elif expression.startswith("method.request.header."):
            value = sent(expression.removeprefix("method.request.header."))
        else:
            value = fill("$" + expression)
        if value:
            headers[name.removeprefix("gatewayresponse.header.")] = value
    body = fill(response["responseTemplates"].get("application/json", ""))
    return int(response.get("statusCode") or result[0]), headers, body.encode()
