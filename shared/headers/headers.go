// Package headers lists the headers that every answer has, whether the API function or
// the gateway itself sends it.
package headers

// Always are these headers with their values: a browser must not guess the type of an
// answer, and must use HTTPS for a year.
var Always = map[string]string{
	"X-Content-Type-Options":    "nosniff",
	"Strict-Transport-Security": "max-age=31536000",
}
