"""Usage plans: API Gateway bounds the rate at which one API key is used.

Known of AWS and done here, for an API that has its keys from its authorizer
(docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html):
a key has the value that it is given, 20 to 128 letters and digits that no other key
has, and is in a plan once. A method that requires a key takes the one that the
authorizer names in usageIdentifierKey, which must be enabled and in a plan of the
stage, or else the answer is INVALID_API_KEY. The plan's throttle is a token bucket
for each key, and THROTTLED is the answer when it is empty
(.../api-gateway-api-usage-plans.html). What the authorizer named is remembered with
its policy.

AWS does this as well as it can and may let more through; here it is exact. Quotas,
the throttles of single methods and keys from X-API-Key are not done.
"""

import json
import re
import time

from gateway_responses import answer

NAMED = "usageIdentifierKey"


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
        """Puts the key into the context: the engine keeps that in its cache, and no more."""
        result = await invoke_authorizer(*args)
        policy = parsed((result or {}).get("body"))
        if isinstance(policy, dict) and policy.get(NAMED):
            policy["context"] = {**(policy.get("context") or {}), NAMED: policy[NAMED]}
            return {**result, "body": policy}
        return result

    async def authorize_request(api_id, stage_name, method_obj, *rest):
        error, context = await authorize(api_id, stage_name, method_obj, *rest)
        value = (context or {}).get(NAMED)
        if context:  # a copy: the cache has it too
            context = {name: said for name, said in context.items() if name != NAMED}
        counted = method_obj.get("apiKeyRequired") and gateway._rest_apis[api_id]["apiKeySource"] == "AUTHORIZER"
        if error is None and counted:
            error = take(api_id, stage_name, value)
        return error, context

    def take(api_id, stage_name, value):
        """Takes one request of what the key's plan has left; returns the refusal if there is none."""
        for plan_id, plan in gateway._usage_plans.items():
            stages = [(stage["apiId"], stage["stage"]) for stage in plan["apiStages"]]
            for key_id in gateway._usage_plan_keys.get(plan_id, {}):
                key = gateway._api_keys.get(key_id, {})
                if (api_id, stage_name) in stages and value and key.get("value") == value and key["enabled"]:
                    return spend(buckets.setdefault((plan_id, key_id), {}), plan["throttle"])
        return refusal("INVALID_API_KEY", 403, "Forbidden")

    def refusal(kind, status, message):
        return answer(kind, gateway._gw_error(status, message))

    def spend(bucket, throttle):
        if not throttle:
            return None
        now, most = time.monotonic(), throttle["burstLimit"]
        left = bucket.get("left", most) + (now - bucket.get("at", now)) * throttle["rateLimit"]
        bucket["at"], bucket["left"] = now, min(left, most)
        if bucket["left"] < 1:
            return refusal("THROTTLED", 429, "Too Many Requests")
        bucket["left"] -= 1
        return None

    gateway._create_api_key, gateway._create_usage_plan_key = create_api_key, create_usage_plan_key
    gateway._authorize_request_v1, gateway._invoke_authorizer_lambda = authorize_request, invoke_authorizer_lambda


def keep_key_source(provisioners):
    """The engine forgets where a template says that an API has its keys from."""
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
