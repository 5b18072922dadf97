package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

// functions lists every Lambda function of the system. Roles, log groups, the
// stack's outputs and the check that everything is built follow from this list.
var functions = []functionSpec{
	apiFunction,
	manageAPIKeys,
	authorizeRequest,
	dispatchBatch,
	processInquiry,
	tallyStatuses,
	failExhausted,
	sweepOpenBatches,
}

// Functions are the deployed functions, by name.
type Functions map[string]awslambda.Function

// NewFunctions declares every function with exactly the permissions it needs.
func NewFunctions(scope constructs.Construct, props Props, r Resources) Functions {
	deployed := Functions{}
	for _, spec := range functions {
		deployed[spec.Name] = newFunction(scope, props, r, spec)
	}
	// The authorizer must know a new generation of the master key before a key is made
	// with it.
	deployed[deployment.ManageAPIKeys].Node().AddDependency(deployed[deployment.AuthorizeRequest])
	return deployed
}
