package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// The addresses that need no credential.
const (
	documentJSON = "/v1/openapi.json"
	documentYAML = "/v1/openapi.yaml"
)

// referenceCache lets anybody keep the reference for five minutes.
const referenceCache = "public, max-age=300"

// IsPublic reports whether a path is answered without a credential. What is
// there is the same for everybody.
func IsPublic(path string) bool {
	switch strings.TrimSuffix(path, "/") {
	case documentJSON, documentYAML, problem.Page:
		return true
	}
	return false
}

// rendering is the reference in one form.
type rendering struct {
	operation, path, media, summary string
	render                          func(*huma.OpenAPI) ([]byte, error)
}

var renderings = []rendering{
	{"get-openapi-json", documentJSON, "application/openapi+json", "This API as an OpenAPI 3.1 document, in JSON",
		func(doc *huma.OpenAPI) ([]byte, error) { return json.MarshalIndent(doc, "", "  ") }},
	{"get-openapi-yaml", documentYAML, "application/yaml", "This API as an OpenAPI 3.1 document, in YAML", (*huma.OpenAPI).YAML},
	{"get-docs", problem.Page, "text/html", "This API as a page for people",
		func(*huma.OpenAPI) ([]byte, error) { return committedPage, nil }},
}

// committedPage is made by a test and lies beside the code. A template here would
// find methods by their names while it runs, so that the linker could leave none
// away: the function's program would be half as large again.
//
//go:embed page.html
var committedPage []byte

// addReference puts the reference itself into the document.
func addReference(doc *huma.OpenAPI) {
	for _, r := range renderings {
		kind := "object"
		if r.path == problem.Page {
			kind = "string"
		}
		header := func(text, example string) *huma.Header {
			return &huma.Header{Description: text, Schema: &huma.Schema{Type: huma.TypeString, Examples: []any{example}}}
		}
		headers := map[string]*huma.Header{
			headerCacheControl:       header("How long it may be kept, in seconds.", referenceCache),
			"X-Content-Type-Options": header("nosniff: it is what Content-Type says.", "nosniff"),
		}
		if r.path == problem.Page {
			headers["Content-Security-Policy"] = header("Lets the page use its own style and script, and nothing of anybody else's.", "default-src 'none'; img-src data:")
		}
		doc.AddOperation(&huma.Operation{
			OperationID: r.operation, Method: http.MethodGet, Path: r.path, Summary: r.summary,
			Description: "The same for everybody, and made from the code that answers the requests. It may be kept for five minutes.",
			Security:    []map[string][]string{},
			Responses: map[string]*huma.Response{"200": {
				Headers: headers,
				Content: map[string]*huma.MediaType{r.media: {Schema: &huma.Schema{Type: kind, Description: "The document."}}},
			}},
		})
	}
}

// serveReference answers with the document. It is rendered when somebody first
// asks, so that the start of the function does not wait for it.
func (a *API) serveReference(mux *http.ServeMux, doc *huma.OpenAPI) {
	complete := sync.OnceValue(func() error { return addExamples(doc) })
	for _, r := range renderings {
		content := sync.OnceValues(func() ([]byte, error) {
			if err := complete(); err != nil {
				return nil, err
			}
			return r.render(doc)
		})
		mux.HandleFunc("GET "+r.path, func(w http.ResponseWriter, req *http.Request) {
			body, err := content()
			if err != nil {
				a.Log.ErrorContext(req.Context(), "rendering the reference", "requestId", requestOf(req.Context()).ID, "err", err)
				writeProblem(w, req, internalProblem())
				return
			}
			w.Header().Set("Content-Type", r.media+"; charset=utf-8")
			w.Header().Set("Cache-Control", referenceCache)
			w.Header().Set("X-Content-Type-Options", "nosniff")
			if r.path == problem.Page {
				w.Header().Set("Content-Security-Policy", pagePolicy())
			}
			if r.path == problem.Page {
				body = below(requestOf(req.Context()).Prefix, body)
			}
			_, _ = w.Write(body) // an error means that the client has gone
		})
	}
}

// below makes the page's links to the document begin where the API does. Relative
// ones would lead elsewhere from /v1/docs/ than from /v1/docs.
func below(prefix string, page []byte) []byte {
	start := []byte(`href="/v1/`)
	return bytes.ReplaceAll(page, start, slices.Concat([]byte(`href="`), []byte(html.EscapeString(prefix)), start[len(`href="`):]))
}

var (
	//go:embed reference.css
	pageStyle string
	//go:embed reference.js
	pageScript string
)

// pagePolicy lets the page have its own style and script, and nothing of
// anybody else's.
func pagePolicy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(pageStyle) + "; script-src " + hash(pageScript) +
		"; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
