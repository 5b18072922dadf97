package httpapi

import (
	"net/http"
	"strings"
)

// What a portal in a browser may send, and see beside the body.
const (
	corsRequestHeaders = "Accept, Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id"

	// CORSExposedHeaders are those of our answers that a script may read.
	CORSExposedHeaders = "Allow, Content-Disposition, ETag, Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Results-As-Of, Results-Complete, Retry-After, " +
		"WWW-Authenticate, X-Amzn-Remapped-Www-Authenticate, X-Amzn-RequestId, X-Request-Id"
)

// allowOrigin lets scripts of the portal's origin read the answer, and nobody
// else's. No cookie is ever sent: credentials travel in a header.
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
	header.Set("Access-Control-Expose-Headers", CORSExposedHeaders)
}

// allowMethods answers what a browser asks before it sends a request.
func allowMethods(w http.ResponseWriter, methods []string) {
	header := w.Header()
	if header.Get("Access-Control-Allow-Origin") == "" {
		return
	}
	header.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	header.Set("Access-Control-Allow-Headers", corsRequestHeaders)
	header.Set("Access-Control-Max-Age", "600")
}
