"""Renders a gateway response as the template declares it, as API Gateway documents it.

It fills in the $context variables that it is given in templates and headers, and headers
of the request in headers (docs.aws.amazon.com/apigateway/latest/developerguide/
api-gateway-swagger-extensions-gateway-responses.responseParameters.html). It supports no
other part of the mapping language.
"""

import re


def render(declared, status, context, request_header):
    """Returns status, headers and body of the declared response to a request that ended with status.

    context has the $context variables by name, such as authorizer.title. The function
    request_header returns a header of the request.
    """

    def fill(text):
        return re.sub(r"\$context\.([A-Za-z.]+)", lambda m: str(context.get(m[1], "")), text)

    headers = {}
    for name, expression in declared["responseParameters"].items():
        if expression.startswith("'"):
            value = expression.strip("'")
        elif expression.startswith("method.request.header."):
            value = request_header(expression.removeprefix("method.request.header."))
        else:
            value = fill("$" + expression)
        if value:
            headers[name.removeprefix("gatewayresponse.header.")] = value
    body = fill(declared["responseTemplates"].get("application/json", ""))
    return int(declared.get("statusCode") or status), headers, body.encode()
