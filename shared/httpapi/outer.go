package httpapi

import (
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/headers"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// outer wraps the routes. It gives every answer a request id and a log line, ignores a
// trailing slash in the path, enforces the rate limit, and turns a panic into a 500.
func (a *API) outer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started, request := a.Now(), requestOf(r.Context())
		gatewayID := request.ID
		if id := r.Header.Get(headerRequestID); isRequestID(id) {
			request.ID = id
		}
		request.limits = &limits{}
		r = r.WithContext(WithRequest(r.Context(), request))
		if len(r.URL.Path) > 1 {
			r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
		}
		for name, value := range headers.Always {
			w.Header().Set(name, value)
		}
		w.Header().Set(headerRequestID, request.ID)
		w.Header().Set(headerCacheControl, "no-store")
		a.allowOrigin(w, r)
		rec := &recorder{ResponseWriter: w, status: http.StatusOK, head: r.Method == http.MethodHead, limits: request.limits}
		defer func() {
			if p := recover(); p != nil {
				// Log the stack only: the panic's value may quote the request.
				a.Log.ErrorContext(r.Context(), "panic", "requestId", request.ID, "stack", string(debug.Stack()))
				writeProblem(rec, r, internalProblem())
			}
			took := a.Now().Sub(started).Milliseconds()
			a.measure(r, took)
			a.Log.InfoContext(r.Context(), "answered", "requestId", request.ID, "gatewayRequestId", gatewayID,
				"method", r.Method, "route", r.Pattern, "status", rec.status,
				"lenderId", request.Caller.LenderID, "milliseconds", took)
		}()
		if p := a.refusal(request, r, started); p != nil {
			writeProblem(rec, r, p)
			return
		}
		next.ServeHTTP(rec, r)
	})
}

// measure writes how long a request took. It leaves out requests that asked to wait.
func (a *API) measure(r *http.Request, milliseconds int64) {
	if wait := r.URL.Query().Get("waitSeconds"); wait != "" && wait != "0" {
		return
	}
	values := map[metrics.Name]float64{metrics.RequestMs: float64(milliseconds)}
	switch r.Pattern {
	case "POST /v1/batch-inquiries":
		values[metrics.SubmitMs] = float64(milliseconds)
	case "GET /v1/batch-inquiries/{batch_id}":
		values[metrics.PollMs] = float64(milliseconds)
	}
	a.Metrics.Write(values)
}

// refusal returns the problem of a request that no route may see, or nil.
func (a *API) refusal(request Request, r *http.Request, now time.Time) *Problem {
	if request.Suspended && !IsPublic(r.URL.Path) {
		return suspended()
	}
	if p := a.takeToken(request, now); p != nil {
		return p
	}
	if message := ambiguousKey(r.Header.Values(headerIdempotencyKey)); message != "" {
		return invalidParameter(headerIdempotencyKey, message)
	}
	if detail := uncleanPath(r.URL.Path); detail != "" {
		return newProblem(problem.NotFound, detail)
	}
	return nil
}

// ambiguousKey returns what is wrong with the values of an Idempotency-Key header, or ""
// if nothing is. Treating such a key as absent, or using one of several, would leave the
// client without the protection that it relies on.
func ambiguousKey(values []string) string {
	switch {
	case len(values) > 1:
		return "the header appears more than once; send one key"
	case len(values) == 1 && values[0] == "":
		return "the key is empty; give one or omit the header"
	}
	return ""
}

// uncleanPath returns what is wrong with a path that ServeMux would redirect to a
// different one, which the client did not mean, or "" if nothing is.
func uncleanPath(p string) (detail string) {
	switch {
	case strings.Contains(p, "//"), strings.HasSuffix(p, "/") && p != "/":
		return "There is no such route: the path has an empty segment. An id may be missing."
	case p != path.Clean(p), !strings.HasPrefix(p, "/"):
		return "There is no such route."
	}
	return ""
}

// isRequestID reports whether a caller's own id for a request can be logged unchanged.
func isRequestID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// recorder records the status of an answer, and omits the body of an answer to HEAD.
type recorder struct {
	http.ResponseWriter
	status  int
	head    bool
	started bool
	limits  *limits
}

func (r *recorder) WriteHeader(status int) {
	r.status, r.started = status, true
	r.limits.write(r.Header())
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if !r.started {
		r.WriteHeader(r.status)
	}
	if r.head {
		return len(b), nil
	}
	return r.ResponseWriter.Write(b)
}

// unrouted answers requests that match no route. OPTIONS gets the path's methods, any
// other method a 405, and an unknown path a 404.
func unrouted(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		methods := methodsOf(mux, r)
		if len(methods) == 0 {
			writeProblem(w, r, newProblem(problem.NotFound, "There is no such route."))
			return
		}
		w.Header().Set("Allow", strings.Join(methods, ", "))
		if r.Method == http.MethodOptions {
			allowMethods(w, methods)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		writeProblem(w, r, methodNotAllowed())
	}
}

// methodsOf lists the methods of a request's path. It is empty if there is no such path.
func methodsOf(mux *http.ServeMux, r *http.Request) []string {
	var methods []string
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPatch, http.MethodPost, http.MethodPut} {
		probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(probe); pattern != "" && pattern != "/" {
			methods = append(methods, method)
		}
	}
	if len(methods) > 0 {
		methods = append(methods, http.MethodOptions)
	}
	return slices.Sorted(slices.Values(methods))
}
