"""Asks a method's Lambda authorizer, as API Gateway does. LocalStack only stores authorizers.

What this does, as AWS documents it, for an authorizer of the type TOKEN
(docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html):
a request without the token is UNAUTHORIZED, and so is one for which the authorizer fails
with the message "Unauthorized". Any other failure is AUTHORIZER_FAILURE. A policy that
does not allow the method is ACCESS_DENIED. The result is kept for the authorizer's
time, by its token.
"""

import fnmatch
import json
import threading
import time

from localstack.aws.connect import connect_to
from localstack.services.apigateway.next_gen.execute_api.gateway_response import (
    AccessDeniedError,
    AuthorizerFailureError,
    UnauthorizedError,
)
from localstack.services.apigateway.next_gen.execute_api.helpers import get_lambda_function_arn_from_invocation_uri

cache, lock = {}, threading.Lock()  # until when, and the result


def authorize(chain, context, response):
    method = context.resource_method
    if method.get("authorizationType") != "CUSTOM":
        return
    authorizer = context.deployment.rest_api.authorizers[method["authorizerId"]]
    header = authorizer["identitySource"].removeprefix("method.request.header.")
    token = context.invocation_request["headers"].get(header)
    if not token:
        raise UnauthorizedError("Unauthorized")

    arn = "arn:aws:execute-api:%s:%s:%s/%s/%s/%s" % (
        context.region,
        context.account_id,
        context.api_id,
        context.stage,
        context.invocation_request["http_method"],
        context.invocation_request["path"].lstrip("/"),
    )
    result = remembered(authorizer, context, token, arn)
    context.context_variables["authorizer"] = {**(result.get("context") or {}), "principalId": result.get("principalId")}
    if not allows(result.get("policyDocument") or {}, arn):
        raise AccessDeniedError("User is not authorized to access this resource")
    context.context_variables["identity"]["apiKey"] = result.get("usageIdentifierKey")


def remembered(authorizer, context, token, arn):
    """Returns the authorizer's result for the token. It asks the function only if it has no fresh one."""
    key, now = (context.api_id, context.stage, authorizer["id"], token), time.monotonic()
    with lock:
        until, result = cache.get(key, (0, None))
    if now < until:
        return result
    result = ask(authorizer, context.region, {"type": "TOKEN", "authorizationToken": token, "methodArn": arn})
    with lock:
        for old in [old for old, (until, _) in cache.items() if until <= now]:
            del cache[old]
        cache[key] = now + authorizer["authorizerResultTtlInSeconds"], result
    return result


def ask(authorizer, region, event):
    function = get_lambda_function_arn_from_invocation_uri(authorizer["authorizerUri"])
    called = connect_to(region_name=region).lambda_.invoke(FunctionName=function, Payload=json.dumps(event))
    result = json.loads(called["Payload"].read())
    if "FunctionError" not in called and isinstance(result, dict):
        return result
    if isinstance(result, dict) and result.get("errorMessage") == "Unauthorized":
        raise UnauthorizedError("Unauthorized")
    raise AuthorizerFailureError("Internal server error")


def allows(policy, arn):
    """Reports whether a policy allows calling the method: at least one statement does, and none denies it."""
    effects = [s["Effect"] for s in policy.get("Statement", []) if any(fnmatch.fnmatchcase(arn, r) for r in listed(s["Resource"]))]
    return "Allow" in effects and "Deny" not in effects


def listed(value):
    return value if isinstance(value, list) else [value]
