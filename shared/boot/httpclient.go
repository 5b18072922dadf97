package boot

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// HTTPClient returns the SDK's HTTP client, with a fix for a race that loses
// responses.
//
// The SDK closes a request's body as soon as the answer begins. net/http may have
// sent the whole body by then without having looked for its end. It then asks the
// closed body to write itself, gets io.EOF where nil is meant, believes that the
// request failed and closes the connection while the answer is being read: "failed
// to copy error response body, use of closed network connection". A busy machine
// and a body larger than net/http's buffer of 4 KB are enough. A body that has no
// WriteTo method is safe.
//
// The two sides of the race are safeWriteToReadCloser.WriteTo in
// github.com/aws/smithy-go/transport/http/internal/io and
// transferWriter.writeBody in net/http.
func HTTPClient(sdk aws.HTTPClient) aws.HTTPClient { return httpClient{sdk} }

type httpClient struct{ sdk aws.HTTPClient }

func (c httpClient) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = readOnly{r.Body}
	}
	return c.sdk.Do(r)
}

// readOnly hides every method of a body except Read and Close.
type readOnly struct{ io.ReadCloser }
