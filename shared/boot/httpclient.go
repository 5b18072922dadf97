package boot

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// HTTPClient returns the client with which AWS is called. It is the SDK's own,
// without a race that loses answers.
//
// The SDK closes a request's body as soon as the answer begins. If net/http has
// sent the whole body by then but has not yet looked for its end, it asks the
// closed body to write itself, gets io.EOF where nil is meant, takes that for a
// failed request and closes the connection in the middle of the answer: "failed
// to copy error response body, use of closed network connection". A busy machine
// and a body larger than net/http's buffer of 4 KB are enough. A body that can
// only be read is not affected.
//
// The two halves of the race are safeWriteToReadCloser.WriteTo in
// github.com/aws/smithy-go/transport/http/internal/io and
// transferWriter.writeBody in net/http.
func HTTPClient() aws.HTTPClient { return httpClient{awshttp.NewBuildableClient()} }

type httpClient struct{ sdk *awshttp.BuildableClient }

func (c httpClient) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = readOnly{r.Body}
	}
	return c.sdk.Do(r)
}

// readOnly hides every method of a body but Read and Close.
type readOnly struct{ io.ReadCloser }
