package httpapi

import (
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// outer gives every answer a request id and a log line, treats a path with and
// without its last slash alike, refuses a lender's request that is one too many,
// and turns a panic into a 500.
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
		w.Header().Set(headerRequestID, request.ID)
		w.Header().Set("Cache-Control", "no-store")
		a.allowOrigin(w, r)
		recorder := &recorder{ResponseWriter: w, status: http.StatusOK, head: r.Method == http.MethodHead, limits: request.limits}
		defer func() {
			if p := recover(); p != nil {
				// The panic's value may quote the request; the stack does not.
				a.Log.ErrorContext(r.Context(), "panic", "requestId", request.ID, "stack", string(debug.Stack()))
				writeProblem(recorder, r, internalProblem())
			}
			a.Log.InfoContext(r.Context(), "answered", "requestId", request.ID, "gatewayRequestId", gatewayID,
				"method", r.Method, "route", r.Pattern, "status", recorder.status,
				"lenderId", request.Caller.LenderID, "milliseconds", a.Now().Sub(started).Milliseconds())
		}()
		if request.Suspended && !IsPublic(r.URL.Path) {
			writeProblem(recorder, r, newProblem(http.StatusForbidden, problem.Suspended, suspendedDetail))
			return
		}
		if p := a.admit(request, started); p != nil {
			writeProblem(recorder, r, p)
			return
		}
		if message := unclearKey(r.Header.Values("Idempotency-Key")); message != "" {
			p := newProblem(http.StatusUnprocessableEntity, "validation", "Correct what errors lists and send the request again.")
			p.Errors = []Fault{{Parameter: "Idempotency-Key", Code: "invalid", Message: message}}
			writeProblem(recorder, r, p)
			return
		}
		if detail := uncleanPath(r.URL.Path); detail != "" {
			writeProblem(recorder, r, newProblem(http.StatusNotFound, "not-found", detail))
			return
		}
		next.ServeHTTP(recorder, r)
	})
}

// unclearKey says what is wrong with the lines of an Idempotency-Key header; "" is
// nothing. Taken for none, or for another than was meant, a key would protect
// nobody, and whoever sent it relies on it.
func unclearKey(lines []string) string {
	switch {
	case len(lines) > 1:
		return "the header is there more than once; send one key"
	case len(lines) == 1 && lines[0] == "":
		return "the key is empty; leave the header out or give it a value"
	}
	return ""
}

// uncleanPath says what is wrong with a path that ServeMux would send the client
// away from, to one that it did not mean; "" is nothing.
func uncleanPath(p string) (detail string) {
	switch {
	case strings.Contains(p, "//"), strings.HasSuffix(p, "/") && p != "/":
		return "There is no such route: the path has an empty part. An id may be missing."
	case p != path.Clean(p), !strings.HasPrefix(p, "/"):
		return "There is no such route."
	}
	return ""
}

// isRequestID reports whether a caller's own name for a request can stand in our
// logs as it is.
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

// recorder remembers the status of an answer, and keeps the body back from a
// request with HEAD.
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

// unrouted answers what no route takes: OPTIONS with the methods that the path
// has, another method than those with 405, and a path that has none with 404.
func unrouted(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		methods := methodsOf(mux, r)
		if len(methods) == 0 {
			writeProblem(w, r, newProblem(http.StatusNotFound, "not-found", "There is no such route."))
			return
		}
		w.Header().Set("Allow", strings.Join(methods, ", "))
		if r.Method == http.MethodOptions {
			allowMethods(w, methods)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		writeProblem(w, r, newProblem(http.StatusMethodNotAllowed, "method-not-allowed", "The Allow header lists the methods that there are."))
	}
}

// methodsOf lists the methods that a request's path has; none if it is no path
// of ours.
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
