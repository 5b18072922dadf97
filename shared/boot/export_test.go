package boot

import (
	"context"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// HTTPClientOn is HTTPClient with connections that a test makes.
func HTTPClientOn(dial func(ctx context.Context, network, address string) (net.Conn, error)) aws.HTTPClient {
	c := HTTPClient().(httpClient)
	c.sdk = c.sdk.WithTransportOptions(func(t *http.Transport) { t.DialContext = dial })
	return c
}
