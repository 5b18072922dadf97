"""Sends the gateway's own responses as the template declares them, as API Gateway does.

What this does, as AWS documents it: it sends the response declared for the error's
type, or else the default of its class, with its status, headers and template. It
fills in $context.requestId and the authorizer's $context.authorizer in templates and
headers, and headers of the request in headers (docs.aws.amazon.com/apigateway/latest/
developerguide/api-gateway-swagger-extensions-gateway-responses.responseParameters.html).
It supports no other part of the mapping language.

A request has one id: $context.requestId, the id in the function's event and the
x-amzn-RequestId of every response are the same (.../set-up-access-logging.html).
Callers cannot choose it here.

If a function fails, runs out of time or returns something that is not a response, the
caller gets a 502 (repost.aws/knowledge-center/malformed-502-api-gateway). No type of
gateway response has 502 as its status (.../supported-gateway-response-types.html), so
we assume that it is DEFAULT_5XX. API Gateway sends INTEGRATION_TIMEOUT when a function
takes more than 29 seconds. Our functions time out earlier, so this is left out.
"""

import contextvars
import json
import re
import uuid

request_id = contextvars.ContextVar("request_id")


class Answer(tuple):
    """A status, headers and body, with the type of gateway response that it is."""

    kind = None
    context = None  # the authorizer's


class Headers(dict):
    """A response's headers. They keep the engine from replacing the request's id."""

    def __setitem__(self, name, value):
        if name != "x-amzn-requestid":
            super().__setitem__(name, value)


class Failed(Exception):
    """A function returned no response."""


def answer(kind, triple, context=None):
    marked = Answer(triple)
    marked.kind, marked.context = kind, context or {}
    return marked


def apply(gateway):
    original_error, original_deny = gateway._gw_error, gateway._deny_error
    authorize, execute = gateway._authorize_request_v1, gateway._handle_execute_in_scope
    build_event, invoke_proxy = gateway._build_lambda_event_v1, gateway._invoke_lambda_proxy_v1

    def gw_error(status, message):
        if status == 401:
            kind = "UNAUTHORIZED"
        elif message == "Missing Authentication Token":
            kind = "MISSING_AUTHENTICATION_TOKEN"
        else:
            kind = "DEFAULT_5XX" if status >= 500 else "DEFAULT_4XX"
        return answer(kind, original_error(status, message))

    def deny_error(explicit):
        return answer("ACCESS_DENIED", original_deny(explicit))

    async def authorize_request(api_id, stage_name, method_obj, *rest):
        error, context = await authorize(api_id, stage_name, method_obj, *rest)
        if getattr(error, "kind", None) == "ACCESS_DENIED":
            error = answer("ACCESS_DENIED", error, cached_context(api_id, stage_name, method_obj, rest))
        return error, context

    def cached_context(api_id, stage_name, method_obj, rest):
        """Returns the context of the authorizer's denial, which the engine has cached."""
        headers, account, region = rest[3], rest[-2], rest[-1]
        token = gateway._header_ci(headers, "authorization")
        key = (account, region, api_id, method_obj.get("authorizerId"), stage_name, (token,))
        cached = gateway._authorizer_cache.get(key)
        return cached[2] if cached else {}

    def build_lambda_event(*args, **named):
        event = build_event(*args, **named)
        event["requestContext"]["requestId"] = request_id.get()
        return event

    async def call_lambda(function_ref, event, **scope):
        result, error = await gateway._call_lambda_raw(function_ref, event, **scope)
        if error or result.get("error") or not is_response(result.get("body")):
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
        status, answer_headers, body = result
        return status, Headers(answer_headers, **{"x-amzn-requestid": request_id.get()}), body

    gateway._gw_error, gateway._deny_error = gw_error, deny_error
    gateway._authorize_request_v1, gateway._handle_execute_in_scope = authorize_request, execute_in_scope
    gateway._build_lambda_event_v1, gateway._invoke_lambda_proxy_v1 = build_lambda_event, invoke_lambda_proxy
    gateway._call_lambda = call_lambda


def is_response(body):
    """Reports whether a function's result is a response to a request."""
    if isinstance(body, (str, bytes)):
        try:
            body = json.loads(body)
        except ValueError:
            return False
    return isinstance(body, dict) and "statusCode" in body


def render(response, result, request_header):
    """Returns the declared response to a request that ended with result."""
    context = {"requestId": request_id.get()}
    context.update({"authorizer." + name: value for name, value in result.context.items()})

    def fill(text):
        return re.sub(r"\$context\.([A-Za-z.]+)", lambda m: str(context.get(m[1], "")), text)

    headers = {}
    for name, expression in response["responseParameters"].items():
        if expression.startswith("'"):
            value = expression.strip("'")
        elif expression.startswith("method.request.header."):
            value = request_header(expression.removeprefix("method.request.header."))
        else:
            value = fill("$" + expression)
        if value:
            headers[name.removeprefix("gatewayresponse.header.")] = value
    body = fill(response["responseTemplates"].get("application/json", ""))
    return int(response.get("statusCode") or result[0]), headers, body.encode()
