package table

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// invalid returns the error with which DynamoDB rejects a malformed request. The
// SDK has no type for it.
func invalid(format string, args ...any) error {
	return &smithy.GenericAPIError{Code: "ValidationException", Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

func invalidExpression(which, format string, args ...any) error {
	return invalid("Invalid %s: %s", which, fmt.Sprintf(format, args...))
}

var errNotModeled = errors.New("the simulated table does not model")

// notModeled returns the error for a request that this table cannot answer as
// DynamoDB would.
func notModeled(what string) error { return fmt.Errorf("%w %s", errNotModeled, what) }

// checkModeled rejects the parameters that expressions replaced.
func checkModeled(replacedParameterUsed bool) error {
	if replacedParameterUsed {
		return notModeled("parameters that expressions replaced")
	}
	return nil
}

func conditionFailed(old item) error {
	return &types.ConditionalCheckFailedException{Message: aws.String("The conditional request failed"), Item: old}
}

func canceled(reasons []types.CancellationReason) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = *r.Code
	}
	return &types.TransactionCanceledException{
		Message:             aws.String("Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"),
		CancellationReasons: reasons,
	}
}

// failed wraps an operation's error as the SDK does.
func failed(operation string, err error) error {
	return &smithy.OperationError{ServiceID: "DynamoDB", OperationName: operation, Err: err}
}

// messageOf returns an API error's message without its code.
func messageOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorMessage()
	}
	return err.Error()
}
