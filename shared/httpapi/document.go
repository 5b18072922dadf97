package httpapi

import (
	"cmp"
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
	"A path works with and without a slash at its end. HEAD answers what GET would, without the body, and its `Content-Length` says nothing of it; OPTIONS lists a path's methods.\n\n" +
	"**Errors** are problem documents (RFC 9457, `application/problem+json`). `type` names the kind, as a reference to its paragraph on this page, and what follows `#problem-` is stable: compare that. " +
	"Of what you sent an error repeats names of fields and parameters, and your `externalId`s, so that you find the place; never another value, for those are personal data.\n\n" +
	"**Retrying.** Every GET may be repeated. A POST may be repeated with the same `Idempotency-Key`. On 429 and 503, `Retry-After` says for how many seconds to wait.\n\n" +
	fmt.Sprintf("**Fair use.** All users and keys of a lender together may send %d requests at once and %d a second after that, poll each batch %d times a second, "+
		"and have as many inquiries in unfinished batches as `GET /v1/users/me` says. ",
		fairuse.Requests.Burst, fairuse.Requests.PerSecond, fairuse.Polls.PerSecond) +
	"`RateLimit-Policy` and `RateLimit` say which of these limits a request counted against and what is left (`q` and `r`), in how many seconds all of it is back (`w` and `t`). What is left of a rate is counted in each server process by itself: of requests that come at the same time, less may be left, so keep to the policy. " +
	"Beyond a limit the answer is 429. Who keeps to the limits is never refused; the rates are bounds for the rest and not exact, the open inquiries are.\n\n" +
	"**Browsers.** Scripts of one origin, the portal's, may read the answers, if the environment has a portal. Every answer of the service then has `Vary: Origin`, and those to the portal `Access-Control-Allow-Origin` and `Access-Control-Expose-Headers`, which lists the headers that are named here. " +
	"OPTIONS answers a preflight with `Access-Control-Allow-Methods`, `Access-Control-Allow-Headers` and `Access-Control-Max-Age`, in seconds. There are no cookies.\n\n" +
	"**Support.** Send an `X-Request-Id` of your own (up to 128 visible ASCII characters) to find the request in your logs and ours by the same name; it comes back in the answer. " +
	"Without one the service gives the request an id. What the gateway in front of it refuses by itself has an `X-Request-Id` only if you sent one; its own id is `requestId` in the problem document, and `x-amzn-RequestId`."

// The names of what operations share.
const (
	headerRequestID       = "X-Request-Id"
	headerCacheControl    = "Cache-Control"
	headerIdempotencyKey  = "Idempotency-Key"
	headerReplayed        = "Idempotent-Replayed"
	headerRetryAfter      = "Retry-After"
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
	examples := exampleProblems()
	doc.Extensions = map[string]any{"x-problems": problemsWith(examples)}
	describeShared(doc)
	doc.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	describeResults(doc, doc.Paths["/v1/batch-inquiries/{batch_id}/results"].Get)
	describeSchemas(doc.Components.Schemas)
	relaxAnswers(doc.Components.Schemas.Map())
	addReference(doc)
	doc.Components.Responses = map[string]*huma.Response{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, op := range operationsOf(doc.Paths[path]) {
			describeOperation(doc, op, examples)
			// A body that the route reads by itself is bytes to huma.
			if name := requestBodies[op.OperationID]; name != "" {
				op.RequestBody.Description = bodyTexts[op.OperationID]
				op.RequestBody.Required = name != "RerunBody"
				op.RequestBody.Content["application/json"].Schema = &huma.Schema{Ref: "#/components/schemas/" + name}
			}
		}
	}
}

// problemsWith are all kinds of problems, each with an example.
func problemsWith(examples map[string]*Problem) []any {
	type withExample struct {
		problem.Kind
		Example *Problem `json:"example,omitempty"`
	}
	var all []any
	for _, k := range problem.Kinds {
		all = append(all, withExample{k, examples[k.Name]})
	}
	return all
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
var (
	commonHeaders = []string{headerRequestID, headerCacheControl}
	lenderHeaders = []string{headerRateLimit, headerRateLimitPolicy}
)

// describeShared puts into the document's components what operations share: the
// headers and parameters that mean the same everywhere.
func describeShared(doc *huma.OpenAPI) {
	text := func(description string, example any) *huma.Header {
		return &huma.Header{Description: description, Schema: &huma.Schema{Type: huma.TypeString}, Example: example}
	}
	doc.Components.Headers = map[string]*huma.Header{
		headerRequestID:    text("The request's id: the one you sent, or one of ours.", exampleRequestID),
		headerCacheControl: text("no-store: keep no copy. Absent when the gateway refused the request itself.", "no-store"),
		headerRetryAfter:   {Description: "For how many seconds to wait before trying again.", Schema: secondsSchema(), Example: 30},
		headerReplayed:     {Description: "true when the same request had been carried out before under its Idempotency-Key; otherwise absent.", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"true"}}, Example: "true"},
		"WWW-Authenticate": text("How to authenticate, and in `error` and `error_description` what was wrong (RFC 6750). From the routes of keys API Gateway passes it on as `X-Amzn-Remapped-Www-Authenticate`.", `Bearer error="invalid_token", error_description="The token has expired. Sign in again."`),
		headerRateLimit: text("What is left of each limit that the request counted against, as a structured field: `r` requests (or inquiries, for "+fairuse.OpenInquiries+"), and `t` seconds until all are back, where that is known. Of a rate it is the most that may be left: each server process counts by itself. On what the gateway refuses by itself it is there in a 429 alone.",
			`"requests";r=99;t=1`),
		headerRateLimitPolicy: text("The limits themselves, by name ("+fairuse.Requests.Name+", "+fairuse.Polls.Name+", "+fairuse.OpenInquiries+"): `q` requests (or what `qu` says), all of which come back within `w` seconds. On what the gateway refuses by itself it is there in a 429 alone.",
			fmt.Sprintf(`"%s";q=%d;w=%d`, fairuse.Requests.Name, fairuse.Requests.Burst, fairuse.Requests.Window())),
	}
	doc.Components.Parameters = map[string]*huma.Param{
		headerRequestID: {
			Name: headerRequestID, In: "header", Schema: &huma.Schema{Type: huma.TypeString}, Example: "nightly-run-7",
			Description: "Your own name for the request: up to 128 visible ASCII characters. It comes back in the answer, in problem documents, and stands in our logs. Anything else is replaced by a name of ours.",
		},
	}
}

func secondsSchema() *huma.Schema {
	least := 0.0
	return &huma.Schema{Type: huma.TypeInteger, Minimum: &least}
}

// idempotencyText is what the Idempotency-Key means, on every route that has one.
const idempotencyText = "Your own name for what the request is to bring about: 1 to 255 printable ASCII characters, never used for anything else. " +
	"It is valid for 24 hours and for all of your lender: for all its users and keys, on all routes together. " +
	"The same request under it is not carried out twice: the answer is what has become of the first one, with `Idempotent-Replayed: true`. " +
	"Another request under it is a 422 `idempotency-mismatch`. While the first one may still be under way, the answer is a 409 `idempotency-in-flight`. " +
	"A request that was refused has not used its key."

// shareIdempotencyKey moves the parameter to the components, where it is
// explained once.
func shareIdempotencyKey(doc *huma.OpenAPI, op *huma.Operation) {
	for i, p := range op.Parameters {
		if p.Name != headerIdempotencyKey {
			continue
		}
		p.Description, p.Example, p.Schema.Description = idempotencyText, "renewals-2026-47", ""
		doc.Components.Parameters[headerIdempotencyKey] = p
		op.Parameters[i] = &huma.Param{Ref: "#/components/parameters/" + headerIdempotencyKey}
	}
}

// hasShared reports whether the operation has a parameter that is explained in
// the components.
func hasShared(op *huma.Operation, parameter string) bool {
	return slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.Ref == "#/components/parameters/"+parameter })
}

// problemSchema is where the schema of every error answer is.
const problemSchema = "#/components/schemas/Problem"

// kindsOf lists the kinds of problems that an operation can answer with under a
// status: all of the status but those that are about something else.
func kindsOf(op *huma.Operation, status int) []problem.Kind {
	only := map[string][]string{
		"not-cancellable":  {"cancel-batch"},
		"not-finished":     {"delete-batch", "rerun-batch"},
		"nothing-to-rerun": {"rerun-batch"},
		"too-many-open":    {"submit-batch", "submit-inquiry", "rerun-batch"},
	}
	var kinds []problem.Kind
	for _, k := range problem.OfStatus(status) {
		operations, some := only[k.Name]
		elsewhere := some && !slices.Contains(operations, op.OperationID) ||
			strings.HasPrefix(k.Name, "idempotency-") && !hasShared(op, headerIdempotencyKey)
		if !elsewhere {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// problemResponse returns a reference to the answer with one of these kinds,
// which all have the same status. The first that asks for it has it made.
func problemResponse(doc *huma.OpenAPI, kinds []problem.Kind, examples map[string]*Problem) *huma.Response {
	name := "Problem" + strconv.Itoa(kinds[0].Status)
	if len(kinds) < len(problem.OfStatus(kinds[0].Status)) {
		for _, k := range kinds {
			name += "-" + k.Name
		}
	}
	ref := &huma.Response{Ref: "#/components/responses/" + name}
	if doc.Components.Responses[name] != nil {
		return ref
	}
	media, titles, waiting := &huma.MediaType{Schema: &huma.Schema{Ref: problemSchema}, Examples: map[string]*huma.Example{}}, []string{}, []string{}
	for _, k := range kinds {
		titles = append(titles, fmt.Sprintf("`%s`: %s", k.Name, k.Title))
		example := examples[k.Name]
		if example == nil {
			continue // a test says so
		}
		value, err := sent(example)
		if err != nil {
			panic(err) // texts and numbers
		}
		media.Examples[k.Name] = &huma.Example{Summary: k.Title, Value: value}
		if example.GetHeaders().Get(headerRetryAfter) != "" {
			waiting = append(waiting, "`"+k.Name+"`")
		}
	}
	headers := map[string]*huma.Header{}
	for _, h := range slices.Concat(commonHeaders, lenderHeaders) {
		headers[h] = headerRef(h)
	}
	switch {
	case kinds[0].Status == http.StatusUnauthorized:
		headers["WWW-Authenticate"] = headerRef("WWW-Authenticate")
	case len(waiting) == len(kinds):
		headers[headerRetryAfter] = headerRef(headerRetryAfter)
	case len(waiting) > 0:
		some := *doc.Components.Headers[headerRetryAfter]
		some.Description += " Only with " + strings.Join(waiting, ", ") + "."
		headers[headerRetryAfter] = &some
	}
	doc.Components.Responses[name] = &huma.Response{
		Description: strings.Join(titles, "; "), Headers: headers, Content: map[string]*huma.MediaType{problemMedia: media},
	}
	return ref
}

func headerRef(name string) *huma.Header { return &huma.Header{Ref: "#/components/headers/" + name} }

// describeSchemas says of response fields what their Go types mean: a pointer
// that is always written may be null, and answers may gain members.
func describeSchemas(registry huma.Registry) {
	for name, schema := range registry.Map() {
		schema.Description = schemaTexts[name]
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
			if property == nil {
				continue
			}
			if words := memberWords[name+"."+member]; words != nil {
				property.Description += " " + words.String()
			}
			if property.Ref == "" {
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

// asked are the schemas of what was asked, in answers, by those that requests
// have of it.
var asked = map[string]string{"InquiryInput": "AskedInquiry", "AddressInput": "AskedAddress", "PrincipalInput": "AskedPrincipal"}

// relaxAnswers gives what was asked schemas of its own in answers: the rules of
// requests do not hold there, and answers may gain members.
func relaxAnswers(schemas map[string]*huma.Schema) {
	const prefix = "#/components/schemas/"
	var relaxed func(*huma.Schema) *huma.Schema
	relaxed = func(s *huma.Schema) *huma.Schema {
		if name, ok := strings.CutPrefix(s.Ref, prefix); ok {
			return &huma.Schema{Ref: prefix + cmp.Or(asked[name], name), Description: s.Description}
		}
		out := &huma.Schema{Type: s.Type, Description: s.Description, Format: s.Format, Examples: s.Examples, Required: s.Required}
		for _, choice := range s.AnyOf { // with null, which answers leave out
			if choice.Ref != "" {
				return relaxed(&huma.Schema{Ref: choice.Ref, Description: s.Description})
			}
		}
		if s.Items != nil {
			out.Items = relaxed(s.Items)
		}
		if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
			out.AdditionalProperties = relaxed(more)
		}
		for name, property := range s.Properties {
			if out.Properties == nil {
				out.Properties = map[string]*huma.Schema{}
			}
			out.Properties[name] = relaxed(property)
		}
		return out
	}
	for request, answer := range asked {
		schemas[answer] = relaxed(schemas[request])
		schemas[answer].Description = schemaTexts[answer]
	}
	for name, schema := range schemas {
		if inRequests[name] {
			continue
		}
		for member, property := range schema.Properties {
			switch {
			case asked[strings.TrimPrefix(property.Ref, prefix)] != "":
				schema.Properties[member] = relaxed(property)
			case property.Items != nil && asked[strings.TrimPrefix(property.Items.Ref, prefix)] != "":
				schema.Properties[member].Items = relaxed(property.Items)
			}
		}
	}
}

func describeOperation(doc *huma.OpenAPI, op *huma.Operation, examples map[string]*Problem) {
	if op.Tags == nil {
		op.Tags = []string{tagOf(op.Path)}
	}
	op.Parameters = slices.DeleteFunc(op.Parameters, func(p *huma.Param) bool {
		return p.In == "header" && strings.EqualFold(p.Name, "Content-Type") // OpenAPI has another place for it
	})
	shareIdempotencyKey(doc, op)
	op.Parameters = append(op.Parameters, &huma.Param{Ref: "#/components/parameters/" + headerRequestID})
	for _, status := range statusesOf(op) {
		if kinds := kindsOf(op, status); len(kinds) > 0 {
			op.Responses[strconv.Itoa(status)] = problemResponse(doc, kinds, examples)
		}
	}
	delete(op.Responses, "default")
	for status, response := range op.Responses {
		if response.Ref == "" {
			response.Description = answerTexts[op.OperationID][status]
			describeHeaders(op, response)
		}
	}
}

// describeHeaders completes the headers of an answer: huma leaves what it knows
// of one in its schema.
func describeHeaders(op *huma.Operation, response *huma.Response) {
	headers := map[string]*huma.Header{}
	for _, h := range commonHeaders {
		headers[h] = headerRef(h)
	}
	if !IsPublic(op.Path) {
		for _, h := range lenderHeaders {
			headers[h] = headerRef(h)
		}
	}
	if hasShared(op, headerIdempotencyKey) {
		headers[headerReplayed] = headerRef(headerReplayed)
	}
	for name, header := range response.Headers {
		if name == headerReplayed {
			continue
		}
		if header.Ref == "" {
			own := *header
			schema := *header.Schema
			own.Description = cmp.Or(own.Description, schema.Description)
			if len(schema.Examples) > 0 {
				own.Example = schema.Examples[0]
			}
			schema.Description, schema.Examples = "", nil
			own.Schema = &schema
			if name == headerRetryAfter {
				own.Schema = secondsSchema()
				if seconds, err := strconv.Atoi(fmt.Sprint(own.Example)); err == nil {
					own.Example = seconds
				}
			}
			header = &own
		}
		headers[name] = header
	}
	response.Headers = headers
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
