"""Runs when LocalStack starts, before it listens: puts the parts of the plugin in their places."""

import os

from localstack.runtime import hooks


@hooks.on_infra_start()
def start():
    listen_where_told()
    if os.environ.get("DYNAMODB_LOCAL_PORT"):
        use_running_dynamodb_local()
    from . import cognito, gateway

    cognito.serve_keys()
    gateway.apply(os.environ["API_STAGE"])


def listen_where_told():
    """Makes LocalStack listen on the host of GATEWAY_LISTEN. It uses only the port, and every interface."""
    from localstack import config
    from twisted.internet import endpoints

    original = endpoints.TCP4ServerEndpoint

    def endpoint(reactor, port, **named):
        return original(reactor, port, interface=config.GATEWAY_LISTEN[0].host, **named)

    endpoints.TCP4ServerEndpoint = endpoint


def use_running_dynamodb_local():
    """Makes LocalStack use the DynamoDB Local on the port DYNAMODB_LOCAL_PORT instead of downloading and starting one."""
    from localstack.services.dynamodb.server import DynamodbServer

    DynamodbServer.start_dynamodb = lambda self: True
    DynamodbServer.stop_dynamodb = lambda self: None
