package httpapi

import (
	"net/http"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/cors"
)

// allowOrigin lets scripts of the portal's origin, and of no other, read the answer.
// There are no cookies: credentials are sent in a header.
func (a *API) allowOrigin(w http.ResponseWriter, r *http.Request) {
	if a.PortalOrigin == "" {
		return
	}
	header := w.Header()
	header.Add("Vary", "Origin")
	if r.Header.Get("Origin") != a.PortalOrigin {
		return
	}
	header.Set("Access-Control-Allow-Origin", a.PortalOrigin)
	header.Set("Access-Control-Expose-Headers", cors.ExposedHeaders)
}

// allowMethods sets the headers that answer a browser's preflight request.
func allowMethods(w http.ResponseWriter, methods []string) {
	header := w.Header()
	if header.Get("Access-Control-Allow-Origin") == "" {
		return
	}
	header.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	header.Set("Access-Control-Allow-Headers", cors.RequestHeaders)
	header.Set("Access-Control-Max-Age", "600")
}
