package boot_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/boot"
)

// held is a connection on which the last Write of a request returns only when the
// client has begun to read the answer's body, and so after it closed the request's.
type held struct {
	net.Conn
	written  bytes.Buffer
	answered <-chan struct{}
}

func (c *held) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Write(p[:n])
	head, body, _ := bytes.Cut(c.written.Bytes(), []byte("\r\n\r\n"))
	request, parseErr := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n\r\n"))))
	if parseErr == nil && int64(len(body)) == request.ContentLength {
		<-c.answered
	}
	return n, err
}

// noticing closes answered at the first read of an answer's body.
type noticing struct {
	io.ReadCloser
	answered func()
}

func (b noticing) Read(p []byte) (int, error) {
	b.answered()
	return b.ReadCloser.Read(p)
}

type clientFunc func(*http.Request) (*http.Response, error)

func (f clientFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

func TestHTTPClient(t *testing.T) {
	t.Parallel()

	t.Run("an answer that begins before net/http has finished the request is read to its end", func(t *testing.T) {
		t.Parallel()
		wrote := make(chan error, 1)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type": "ConditionalCheckFailedException", `)
			w.(http.Flusher).Flush()
			if err := <-wrote; err != nil {
				t.Errorf("writing the request: %v", err)
			}
			_, _ = io.WriteString(w, `"message": "The conditional request failed"}`)
		}))
		defer server.Close()

		answered := make(chan struct{})
		begin := sync.OnceFunc(func() { close(answered) })
		inner := boot.HTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(transport *http.Transport) {
			transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
				return &held{Conn: conn, answered: answered}, err
			}
		}))
		db := dynamodb.New(dynamodb.Options{
			BaseEndpoint: &server.URL, Region: "us-east-1", RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
			HTTPClient: clientFunc(func(r *http.Request) (*http.Response, error) {
				resp, err := inner.Do(r)
				if err == nil {
					resp.Body = noticing{resp.Body, begin}
				}
				return resp, err
			}),
		})
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			WroteRequest: func(info httptrace.WroteRequestInfo) { wrote <- info.Err },
		})
		_, err := db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: aws.String("table"),
			Key:       map[string]types.AttributeValue{"PK": &types.AttributeValueMemberB{Value: make([]byte, 5000)}},
		})
		if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); !ok {
			t.Errorf("the call returns %v, want the ConditionalCheckFailedException that the table answered", err)
		}
	})
}
