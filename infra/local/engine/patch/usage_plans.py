"""Takes API keys from the authorizer, as API Gateway does for an API that says so.

The engine checks keys and limits their rate by their usage plan, but takes them from
the header X-API-Key only. What this adds, as AWS documents it (docs.aws.amazon.com/
apigateway/latest/developerguide/api-gateway-api-key-source.html): if the API's
ApiKeySourceType is AUTHORIZER, the key is the one that the authorizer returns as
usageIdentifierKey. It is cached together with the authorizer's policy.

A key can be given a value of 20 to 128 letters and digits, which no other key may have,
and a plan has a key only once.
"""

import contextvars
import json
import re

KEY = "usageIdentifierKey"
FROM_HEADER = object()

key_of_request = contextvars.ContextVar("key_of_request", default=FROM_HEADER)


def apply(gateway):
    create_key, create_plan_key = gateway._create_api_key, gateway._create_usage_plan_key
    execute, authorize, invoke_authorizer = gateway._execute_in_scope, gateway._authorize_request_v1, gateway._invoke_authorizer_lambda
    key_from_header = gateway._api_key_from_request

    def create_api_key(data):
        value = data.get("value")
        if value and not re.fullmatch("[A-Za-z0-9]{20,128}", value):
            return gateway._v1_error("BadRequestException", "API Key value should be 20 to 128 alphanumeric characters", 400)
        if value and any(key["value"] == value for key in gateway._api_keys.values()):
            return gateway._v1_error("ConflictException", "API Key already exists", 409)
        return create_key(data)

    def create_usage_plan_key(plan_id, data):
        if data.get("keyId") not in gateway._api_keys:
            return gateway._v1_error("NotFoundException", "Invalid API Key identifier specified", 404)
        if data["keyId"] in gateway._usage_plan_keys.get(plan_id, {}):
            return gateway._v1_error("ConflictException", "Usage Plan Key already exists", 409)
        return create_plan_key(plan_id, data)

    async def execute_in_scope(request, api_id, *args):
        from_authorizer = gateway._rest_apis.get(api_id, {}).get("apiKeySource") == "AUTHORIZER"
        key_of_request.set(None if from_authorizer else FROM_HEADER)
        return await execute(request, api_id, *args)

    async def invoke_authorizer_lambda(*args):
        """Adds the key to the context, because the engine caches only the policy and the context."""
        result = await invoke_authorizer(*args)
        policy = parsed((result or {}).get("body"))
        if isinstance(policy, dict) and policy.get(KEY):
            policy["context"] = {**(policy.get("context") or {}), KEY: policy[KEY]}
            return {**result, "body": policy}
        return result

    async def authorize_request(*args):
        error, context = await authorize(*args)
        if context:  # make a copy, because the cache has the same object
            if key_of_request.get() is not FROM_HEADER:
                key_of_request.set(context.get(KEY))
            context = {name: value for name, value in context.items() if name != KEY}
        return error, context

    def api_key_from_request(headers):
        key = key_of_request.get()
        return key_from_header(headers) if key is FROM_HEADER else key

    gateway._create_api_key, gateway._create_usage_plan_key = create_api_key, create_usage_plan_key
    gateway._execute_in_scope, gateway._authorize_request_v1 = execute_in_scope, authorize_request
    gateway._invoke_authorizer_lambda, gateway._api_key_from_request = invoke_authorizer_lambda, api_key_from_request


def keep_key_source(provisioners):
    """Keeps a template's ApiKeySourceType, which the engine stores only when it updates an API."""
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
