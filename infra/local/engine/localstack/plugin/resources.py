"""The template's resource types that LocalStack does not create: a user pool, its client, an authorizer.

An update is a replacement by a new stack: a local engine starts empty.
"""

from localstack.services.cloudformation.resource_provider import (
    CloudFormationResourceProviderPlugin,
    OperationStatus,
    ProgressEvent,
    ResourceProvider,
)


def done(model):
    return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


def parameters(client, operation, properties):
    """Returns the properties that are also parameters of the client's operation."""
    members = client.meta.service_model.operation_model(operation).input_shape.members
    return {name: value for name, value in properties.items() if name in members}


def schema(kind, identifier, *read_only):
    paths = ["/properties/" + name for name in read_only]
    return {
        "typeName": kind,
        "primaryIdentifier": ["/properties/" + identifier],
        "readOnlyProperties": paths,
        "properties": {name: {"type": "string"} for name in read_only},
    }


class UserPool(ResourceProvider):
    SCHEMA = schema("AWS::Cognito::UserPool", "UserPoolId", "UserPoolId", "Arn", "ProviderName", "ProviderURL")

    def create(self, request):
        model, cognito = request.desired_state, request.aws_client_factory.cognito_idp
        name = model.get("UserPoolName") or request.logical_resource_id
        pool = cognito.create_user_pool(PoolName=name, **parameters(cognito, "CreateUserPool", model))["UserPool"]
        host = "cognito-idp.%s.amazonaws.com/%s" % (request.region_name, pool["Id"])
        model.update(UserPoolId=pool["Id"], Arn=pool["Arn"], ProviderName=host, ProviderURL="https://" + host)
        return done(model)

    def delete(self, request):
        request.aws_client_factory.cognito_idp.delete_user_pool(UserPoolId=request.desired_state["UserPoolId"])
        return done(request.desired_state)


class UserPoolClient(ResourceProvider):
    SCHEMA = schema("AWS::Cognito::UserPoolClient", "ClientId", "ClientId", "Name")

    def create(self, request):
        model, cognito = request.desired_state, request.aws_client_factory.cognito_idp
        settings = {"ClientName": request.logical_resource_id, **parameters(cognito, "CreateUserPoolClient", model)}
        client = cognito.create_user_pool_client(**settings)["UserPoolClient"]
        model.update(ClientId=client["ClientId"], Name=client["ClientName"])
        return done(model)

    def delete(self, request):
        model = request.desired_state
        request.aws_client_factory.cognito_idp.delete_user_pool_client(UserPoolId=model["UserPoolId"], ClientId=model["ClientId"])
        return done(model)


class Authorizer(ResourceProvider):
    SCHEMA = schema("AWS::ApiGateway::Authorizer", "AuthorizerId", "AuthorizerId")

    def create(self, request):
        model, gateway = request.desired_state, request.aws_client_factory.apigateway
        settings = {name[0].lower() + name[1:]: value for name, value in model.items()}
        model["AuthorizerId"] = gateway.create_authorizer(**parameters(gateway, "CreateAuthorizer", settings))["id"]
        return done(model)

    def delete(self, request):
        model = request.desired_state
        request.aws_client_factory.apigateway.delete_authorizer(restApiId=model["RestApiId"], authorizerId=model["AuthorizerId"])
        return done(model)


class UserPoolPlugin(CloudFormationResourceProviderPlugin):
    name, factory = "AWS::Cognito::UserPool", UserPool

    def load(self):
        pass


class UserPoolClientPlugin(CloudFormationResourceProviderPlugin):
    name, factory = "AWS::Cognito::UserPoolClient", UserPoolClient

    def load(self):
        pass


class AuthorizerPlugin(CloudFormationResourceProviderPlugin):
    name, factory = "AWS::ApiGateway::Authorizer", Authorizer

    def load(self):
        pass
