"""Makes the gateway do what the template declares and LocalStack only stores.

These are the address /<stage>, the usage plan's throttle, the gateway's own responses
and the source of API keys. The authorizer is in authorizer.py.
"""

from localstack.services.apigateway.models import apigateway_stores
from localstack.services.apigateway.next_gen.execute_api import handlers
from localstack.services.apigateway.next_gen.execute_api.gateway_response import (
    BaseGatewayException,
    InternalServerError,
    ThrottledError,
    get_gateway_response_or_default,
)
from localstack.services.apigateway.next_gen.execute_api.handlers.api_key_validation import ApiKeyValidationHandler
from localstack.services.apigateway.next_gen.execute_api.handlers.gateway_exception import GatewayExceptionHandler
from localstack.services.apigateway.next_gen.execute_api.integrations.aws import RestApiAwsProxyIntegration
from localstack.services.apigateway.next_gen.execute_api.moto_helpers import get_usage_plan_keys, get_usage_plans
from localstack.services.apigateway.next_gen.execute_api.router import ApiGatewayEndpoint
from localstack.services.apigateway.resource_providers.aws_apigateway_restapi import ApiGatewayRestApiProvider
from localstack.services.edge import ROUTER
from rolo import Response

from .authorizer import authorize
from .declared_response import render
from .throttle import Buckets


def apply(stage):
    serve_at(stage)
    keep_key_source()
    handlers.preprocess_request.append(authorize)  # runs before the check of the API key
    throttle_keys()
    send_declared_responses()
    # A body is text for an API without binary media types, also if it is no valid UTF-8.
    RestApiAwsProxyIntegration._format_body = staticmethod(lambda body: (body.decode(errors="replace"), False))


def serve_at(stage):
    """Serves the API at /<stage>, so that the links in its responses work."""
    endpoint = ApiGatewayEndpoint(store=apigateway_stores)

    def serve(request, path=""):
        for api_id, stages in list(endpoint._global_store.active_deployments.items()):
            if stage in stages:
                return endpoint(request, api_id=api_id, stage=stage, path=path)
        return endpoint.create_not_found_response("")

    ROUTER.add("/%s/" % stage, serve, strict_slashes=False)
    ROUTER.add("/%s/<greedy_path:path>" % stage, serve, strict_slashes=True)


def keep_key_source():
    """Keeps a template's ApiKeySourceType, which LocalStack looks for under another name."""
    create = ApiGatewayRestApiProvider.create

    def create_with_source(self, request):
        if source := request.desired_state.get("ApiKeySourceType"):
            request.desired_state["ApiKeySource"] = source
        return create(self, request)

    ApiGatewayRestApiProvider.create = create_with_source


def throttle_keys():
    """Rejects requests above the rate of the key's usage plan. LocalStack only checks the key."""
    check = ApiKeyValidationHandler.__call__
    buckets = Buckets()  # by plan and key

    def check_and_take(self, chain, context, response):
        check(self, chain, context, response)
        key = context.context_variables["identity"].get("apiKeyId")
        where = {"account_id": context.account_id, "region_name": context.region}
        for plan in get_usage_plans(**where) if key else []:
            stages = [(stage["apiId"], stage["stage"]) for stage in plan["apiStages"]]
            keys = [other["id"] for other in get_usage_plan_keys(usage_plan_id=plan["id"], **where)]
            if (context.api_id, context.stage) in stages and key in keys:
                if not buckets.take((plan["id"], key), plan.get("throttle")):
                    raise ThrottledError("Too Many Requests")

    ApiKeyValidationHandler.__call__ = check_and_take


def send_declared_responses():
    """Sends the gateway's own responses as the template declares them. LocalStack uses only their status."""
    respond = GatewayExceptionHandler.__call__

    def respond_to_any(self, chain, exception, context, response):
        if not isinstance(exception, BaseGatewayException):
            exception = InternalServerError("Internal server error")
        respond(self, chain, exception, context, response)

    def create_response(self, exception, context):
        declared = get_gateway_response_or_default(exception.type, context.deployment.rest_api.gateway_responses)
        variables = {"requestId": context.context_variables["requestId"]}
        for name, value in (context.context_variables.get("authorizer") or {}).items():
            variables["authorizer." + name] = value
        status, headers, body = render(declared, exception.status_code or 500, variables, context.request.headers.get)
        return Response(body, status, {"Content-Type": "application/json", **headers})

    GatewayExceptionHandler.__call__ = respond_to_any
    GatewayExceptionHandler.create_exception_response = create_response
