package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// introduction is what the document says of the API as a whole. A blank line
// ends a paragraph.
var introduction = "Screen hundreds of businesses in one request. Submit a batch, follow it until `isTerminal` is true, and read each inquiry's business report.\n\n" +
	"**In short.** `POST /v1/batch-inquiries/` takes the batch and answers at once with its `batchId`. " +
	"`GET /v1/batch-inquiries/{batch_id}` says how far it has come. `GET /v1/batch-inquiries/{batch_id}/inquiries` lists the inquiries, " +
	"and `GET /v1/inquiries/{inquiry_id}` has one report.\n\n" +
	"**Conventions.** Bodies are JSON in UTF-8, field names are camelCase. Times are RFC 3339 in UTC. Durations are in the unit that the field's name ends in. " +
	"Answers may gain fields, and words may be added to lists of words: ignore what you do not know. " +
	"A path works with and without a slash at its end. HEAD answers what GET would, without the body; OPTIONS lists a path's methods.\n\n" +
	"**Errors** are problem documents (RFC 9457, `application/problem+json`). `type` names the kind, as a reference to its paragraph on this page, and what follows `#problem-` is stable: compare that. " +
	"No error repeats a value that you sent.\n\n" +
	"**Retrying.** Every GET may be repeated. A POST may be repeated with the same `Idempotency-Key`. On 429 and 503, `Retry-After` says for how many seconds to wait.\n\n" +
	fmt.Sprintf("**Fair use.** All users and keys of a lender together may send %d requests at once and %d a second after that, poll each batch %d times a second, "+
		"and have as many inquiries in unfinished batches as `GET /v1/users/me` says. ",
		fairuse.Requests.Burst, fairuse.Requests.PerSecond, fairuse.Polls.PerSecond) +
	"`RateLimit-Policy` and `RateLimit` say which of these limits a request counted against and what is left (`q` and `r`), in how many seconds all of it is back (`w` and `t`). " +
	"Beyond a limit the answer is 429. Who keeps to the limits is never refused; the rates are bounds for the rest and not exact, the open inquiries are.\n\n" +
	"**Support.** Every answer has an `X-Request-Id`. Send one of your own (up to 128 visible ASCII characters) to find the request in your logs and ours by the same name."

// The names of what operations share.
const (
	headerRequestID       = "X-Request-Id"
	headerRateLimit       = "RateLimit"
	headerRateLimitPolicy = "RateLimit-Policy"
	problemMedia          = "application/problem+json"
)

// describe completes the document that the routes have begun with what holds
// for all of them: credentials, errors, headers, examples.
func describe(doc *huma.OpenAPI) {
	doc.Info.Description = introduction
	doc.Servers = []*huma.Server{{URL: "..", Description: "The address that this document was fetched from, without /v1/openapi.json."}}
	doc.Tags = []*huma.Tag{
		{Name: tagBatches, Description: "Submit many inquiries at once, and follow them."},
		{Name: tagInquiries, Description: "One business each, with its report."},
		{Name: tagUsers, Description: "Who you are here, and your API key."},
		{Name: tagReference, Description: "This document. No credential is needed."},
	}
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", BearerFormat: "JWT",
			Description: "A Cognito token (ID or access token) of this environment's user pool: for people."},
		"apiKey": {Type: "apiKey", In: "header", Name: "Authorization",
			Description: "An API key, which begins with vd__, with or without `Bearer ` before it: for systems. Get it from `GET /v1/users/me/api-key`."},
	}
	doc.Security = []map[string][]string{{"token": {}}, {"apiKey": {}}}
	doc.Extensions = map[string]any{"x-problems": problem.Kinds}
	describeHeaders(doc)
	describeProblems(doc)
	describeSchemas(doc.Components.Schemas)
	addReference(doc)
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, op := range operationsOf(doc.Paths[path]) {
			describeOperation(op)
			// A body that the route reads by itself is bytes to huma.
			if name := requestBodies[op.OperationID]; name != "" {
				op.RequestBody.Required = name != "RerunBody"
				op.RequestBody.Content["application/json"].Schema = &huma.Schema{Ref: "#/components/schemas/" + name}
			}
		}
	}
}

// requestBodies names the schema of each body that a route reads by itself.
var requestBodies = map[string]string{"submit-batch": "SubmitBody", "submit-inquiry": "InquiryInput", "rerun-batch": "RerunBody"}

// operationsOf lists the operations of one path, in the order of their methods' names.
func operationsOf(item *huma.PathItem) []*huma.Operation {
	return slices.DeleteFunc([]*huma.Operation{item.Delete, item.Get, item.Patch, item.Post, item.Put},
		func(op *huma.Operation) bool { return op == nil })
}

// The sections of the reference.
const (
	tagBatches   = "Batches"
	tagInquiries = "Inquiries"
	tagUsers     = "Users and keys"
	tagReference = "Reference"
)

func tagOf(path string) string {
	switch {
	case strings.HasPrefix(path, "/v1/batch-inquiries"):
		return tagBatches
	case strings.HasPrefix(path, "/v1/inquiries"):
		return tagInquiries
	case IsPublic(path):
		return tagReference
	}
	return tagUsers
}

// commonHeaders are on every answer, those about limits on every one to a lender.
var commonHeaders = []string{headerRequestID, headerRateLimit, headerRateLimitPolicy}

func describeHeaders(doc *huma.OpenAPI) {
	text := func(description string, example any) *huma.Header {
		return &huma.Header{Description: description, Schema: &huma.Schema{Type: "string"}, Example: example}
	}
	seconds := func(description string) *huma.Header {
		least := 0.0
		return &huma.Header{Description: description, Schema: &huma.Schema{Type: "integer", Minimum: &least}, Example: 30}
	}
	doc.Components.Headers = map[string]*huma.Header{
		headerRequestID:    text("The request's id: the one you sent, or one of ours.", "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"),
		"Retry-After":      seconds("For how many seconds to wait before trying again."),
		"WWW-Authenticate": text("How to authenticate, and in `error` and `error_description` what was wrong (RFC 6750).", `Bearer error="invalid_token"`),
		headerRateLimit: text("What is left of each limit that the request counted against, as a structured field: `r` requests (or inquiries), and `t` seconds until all are back. Absent when the gateway refused the request itself.",
			`"requests";r=99;t=1`),
		headerRateLimitPolicy: text("The limits themselves: `q` requests (or what `qu` says), which come back within `w` seconds.",
			`"requests";q=100;w=5`),
		"Allow": text("The methods that the path has.", "GET, HEAD, OPTIONS"),
	}
	doc.Components.Parameters = map[string]*huma.Param{
		headerRequestID: {
			Name: headerRequestID, In: "header", Schema: &huma.Schema{Type: "string"}, Example: "nightly-run-7",
			Description: "Your own name for the request: up to 128 visible ASCII characters. It comes back in the answer, in problem documents, and stands in our logs. Anything else is replaced by a name of ours.",
		},
	}
}

// problemHeaders are what the answers of a status carry beside the request's id.
var problemHeaders = map[int][]string{
	http.StatusUnauthorized:       {"WWW-Authenticate"},
	http.StatusMethodNotAllowed:   {"Allow"},
	http.StatusConflict:           {"Retry-After"},
	http.StatusTooManyRequests:    {"Retry-After"},
	http.StatusServiceUnavailable: {"Retry-After"},
}

// problemSchema is where the schema of every error answer is.
const problemSchema = "#/components/schemas/Problem"

// describeProblems makes one response for each status that problems have.
func describeProblems(doc *huma.OpenAPI) {
	doc.Components.Responses = map[string]*huma.Response{}
	doc.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	for _, k := range problem.Kinds {
		name := problemResponse(k.Status)
		if shared := doc.Components.Responses[name]; shared != nil {
			shared.Description += fmt.Sprintf("; `%s`: %s", k.Name, k.Title)
			continue
		}
		example := newProblem(k.Status, k.Name, "What went wrong this time, and what to do about it.").of(Request{ID: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", Prefix: "/prod"})
		if k.Status == http.StatusUnprocessableEntity {
			index := 3
			example.Errors = []Fault{{Pointer: "/inquiries/3/ein", Index: &index, ExternalID: "LOAN-1004", Code: "form", Message: hints["ein"]}}
		}
		headers := map[string]*huma.Header{}
		for _, h := range commonHeaders {
			headers[h] = headerRef(h)
		}
		for _, h := range problemHeaders[k.Status] {
			headers[h] = headerRef(h)
		}
		doc.Components.Responses[name] = &huma.Response{
			Description: fmt.Sprintf("`%s`: %s", k.Name, k.Title),
			Headers:     headers,
			Content:     map[string]*huma.MediaType{problemMedia: {Schema: &huma.Schema{Ref: problemSchema}, Example: example}},
		}
	}
}

func problemResponse(status int) string { return "Problem" + strconv.Itoa(status) }

func headerRef(name string) *huma.Header { return &huma.Header{Ref: "#/components/headers/" + name} }

// describeSchemas says of response fields what their Go types mean: a pointer
// that is always written may be null, and answers may gain members.
func describeSchemas(registry huma.Registry) {
	for name, schema := range registry.Map() {
		t := registry.TypeFromRef("#/components/schemas/" + name)
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			continue
		}
		for _, f := range reflect.VisibleFields(t) {
			member, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			property := schema.Properties[member]
			if property == nil || property.Ref == "" {
				continue
			}
			if f.Type.Kind() == reflect.Pointer && !strings.Contains(options, "omit") {
				*property = huma.Schema{Description: property.Description, AnyOf: []*huma.Schema{{Ref: property.Ref}, {Type: "null"}}}
			}
		}
		if !inRequests[name] {
			schema.AdditionalProperties = nil
			continue
		}
		for member, property := range schema.Properties {
			if !slices.Contains(schema.Required, member) {
				allowNull(property)
			}
		}
	}
}

// allowNull says that null stands for a field that is left out. Bodies are read
// so; the schemas that they are checked against do not see a null.
func allowNull(s *huma.Schema) {
	switch {
	case s.Ref != "":
		*s = huma.Schema{Description: s.Description, AnyOf: []*huma.Schema{{Ref: s.Ref}, {Type: "null"}}}
		return
	case len(s.Enum) > 0:
		s.Enum = append(s.Enum, nil)
	}
	s.Nullable = true
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		more.Nullable = true
	}
}

// inRequests are the schemas of request bodies, which may have no other members.
var inRequests = map[string]bool{"SubmitBody": true, "RerunBody": true, "InquiryInput": true, "AddressInput": true, "PrincipalInput": true}

func describeOperation(op *huma.Operation) {
	if op.Tags == nil {
		op.Tags = []string{tagOf(op.Path)}
	}
	op.Parameters = slices.DeleteFunc(op.Parameters, func(p *huma.Param) bool {
		return p.In == "header" && strings.EqualFold(p.Name, "Content-Type") // OpenAPI has another place for it
	})
	op.Parameters = append(op.Parameters, &huma.Param{Ref: "#/components/parameters/" + headerRequestID})
	for _, status := range statusesOf(op) {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + problemResponse(status)}
	}
	delete(op.Responses, "default")
	for _, response := range op.Responses {
		if response.Ref != "" {
			continue
		}
		if response.Headers == nil {
			response.Headers = map[string]*huma.Header{}
		}
		for _, header := range response.Headers {
			if header.Description == "" && header.Schema != nil {
				header.Description = header.Schema.Description
			}
		}
		for _, h := range commonHeaders {
			response.Headers[h] = headerRef(h)
		}
	}
}

// statusesOf lists the statuses of the problems that an operation can answer
// with, whether the function finds them or the gateway.
func statusesOf(op *huma.Operation) []int {
	statuses := slices.Clone(op.Errors)
	for code, response := range op.Responses {
		if status, err := strconv.Atoi(code); err == nil && response.Content[problemMedia] != nil {
			statuses = append(statuses, status)
		}
	}
	statuses = append(statuses, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusGatewayTimeout)
	if IsPublic(op.Path) {
		return statuses
	}
	statuses = append(statuses, http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable)
	if op.RequestBody != nil {
		statuses = append(statuses, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	for _, p := range op.Parameters {
		if p.In == "path" {
			statuses = append(statuses, http.StatusNotFound)
		}
	}
	// Every operation refuses a query parameter that it does not have.
	return append(statuses, http.StatusUnprocessableEntity)
}
