"""Completes the gateway's own responses.

The engine sends the responses that the template declares. What this adds, as AWS
documents it:

$context.authorizer in the response to a denial is the context that the authorizer
returned.

A request has one id: $context.requestId, the id in the function's event and the
x-amzn-RequestId of every response are the same (docs.aws.amazon.com/apigateway/latest/
developerguide/set-up-access-logging.html). Callers cannot choose it here.

If a function fails, runs out of time or returns something that is not a response, the
caller gets a 502 (repost.aws/knowledge-center/malformed-502-api-gateway). No type of
gateway response has 502 as its status (.../supported-gateway-response-types.html), so
we assume that it is DEFAULT_5XX. API Gateway sends INTEGRATION_TIMEOUT when a function
takes more than 29 seconds. Our functions time out earlier, so this is left out.
"""

import contextvars
import json
import re

current = contextvars.ContextVar("current")  # the request that is being served


class Headers(dict):
    """A response's headers. They keep the engine from replacing the request's id."""

    def __setitem__(self, name, value):
        if name != "x-amzn-requestid":
            super().__setitem__(name, value)


class Failed(Exception):
    """A function returned no response."""


def apply(gateway):
    handle, execute, authorize = gateway._handle_execute_in_scope, gateway._execute_in_scope, gateway._authorize_request_v1
    build_event, shape, invoke_proxy = gateway._build_lambda_event_v1, gateway._lambda_proxy_response, gateway._invoke_lambda_proxy_v1
    respond, mapped = gateway._gateway_error_response, gateway._gateway_request_value

    async def handle_execute(*args):
        status, headers, body = await handle(*args)
        return status, Headers(headers, **{"x-amzn-requestid": current.get()["request_id"]}), body

    async def execute_in_scope(request, *args):
        current.set(request)
        return await execute(request, *args)

    async def authorize_request(api_id, stage_name, method_obj, *rest):
        error, context = await authorize(api_id, stage_name, method_obj, *rest)
        if getattr(error, "response_type", None) == "ACCESS_DENIED":
            current.get()["authorizer"] = cached_context(api_id, stage_name, method_obj, rest)
        return error, context

    def cached_context(api_id, stage_name, method_obj, rest):
        """Returns the context of the authorizer's denial, which the engine has cached."""
        headers, account, region = rest[3], rest[-2], rest[-1]
        token = gateway._header_ci(headers, "authorization")
        key = (account, region, api_id, method_obj.get("authorizerId"), stage_name, (token,))
        cached = gateway._authorizer_cache.get(key)
        return cached[2] if cached else {}

    def gateway_error_response(error, request):
        status, headers, body = respond(error, request)

        def value(match):
            return request.get("authorizer", {}).get(match[1].decode(), "").encode()

        return status, headers, re.sub(rb"\$context\.authorizer\.([A-Za-z]+)", value, body)

    def gateway_request_value(source, request):
        if source.startswith("context.authorizer."):
            return request.get("authorizer", {}).get(source.removeprefix("context.authorizer."))
        return mapped(source, request)

    def build_lambda_event(*args, **named):
        event = build_event(*args, **named)
        event["requestContext"]["requestId"] = current.get()["request_id"]
        return event

    def lambda_proxy_response(result):
        if result.get("error") or not is_response(result.get("body")):
            raise Failed
        return shape(result)

    async def invoke_lambda_proxy(*args, **named):
        try:
            return await invoke_proxy(*args, **named)
        except Failed:
            return gateway._gw_error("DEFAULT_5XX", "Internal server error")

    gateway._handle_execute_in_scope, gateway._execute_in_scope, gateway._authorize_request_v1 = handle_execute, execute_in_scope, authorize_request
    gateway._build_lambda_event_v1, gateway._lambda_proxy_response, gateway._invoke_lambda_proxy_v1 = build_lambda_event, lambda_proxy_response, invoke_lambda_proxy
    gateway._gateway_error_response, gateway._gateway_request_value = gateway_error_response, gateway_request_value


def is_response(body):
    """Reports whether a function's result is a response to a request."""
    if isinstance(body, (str, bytes)):
        try:
            body = json.loads(body)
        except ValueError:
            return False
    return isinstance(body, dict) and "statusCode" in body
