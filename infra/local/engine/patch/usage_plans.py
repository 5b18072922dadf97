"""Limits the rate at which each API key is used, as API Gateway's usage plans do.

What this does, as AWS documents it, for an API that takes its keys from its authorizer
(docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html):

A key can be given a value of 20 to 128 letters and digits, which no other key may
have, and a plan has a key only once. A method that requires a key uses the one that
the authorizer returns as usageIdentifierKey. The key must be enabled and in a plan of
the stage; otherwise the response is INVALID_API_KEY. The plan's throttle is a token
bucket for each key, and the response is THROTTLED when the bucket is empty
(.../api-gateway-api-usage-plans.html). The key is cached together with the
authorizer's policy.

AWS limits on a best-effort basis and may let more requests through; this is exact. Left
out are quotas, throttles of single methods and keys from the header X-API-Key.
"""

import json
import re
import time

from gateway_responses import answer

KEY = "usageIdentifierKey"


def apply(gateway):
    create_key, create_plan_key = gateway._create_api_key, gateway._create_usage_plan_key
    authorize, invoke_authorizer = gateway._authorize_request_v1, gateway._invoke_authorizer_lambda
    buckets = {}  # by plan and key

    def create_api_key(data):
        value = data.get("value")
        if value and not re.fullmatch("[A-Za-z0-9]{20,128}", value):
            return gateway._v1_error("BadRequestException", "API Key value should be 20 to 128 alphanumeric characters", 400)
        if value and any(key["value"] == value for key in gateway._api_keys.values()):
            return gateway._v1_error("ConflictException", "API Key already exists", 409)
        status, headers, body = create_key(data)
        key = gateway._api_keys[json.loads(body)["id"]]
        key["value"] = value or key["value"]
        return gateway._v1_response(key, status)

    def create_usage_plan_key(plan_id, data):
        if data.get("keyId") not in gateway._api_keys:
            return gateway._v1_error("NotFoundException", "Invalid API Key identifier specified", 404)
        if data["keyId"] in gateway._usage_plan_keys.get(plan_id, {}):
            return gateway._v1_error("ConflictException", "Usage Plan Key already exists", 409)
        return create_plan_key(plan_id, data)

    async def invoke_authorizer_lambda(*args):
        """Adds the key to the context, because the engine caches only the policy and the context."""
        result = await invoke_authorizer(*args)
        policy = parsed((result or {}).get("body"))
        if isinstance(policy, dict) and policy.get(KEY):
            policy["context"] = {**(policy.get("context") or {}), KEY: policy[KEY]}
            return {**result, "body": policy}
        return result

    async def authorize_request(api_id, stage_name, method_obj, *rest):
        error, context = await authorize(api_id, stage_name, method_obj, *rest)
        key = (context or {}).get(KEY)
        if context:  # make a copy, because the cache has the same object
            context = {name: value for name, value in context.items() if name != KEY}
        limited = method_obj.get("apiKeyRequired") and gateway._rest_apis[api_id]["apiKeySource"] == "AUTHORIZER"
        if error is None and limited:
            error = take(api_id, stage_name, key)
        return error, context

    def take(api_id, stage_name, value):
        """Takes one request from the key's bucket. Returns the rejection if there is none left."""
        for plan_id, plan in gateway._usage_plans.items():
            stages = [(stage["apiId"], stage["stage"]) for stage in plan["apiStages"]]
            for key_id in gateway._usage_plan_keys.get(plan_id, {}):
                key = gateway._api_keys.get(key_id, {})
                if (api_id, stage_name) in stages and value and key.get("value") == value and key["enabled"]:
                    return spend(buckets.setdefault((plan_id, key_id), {}), plan["throttle"])
        return rejection("INVALID_API_KEY", 403, "Forbidden")

    def rejection(kind, status, message):
        return answer(kind, gateway._gw_error(status, message))

    def spend(bucket, throttle):
        if not throttle:
            return None
        now, most = time.monotonic(), throttle["burstLimit"]
        left = bucket.get("left", most) + (now - bucket.get("at", now)) * throttle["rateLimit"]
        bucket["at"], bucket["left"] = now, min(left, most)
        if bucket["left"] < 1:
            return rejection("THROTTLED", 429, "Too Many Requests")
        bucket["left"] -= 1
        return None

    gateway._create_api_key, gateway._create_usage_plan_key = create_api_key, create_usage_plan_key
    gateway._authorize_request_v1, gateway._invoke_authorizer_lambda = authorize_request, invoke_authorizer_lambda


def keep_key_source(provisioners):
    """Keeps a template's ApiKeySourceType, which the engine does not store."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"]
    create = handlers["create"]

    def create_rest_api(logical_id, props, stack_name):
        api_id, attributes = create(logical_id, props, stack_name)
        provisioners._apigw_v1._rest_apis[api_id]["apiKeySource"] = props.get("ApiKeySourceType", "HEADER")
        return api_id, attributes

    handlers["create"] = create_rest_api


def parsed(body):
    if isinstance(body, (str, bytes)):
        try:
            return json.loads(body)
        except ValueError:
            return None
    return body
