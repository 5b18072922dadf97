package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// reference is what the API reference says about a route in addition to its
// huma.Operation.
type reference struct {
	// answers describe the route's answers other than problems, by status.
	answers map[string]string

	// problems are the kinds that this route can answer with in addition to those
	// that every route of its form can (see problemsOf).
	problems []problem.Name

	// body describes the request body that the handler reads; nil if it reads none.
	body *requestBody

	// examples returns sample bodies. It is called when the reference is first
	// rendered.
	examples func(*samples) ([]example, error)
}

// requestBody describes a JSON body that the handler reads and checks itself.
type requestBody struct {
	of       reflect.Type // of its schema
	required bool
	text     string
}

// metadataKey is where an operation keeps its reference.
const metadataKey = "reference"

// referenceOf returns the reference of an operation that route added.
func referenceOf(op *huma.Operation) reference {
	r, _ := op.Metadata[metadataKey].(reference)
	return r
}

// route adds a route to the API and to its document. It returns the operation in
// the document. Errors of the handler become problems.
func route[I, O any](a *API, api huma.API, op huma.Operation, ref reference, handler func(context.Context, *I) (*O, error)) *huma.Operation {
	op.Metadata = map[string]any{metadataKey: ref}
	if ref.body != nil {
		op.SkipValidateBody = true    // bodyReader validates it and lists every fault
		op.MaxBodyBytes = maxBody + 1 // huma rejects a body of exactly the limit
		op.RequestBody = &huma.RequestBody{Description: ref.body.text, Content: map[string]*huma.MediaType{mediaJSON: {}}}
	}
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
	registered := operationAt(api.OpenAPI().Paths[op.Path], op.Method)
	if ref.body != nil { // huma documents it as bytes
		registered.RequestBody.Required = ref.body.required
		registered.RequestBody.Content[mediaJSON].Schema = api.OpenAPI().Components.Schemas.Schema(ref.body.of, true, "")
	}
	return registered
}

// operationAt returns the operation of a path that has this method.
func operationAt(path *huma.PathItem, method string) *huma.Operation {
	for _, op := range operationsOf(path) {
		if op.Method == method {
			return op
		}
	}
	return nil
}

// operationsOf lists the operations of one path in the order of their methods' names.
func operationsOf(path *huma.PathItem) []*huma.Operation {
	return slices.DeleteFunc([]*huma.Operation{path.Delete, path.Get, path.Patch, path.Post, path.Put},
		func(op *huma.Operation) bool { return op == nil })
}

// problemsOf lists the kinds of problems that an operation can answer with, whether
// the function finds them or the gateway.
func problemsOf(op *huma.Operation) []problem.Kind {
	names := append([]problem.Name{problem.RateLimited, problem.Internal, problem.Timeout}, referenceOf(op).problems...)
	if !IsPublic(op.Path) {
		for _, k := range problem.OfStatus(http.StatusUnauthorized) {
			names = append(names, k.Name)
		}
		// Every operation rejects query parameters that it does not have.
		names = append(names, problem.Forbidden, problem.Suspended, problem.Validation, problem.Unavailable, problem.Conflict)
	}
	if op.RequestBody != nil {
		names = append(names, problem.Malformed, problem.TooLarge, problem.UnsupportedType)
	}
	for _, p := range op.Parameters {
		if p.In == "path" {
			names = append(names, problem.NotFound)
		}
	}
	if hasShared(op, headerIdempotencyKey) {
		names = append(names, problem.IdempotencyMismatch, problem.IdempotencyInFlight)
	}
	return slices.DeleteFunc(slices.Clone(problem.Kinds), func(k problem.Kind) bool { return !slices.Contains(names, k.Name) })
}
