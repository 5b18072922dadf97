"""Serves Cognito user pools with moto, which is part of LocalStack's installation.

Moto signs tokens with a key that everybody has. It checks passwords and knows no MFA.
"""

from localstack.aws.spec import load_service
from localstack.services.edge import ROUTER
from localstack.services.moto import call_moto
from localstack.services.plugins import Service, ServiceLifecycleHook, aws_provider


class CognitoProvider(ServiceLifecycleHook):
    service = "cognito-idp"


@aws_provider(api="cognito-idp")
def cognito_idp():
    def operations(_provider):
        return {name: lambda context, _request: call_moto(context) for name in load_service("cognito-idp").operation_names}

    return Service.for_provider(CognitoProvider(), dispatch_table_factory=operations)


def serve_keys():
    """Serves the public keys of the user pools, which are the same for all of them."""
    from moto.cognitoidp.responses import CognitoIdpJsonWebKeyResponse
    from rolo import Response

    keys = CognitoIdpJsonWebKeyResponse().json_web_key
    ROUTER.add("/<pool>/.well-known/jwks.json", lambda _request, pool: Response(keys, mimetype="application/json"), methods=["GET"])
