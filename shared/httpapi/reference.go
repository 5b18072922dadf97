package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// The addresses that need no credential, in addition to problem.Page.
const (
	documentJSON = "/v1/openapi.json"
	documentYAML = "/v1/openapi.yaml"
)

// referenceCache lets anyone cache the reference for five minutes.
const referenceCache = "public, max-age=300"

// IsPublic reports whether a path needs no credential. Its content is the same for
// everyone.
func IsPublic(path string) bool {
	switch strings.TrimSuffix(path, "/") {
	case documentJSON, documentYAML, problem.Page:
		return true
	}
	return false
}

// rendering is the reference in one format.
type rendering struct {
	operation, path, media, summary, answer string
	render                                  func(*huma.OpenAPI) ([]byte, error)
}

var renderings = []rendering{
	{"get-openapi-json", documentJSON, "application/openapi+json", "Get this API as an OpenAPI 3.1 document in JSON", "The document.",
		func(doc *huma.OpenAPI) ([]byte, error) { return json.MarshalIndent(doc, "", "  ") }},
	{"get-openapi-yaml", documentYAML, "application/yaml", "Get this API as an OpenAPI 3.1 document in YAML", "The document.", (*huma.OpenAPI).YAML},
	{"get-docs", problem.Page, "text/html", "Get this API as a page for people", "The page.",
		func(*huma.OpenAPI) ([]byte, error) { return page, nil }},
}

//go:generate go run ./internal/pagegen

// page is generated ahead of time. A template in this package would look up methods by
// name at run time, so the linker could not drop any, and the function's program would be
// half as large again.
//
//go:embed page.html
var page []byte

// Document returns the complete OpenAPI document, from which the committed copy and the
// page are generated.
func Document() (*huma.OpenAPI, error) {
	doc := (&API{Now: time.Now}).register(http.NewServeMux(), routes)
	return doc, addExamples(doc)
}

// addReference adds the reference itself to the document.
func addReference(doc *huma.OpenAPI) {
	header := func(text, example string) *huma.Header {
		return &huma.Header{Description: text, Schema: &huma.Schema{Type: huma.TypeString, Examples: []any{example}}}
	}
	for _, r := range renderings {
		kind := huma.TypeObject
		headers := map[string]*huma.Header{
			headerCacheControl: header("How long the response can be cached, in seconds.", referenceCache),
			"ETag":             header("Identifies this version. Send it as If-None-Match.", `"6a7d0c5b3e9f4a21"`),
		}
		if r.path == problem.Page {
			kind = huma.TypeString
			headers["Content-Security-Policy"] = header("Allows the page's own style and script, and nothing else.", "default-src 'none'; img-src data:")
		}
		doc.AddOperation(&huma.Operation{
			OperationID: r.operation, Method: http.MethodGet, Path: r.path, Tags: []string{tagReference}, Summary: r.summary,
			Description: "The content is the same for everyone and is generated from the code that answers the requests. It can be cached for five minutes. After that, send the `ETag` as `If-None-Match`: if nothing has changed, the response is a 304 without a body.",
			Security:    []map[string][]string{},
			Parameters: []*huma.Param{{
				Name: "If-None-Match", In: "header", Schema: &huma.Schema{Type: huma.TypeString}, Example: `"6a7d0c5b3e9f4a21"`,
				Description: "ETags that you already have. If one of them is still current, the response is a 304 without a body.",
			}},
			Metadata: map[string]any{metadataKey: reference{answers: map[string]string{
				"200": r.answer, "304": "The content still matches the ETag in If-None-Match. There is no body.",
			}}},
			Responses: map[string]*huma.Response{
				"200": {
					Headers: headers,
					Content: map[string]*huma.MediaType{r.media: {Schema: &huma.Schema{Type: kind, Description: "The document."}}},
				},
				"304": {Headers: maps.Clone(headers)},
			},
		})
	}
}

// serveReference serves the document in each format. It is rendered on the first request,
// so the start of the function does not wait for it.
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
			w.Header().Set(headerCacheControl, referenceCache)
			if r.path == problem.Page {
				w.Header().Set("Content-Security-Policy", pagePolicy())
				body = withPrefix(body, requestOf(req.Context()).Prefix)
			}
			tag := etagOf(body)
			w.Header().Set("ETag", tag)
			if matches(req.Header.Get("If-None-Match"), tag) {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = w.Write(body) // an error means that the client has gone
		})
	}
}

// withPrefix makes the page's links to the document start with the API's prefix. Relative
// links would resolve differently from /v1/docs/ than from /v1/docs.
func withPrefix(page []byte, prefix string) []byte {
	start := []byte(`href="/v1/`)
	return bytes.ReplaceAll(page, start, slices.Concat([]byte(`href="`), []byte(html.EscapeString(prefix)), start[len(`href="`):]))
}

// pagePolicy returns a Content-Security-Policy that allows the page's own style and script,
// by their hashes, and nothing else.
var pagePolicy = sync.OnceValue(func() string {
	hash := func(element string) string {
		_, rest, _ := bytes.Cut(page, []byte("<"+element+">"))
		content, _, _ := bytes.Cut(rest, []byte("</"+element+">"))
		sum := sha256.Sum256(content)
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash("style") + "; script-src " + hash("script") +
		"; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
})
