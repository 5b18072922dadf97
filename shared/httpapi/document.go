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
	"github.com/batch-inquiries/batch-inquiries/shared/headers"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// introduction is the guide at the start of the reference. A blank line ends a
// paragraph.
var introduction = "Screen hundreds of businesses with one request. Submit a batch, poll it until `isTerminal` is true, and read each inquiry's business report.\n\n" +
	"**Overview.** `POST /v1/batch-inquiries/` accepts a batch and immediately returns its `batchId`. " +
	"`GET /v1/batch-inquiries/{batch_id}` returns its progress. `GET /v1/batch-inquiries/{batch_id}/inquiries` lists its inquiries, " +
	"and `GET /v1/inquiries/{inquiry_id}` returns one inquiry with its report.\n\n" +
	"**Conventions.** Bodies are JSON in UTF-8 with camelCase field names. Times are RFC 3339 in UTC. The unit of a duration is at the end of its field's name. " +
	"New fields may be added to responses, and new values to lists of codes: ignore those that you do not know. " +
	"A path works with or without a trailing slash. HEAD returns the headers of GET without a body; do not rely on its `Content-Length`. OPTIONS lists the methods of a path.\n\n" +
	"**Errors** are problem documents (RFC 9457, `application/problem+json`). `type` identifies the kind of problem by a link to its paragraph on this page. The part after `#problem-` never changes: compare that. " +
	"An error repeats field names, parameter names and `externalId`s from your request so that you can find the place. It never repeats other values, because they may be personal data.\n\n" +
	"**Retries.** You can repeat any GET, and any POST with the same `Idempotency-Key`. After a 429 or 503, wait for the number of seconds in `Retry-After`.\n\n" +
	fmt.Sprintf("**Fair use.** All users and keys of a lender together can send a burst of %d requests and then %d per second, and can poll each batch %d times per second. "+
		"A request that reads many rows counts as several: one for every 50 rows. "+
		"The number of inquiries in unfinished batches is limited too (see `GET /v1/users/me`). ",
		fairuse.Requests.Burst, fairuse.Requests.PerSecond, fairuse.Polls.PerSecond) +
	"`RateLimit-Policy` and `RateLimit` show the limits that a request counted against: the quota (`q`), what remains of it (`r`), how many seconds a full refill takes (`w`), and how many seconds are left until it is full (`t`). Each server process counts rates separately, so with concurrent requests less may remain than `r` says: follow the policy. " +
	"Requests beyond a limit get a 429. A lender who stays within the limits is never rejected. The rates are approximate; the limit on open inquiries is exact.\n\n" +
	"**Browsers.** If the environment has a portal, scripts from the portal's origin can read responses. All responses of the service then have `Vary: Origin`, and responses to the portal have `Access-Control-Allow-Origin` and `Access-Control-Expose-Headers`, which lists the headers described here. " +
	"OPTIONS answers a preflight request with `Access-Control-Allow-Methods`, `Access-Control-Allow-Headers` and `Access-Control-Max-Age` (in seconds). There are no cookies.\n\n" +
	"**Support.** Send your own `X-Request-Id` (up to 128 visible ASCII characters) to find a request under the same id in your logs and ours. The response repeats it. " +
	"Without one, the service assigns an id. Requests that the gateway itself rejects have an `X-Request-Id` only if you sent one; the gateway's own id is `requestId` in the problem document and `x-amzn-RequestId`."

// Names that several operations share.
const (
	headerRequestID       = "X-Request-Id"
	headerCacheControl    = "Cache-Control"
	headerIdempotencyKey  = "Idempotency-Key"
	headerReplayed        = "Idempotent-Replayed"
	headerRetryAfter      = "Retry-After"
	headerRateLimit       = "RateLimit"
	headerRateLimitPolicy = "RateLimit-Policy"
	headerContentType     = "X-Content-Type-Options"
	headerTransport       = "Strict-Transport-Security"
	headerAuthenticate    = "WWW-Authenticate"
	mediaJSON             = "application/json"
	mediaProblem          = "application/problem+json"
)

// The sections of the reference.
const (
	tagBatches   = "Batches"
	tagInquiries = "Inquiries"
	tagUsers     = "Users and keys"
	tagReference = "Reference"
)

// describe completes the document with what all routes share: credentials, problems,
// headers and the descriptions of schemas.
func describe(doc *huma.OpenAPI) {
	doc.Info.Description = introduction
	doc.Servers = []*huma.Server{{URL: "..", Description: "The address of this document, without /v1/openapi.json."}}
	doc.Tags = []*huma.Tag{
		{Name: tagBatches, Description: "Submit many inquiries at once and follow their progress."},
		{Name: tagInquiries, Description: "One business each, with its report."},
		{Name: tagUsers, Description: "Who you are, and your API key."},
		{Name: tagReference, Description: "This document. It needs no credential."},
	}
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", BearerFormat: "JWT",
			Description: "For people: a Cognito token (ID or access token) from this environment's user pool."},
		"apiKey": {Type: "apiKey", In: "header", Name: "Authorization",
			Description: "For systems: an API key, which starts with vd__, with or without `Bearer ` in front. Get yours from `GET /v1/users/me/api-key`."},
	}
	doc.Security = []map[string][]string{{"token": {}}, {"apiKey": {}}}
	examples := exampleProblems()
	doc.Extensions = map[string]any{extensionProblems: problemsWith(examples)}
	describeShared(doc)
	doc.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	describeSchemas(doc.Components.Schemas)
	addReference(doc)
	doc.Components.Responses = map[string]*huma.Response{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, op := range operationsOf(doc.Paths[path]) {
			describeOperation(doc, op, examples)
		}
	}
}

// extensionProblems is where the document lists all kinds of problems.
const extensionProblems = "x-problems"

// problemsWith returns all kinds of problems, each with its example.
func problemsWith(examples map[problem.Name]*Problem) []any {
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

// Every answer has the common headers. Answers to lenders also have those about limits.
var (
	commonHeaders = slices.Concat([]string{headerRequestID, headerCacheControl}, slices.Sorted(maps.Keys(headers.Always)))
	lenderHeaders = []string{headerRateLimit, headerRateLimitPolicy}
)

// describeShared describes the headers and parameters that mean the same in every
// operation, in the document's components.
func describeShared(doc *huma.OpenAPI) {
	text := func(description string, example any) *huma.Header {
		return &huma.Header{Description: description, Schema: &huma.Schema{Type: huma.TypeString}, Example: example}
	}
	doc.Components.Headers = map[string]*huma.Header{
		headerRequestID:    text("Id of the request: the one you sent, or one that the service assigned.", sampleRequestID),
		headerCacheControl: text("no-store: do not store the response. Absent if the gateway itself rejected the request.", "no-store"),
		headerContentType:  text("nosniff: the media type is the one in Content-Type.", headers.Always[headerContentType]),
		headerTransport:    text("Browsers use HTTPS for this host from now on.", headers.Always[headerTransport]),
		headerRetryAfter:   {Description: "Seconds to wait before you try again.", Schema: secondsSchema(), Example: 30},
		headerReplayed:     {Description: "true if an earlier request with the same Idempotency-Key was already carried out; otherwise absent.", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"true"}}, Example: "true"},
		headerAuthenticate: text("How to authenticate, and what was wrong, in `error` and `error_description` (RFC 6750). On the API key routes, API Gateway renames this header to `X-Amzn-Remapped-Www-Authenticate`.", `Bearer error="invalid_token", error_description="The token has expired. Sign in again."`),
		headerRateLimit: text("What remains of each limit that the request counted against, as a structured field: `r` is the number of requests that count once (or of inquiries, for "+fairuse.OpenInquiries+"), and `t` is the number of seconds until the limit is full again, if known. For rates, `r` is an upper bound: each server process counts separately. If the gateway itself rejects a request, only a 429 has this header.",
			`"requests";r=99;t=1`),
		headerRateLimitPolicy: text("The limits by name ("+fairuse.Requests.Name+", "+fairuse.Polls.Name+", "+fairuse.Waits+", "+fairuse.OpenInquiries+"): `q` is the maximum number of requests (or of the unit in `qu`), and `w` is the number of seconds that a full refill takes. If the gateway itself rejects a request, only a 429 has this header.",
			fmt.Sprintf(`"%s";q=%d;w=%d`, fairuse.Requests.Name, fairuse.Requests.Burst, fairuse.Requests.Window())),
	}
	doc.Components.Parameters = map[string]*huma.Param{
		headerRequestID: {
			Name: headerRequestID, In: "header", Schema: &huma.Schema{Type: huma.TypeString}, Example: "nightly-run-7",
			Description: "Your own id for the request: up to 128 visible ASCII characters. It appears in the response, in problem documents and in our logs. Any other value is replaced by an id that the service assigns.",
		},
	}
}

func secondsSchema() *huma.Schema {
	least := 0.0
	return &huma.Schema{Type: huma.TypeInteger, Minimum: &least}
}

// idempotencyText describes the Idempotency-Key of every route that embeds Idempotency.
const idempotencyText = "A unique key that you choose for this operation: 1 to 255 printable ASCII characters. Do not reuse it for anything else. " +
	"It is valid for 24 hours and applies to your whole lender: all its users and keys, on all routes that share this description. " +
	"Repeating the same request with the key does not carry it out again: the response shows the current state of the first request's result, with `Idempotent-Replayed: true`. " +
	"A different request with the same key gets a 422 `idempotency-mismatch`. While the first request may still be in progress, the response is a 409 `idempotency-in-flight`. " +
	"A request that is rejected does not use up its key."

// shareIdempotencyKey moves the parameter of Idempotency, which has no description of
// its own, to the components, where it is described once.
func shareIdempotencyKey(doc *huma.OpenAPI, op *huma.Operation) {
	for i, p := range op.Parameters {
		if p.Name != headerIdempotencyKey || p.Description != "" {
			continue
		}
		p.Description, p.Example = idempotencyText, "renewals-2026-47"
		doc.Components.Parameters[headerIdempotencyKey] = p
		op.Parameters[i] = &huma.Param{Ref: "#/components/parameters/" + headerIdempotencyKey}
	}
}

// hasShared reports whether the operation has a parameter from the components.
func hasShared(op *huma.Operation, parameter string) bool {
	return slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.Ref == "#/components/parameters/"+parameter })
}

// hasOwn reports whether the operation has a parameter that it describes itself.
func hasOwn(op *huma.Operation, parameter string) bool {
	return slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.Name == parameter })
}

// problemSchema is the reference to the schema of every error answer.
const problemSchema = "#/components/schemas/Problem"

// problemResponse returns a reference to the answer with these kinds of problems, which
// all have the same status. The first call with these kinds creates the answer.
func problemResponse(doc *huma.OpenAPI, kinds []problem.Kind, examples map[problem.Name]*Problem) *huma.Response {
	name := "Problem" + strconv.Itoa(kinds[0].Status)
	if len(kinds) < len(problem.OfStatus(kinds[0].Status)) {
		for _, k := range kinds {
			name += "-" + string(k.Name)
		}
	}
	ref := &huma.Response{Ref: "#/components/responses/" + name}
	if doc.Components.Responses[name] != nil {
		return ref
	}
	media, titles := &huma.MediaType{Schema: &huma.Schema{Ref: problemSchema}, Examples: map[string]*huma.Example{}}, []string{}
	for _, k := range kinds {
		titles = append(titles, fmt.Sprintf("`%s`: %s", k.Name, k.Title))
		example := examples[k.Name]
		if example == nil {
			continue // a test reports it
		}
		value, err := asSent(example)
		if err != nil {
			panic(err) // cannot happen: strings and numbers
		}
		media.Examples[string(k.Name)] = &huma.Example{Summary: k.Title, Value: value}
	}
	doc.Components.Responses[name] = &huma.Response{
		Description: strings.Join(titles, "; "), Headers: problemHeaders(doc, kinds, examples),
		Content: map[string]*huma.MediaType{mediaProblem: media},
	}
	return ref
}

// problemHeaders returns the headers of the answer with these kinds of problems. Their
// examples show which of them have a Retry-After.
func problemHeaders(doc *huma.OpenAPI, kinds []problem.Kind, examples map[problem.Name]*Problem) map[string]*huma.Header {
	headers := map[string]*huma.Header{}
	for _, h := range slices.Concat(commonHeaders, lenderHeaders) {
		headers[h] = headerRef(h)
	}
	var waiting []string
	for _, k := range kinds {
		if example := examples[k.Name]; example != nil && example.GetHeaders().Get(headerRetryAfter) != "" {
			waiting = append(waiting, "`"+string(k.Name)+"`")
		}
	}
	switch {
	case kinds[0].Status == http.StatusUnauthorized:
		headers[headerAuthenticate] = headerRef(headerAuthenticate)
	case len(waiting) == len(kinds):
		headers[headerRetryAfter] = headerRef(headerRetryAfter)
	case len(waiting) > 0:
		some := *doc.Components.Headers[headerRetryAfter]
		some.Description += " Only with " + strings.Join(waiting, ", ") + "."
		headers[headerRetryAfter] = &some
	}
	return headers
}

func headerRef(name string) *huma.Header { return &huma.Header{Ref: "#/components/headers/" + name} }

func describeOperation(doc *huma.OpenAPI, op *huma.Operation, examples map[problem.Name]*Problem) {
	op.Parameters = slices.DeleteFunc(op.Parameters, func(p *huma.Param) bool {
		return p.In == "header" && strings.EqualFold(p.Name, "Content-Type") // OpenAPI describes it with the body
	})
	shareIdempotencyKey(doc, op)
	op.Parameters = append(op.Parameters, &huma.Param{Ref: "#/components/parameters/" + headerRequestID})
	delete(op.Responses, "default")
	for status, response := range op.Responses {
		response.Description = referenceOf(op).answers[status]
		describeHeaders(op, response)
	}
	byStatus := map[int][]problem.Kind{}
	for _, k := range problemsOf(op) {
		byStatus[k.Status] = append(byStatus[k.Status], k)
	}
	for status, kinds := range byStatus {
		op.Responses[strconv.Itoa(status)] = problemResponse(doc, kinds, examples)
	}
}

// describeHeaders completes the headers of an answer. huma puts the description and
// the example of a header into its schema.
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
	if hasShared(op, headerIdempotencyKey) || hasOwn(op, headerIdempotencyKey) {
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
