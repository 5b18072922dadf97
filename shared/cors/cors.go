// Package cors lists the headers that scripts of the portal may use. The API
// function and the gateway's own answers must agree on them.
package cors

const (
	// RequestHeaders are the request headers that a script may send.
	RequestHeaders = "Accept, Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id"

	// ExposedHeaders are the response headers that a script may read.
	ExposedHeaders = "Allow, Content-Disposition, ETag, Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Results-As-Of, Results-Complete, Retry-After, " +
		"WWW-Authenticate, X-Amzn-Remapped-Www-Authenticate, X-Amzn-RequestId, X-Request-Id"
)
