package httpapi_test

import (
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestResponses(t *testing.T) {
	t.Parallel()

	// The body matches its schema. Every header that is sent is declared, and every declared
	// header is sent, unless its description says that it may be absent.
	t.Run("they match the document", func(t *testing.T) {
		t.Parallel()
		doc := walker{t, document(t)}
		const (
			batches = "/v1/batch-inquiries"
			one     = `{"name":"A","inquiries":[{"businessName":"B"}]}`
			faulty  = `{"name":"A","inquiries":[{"businessName":"B","ein":"12","address":{"country":"USA"},"principals":[{"ownershipPercentage":400}]},{},{"businessName":"C"}],`
			dry     = `{"name":"A","inquiries":[{"businessName":"B"}],"validateOnly":true}`
		)
		finished := func() *fakeBatches { return fakeWith(inquiry.StatusCompleted, inquiry.StatusFailed) }
		rejected := func() *fakeBatches { return fakeWith("", inquiry.StatusCompleted) }
		running := func() *fakeBatches { return fakeWith(inquiry.StatusCompleted, inquiry.StatusRunning) }
		for name, tt := range map[string]struct {
			batches            func() *fakeBatches
			method, path, body string // {batch} and {inquiry} in a path are replaced
			header             []string
			want               int
		}{
			"a list":                         {finished, "GET", batches, "", nil, 200},
			"a submission":                   {newFake, "POST", batches, one, nil, 200},
			"a submission again":             {newFake, "POST", batches, one, []string{"Idempotency-Key", "twice"}, 200},
			"a dry run":                      {newFake, "POST", batches, dry, nil, 200},
			"an invalid dry run":             {newFake, "POST", batches, faulty + `"validateOnly":true}`, nil, 200},
			"a dry run that skips":           {newFake, "POST", batches, faulty + `"onInvalid":"skip","validateOnly":true}`, nil, 200},
			"a submission that skips":        {newFake, "POST", batches, faulty + `"onInvalid":"skip"}`, nil, 200},
			"a rejected inquiry":             {rejected, "GET", "/v1/inquiries/{inquiry}", "", nil, 200},
			"an invalid submission":          {newFake, "POST", batches, `{}`, nil, 422},
			"malformed JSON":                 {newFake, "POST", batches, `{`, nil, 400},
			"another media type":             {newFake, "POST", batches, `x`, []string{"Content-Type", "text/plain"}, 415},
			"too many requests":              {newFake, "GET", "/v1/users/me", "", nil, 429},
			"the status of a running batch":  {running, "GET", batches + "/{batch}", "", nil, 200},
			"the status of a finished batch": {finished, "GET", batches + "/{batch}", "", nil, 200},
			"an unchanged batch":             {running, "GET", batches + "/{batch}", "", []string{"If-None-Match", "*"}, 304},
			"an unknown batch":               {finished, "GET", batches + "/x", "", nil, 404},
			"a cancel":                       {running, "POST", batches + "/{batch}/cancel", "", nil, 202},
			"a cancel too late":              {finished, "POST", batches + "/{batch}/cancel", "", nil, 409},
			"a deletion":                     {finished, "DELETE", batches + "/{batch}", "", nil, 200},
			"a deletion too early":           {running, "DELETE", batches + "/{batch}", "", nil, 409},
			"inquiries":                      {finished, "GET", batches + "/{batch}/inquiries", "", nil, 200},
			"an inquiry":                     {finished, "GET", "/v1/inquiries/{inquiry}", "", nil, 200},
			"a single inquiry":               {newFake, "POST", "/v1/inquiries", `{"businessName":"B"}`, nil, 200},
			"a rerun":                        {finished, "POST", batches + "/{batch}/rerun", "", nil, 200},
			"results in NDJSON":              {finished, "GET", batches + "/{batch}/results", "", nil, 200},
			"results in CSV":                 {finished, "GET", batches + "/{batch}/results", "", []string{"Accept", "text/csv"}, 200},
			"large results":                  {big, "GET", batches + "/{batch}/results", "", nil, 303},
			"results as an image":            {finished, "GET", batches + "/{batch}/results", "", []string{"Accept", "image/png"}, 406},
			"the caller":                     {newFake, "GET", "/v1/users/me", "", nil, 200},
			"the key":                        {newFake, "GET", "/v1/users/me/api-key", "", nil, 200},
			"a revocation":                   {newFake, "DELETE", "/v1/users/me/api-key", "", nil, 204},
			"the page":                       {newFake, "GET", "/v1/docs", "", nil, 200},
			"the document":                   {newFake, "GET", "/v1/openapi.json", "", nil, 200},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				doc := walker{t, doc.doc}
				fake, path := tt.batches(), tt.path
				if len(fake.batches) > 0 {
					id := fake.batches[0].ID
					path = strings.NewReplacer("{batch}", id.String(), "{inquiry}", id.Inquiry(0).String()).Replace(path)
				}
				c := resultsClient(fake, &fakeExports{})
				c.caller.Credential = auth.CredentialAPIKey
				if c.caller.Role = auth.RoleMember; httpapi.IsPublic(path) {
					c.caller = auth.Caller{} // nobody
				}
				again := 0
				switch {
				case tt.want == http.StatusTooManyRequests:
					again = fairuse.Requests.Burst
				case slices.Contains(tt.header, "Idempotency-Key"):
					again = 1
				}
				for range again {
					c.do(t, tt.method, path, tt.body, tt.header...)
				}
				resp, body := c.do(t, tt.method, path, tt.body, tt.header...)
				if resp.StatusCode != tt.want {
					t.Fatalf("%d %s", resp.StatusCode, body)
				}
				fitsTheDocument(t, compilerOf(t, doc.doc), tt.method, tt.path, resp, body)
				declared := declaredHeaders(doc, tt.method, tt.path, tt.want)
				for _, sent := range slices.Sorted(maps.Keys(resp.Header)) {
					if declared[sent] == nil && sent != "Content-Type" {
						t.Errorf("%s is sent but not declared", sent)
					}
				}
				for canonical, header := range declared {
					text := header["description"].(string)
					if !regexp.MustCompile(`[Aa]bsent|Only with`).MatchString(text) && resp.Header.Get(canonical) == "" {
						t.Errorf("%s is declared but not sent", canonical)
					}
				}
			})
		}
	})
}

// fitsTheDocument checks a body against the document: JSON against the schema of the
// response, each line of NDJSON against the schema of a line.
func fitsTheDocument(t testing.TB, compiler *jsonschema.Compiler, method, path string, resp *http.Response, body string) {
	t.Helper()
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	said, bodies := "schema", []string{body}
	switch {
	case err != nil || body == "":
		return
	case media == "application/x-ndjson":
		said, bodies = "x-item-schema", strings.Split(strings.TrimSpace(body), "\n")
	case media != "application/json":
		return // a problem, which has its own tests, or plain text
	}
	place := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	schema, err := compiler.Compile("urn:document#/paths/" + place.Replace(documented(path)) + "/" + strings.ToLower(method) +
		"/responses/" + strconv.Itoa(resp.StatusCode) + "/content/" + place.Replace(media) + "/" + said)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range bodies {
		if err := schema.Validate(must(jsonschema.UnmarshalJSON(strings.NewReader(one)))); err != nil {
			t.Errorf("%v\n%s", err, one)
		}
	}
}

// documented returns the document's form of a path of the cases.
func documented(path string) string {
	return strings.NewReplacer("{batch}", "{batch_id}", "{inquiry}", "{inquiry_id}", "/x", "/{batch_id}").Replace(path)
}

// declaredHeaders returns the headers that the document declares for a response, by
// canonical name.
func declaredHeaders(doc walker, method, path string, status int) map[string]map[string]any {
	doc.Helper()
	item, _ := doc.doc["paths"].(map[string]any)[documented(path)].(map[string]any)
	op, _ := item[strings.ToLower(method)].(map[string]any)
	if op == nil {
		doc.Fatalf("the document has no %s %s", method, path)
	}
	response := op["responses"].(map[string]any)[strconv.Itoa(status)]
	if response == nil {
		doc.Fatalf("the document has no %d of %s %s", status, method, path)
	}
	found := map[string]map[string]any{}
	headers, _ := doc.at(response)["headers"].(map[string]any)
	for name, header := range headers {
		found[http.CanonicalHeaderKey(name)] = doc.at(header)
	}
	return found
}
