package store

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// answers is a transport that gives every call the same reply.
type answers func() (*http.Response, error)

func (a answers) RoundTrip(*http.Request) (*http.Response, error) { return a() }

// errorReply is an error reply of DynamoDB.
func errorReply(status int, code, more string) answers {
	return func() (*http.Response, error) {
		body := `{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"no"` + more + `}`
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func broken(err error) answers { return func() (*http.Response, error) { return nil, err } }

func TestMarkUnavailable(t *testing.T) {
	t.Parallel()

	t.Run("which errors mean that the table is unavailable", func(t *testing.T) {
		t.Parallel()
		canceled := func(codes string) string {
			var reasons []string
			for code := range strings.SplitSeq(codes, " ") {
				reasons = append(reasons, `{"Code":"`+code+`"}`)
			}
			return `,"CancellationReasons":[` + strings.Join(reasons, ",") + `]`
		}
		for name, c := range map[string]struct {
			table answers
			want  bool
		}{
			"throttled":                     {errorReply(400, "ThrottlingException", ""), true},
			"beyond the capacity":           {errorReply(400, "ProvisionedThroughputExceededException", ""), true},
			"beyond the account's limit":    {errorReply(400, "RequestLimitExceeded", ""), true},
			"failing":                       {errorReply(500, "InternalServerError", ""), true},
			"a transaction is in the way":   {errorReply(400, "TransactionConflictException", ""), true},
			"a throttled transaction":       {errorReply(400, "TransactionCanceledException", canceled("None ThrottlingError")), true},
			"a transaction beyond capacity": {errorReply(400, "TransactionCanceledException", canceled("ProvisionedThroughputExceeded None")), true},
			"no listener":                   {broken(&net.OpError{Op: "dial", Err: errors.New("connection refused")}), true},
			"the connection breaks":         {broken(errors.New("read: connection reset by peer")), true},
			"a validation error":            {errorReply(400, "ValidationException", ""), false},
			"access denied":                 {errorReply(400, "AccessDeniedException", ""), false},
			"no such table":                 {errorReply(400, "ResourceNotFoundException", ""), false},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := New(dynamodb.New(dynamodb.Options{
					Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
					HTTPClient: &http.Client{Transport: c.table}, RetryMaxAttempts: 1,
				}), "table", time.Now)
				id := inquiry.NewBatchID(noon)
				_, reading := s.Batch(t.Context(), acme, id)
				_, writing := s.RequestCancel(t.Context(), acme, id)
				_, _, both := s.RequestCancelOnce(t.Context(), acme, id, "k")
				for _, err := range []error{reading, writing, both} {
					if err == nil || errors.Is(err, inquiry.ErrUnavailable) != c.want {
						t.Errorf("error %v; want ErrUnavailable: %t", err, c.want)
					}
				}
			})
		}
	})
}

// busy is a table that has the lender and cancels every transaction.
type busy struct {
	DB
	code string // why
}

func (busy) BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	profile, counts := key(lenderProfileKey(acme), profileKey), key(lenderKey(acme), countsKey)
	profile["status"], profile["openMax"] = text(string(inquiry.AccessActive)), number(10)
	return &dynamodb.BatchGetItemOutput{Responses: map[string][]item{"table": {profile, counts}}}, nil
}

func (b busy) TransactWriteItems(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	reasons := make([]types.CancellationReason, len(in.TransactItems))
	reasons[0].Code = aws.String(b.code)
	return nil, &types.TransactionCanceledException{CancellationReasons: reasons}
}

func TestSubmitContended(t *testing.T) {
	t.Parallel()

	t.Run("the error says why no try succeeded", func(t *testing.T) {
		t.Parallel()
		if _, err := paginate(submission(1).Inquiries); err != nil { // the encoder, made at the first use, must not belong to one synctest bubble
			t.Fatal(err)
		}
		for code, want := range map[string]error{
			"TransactionConflict": inquiry.ErrConflict, "ThrottlingError": inquiry.ErrUnavailable, "ProvisionedThroughputExceeded": inquiry.ErrUnavailable,
		} {
			synctest.Test(t, func(t *testing.T) {
				s := New(busy{code: code}, "table", time.Now)
				lender := inquiry.Lender{ID: acme, Status: inquiry.AccessActive, OpenMax: 10}
				if _, _, err := s.Submit(t.Context(), lender, submission(1)); !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", code, err, want)
				}
				if code != "TransactionConflict" {
					return
				}
				if _, _, err := s.RequestCancelOnce(t.Context(), acme, inquiry.NewBatchID(noon), "k"); !errors.Is(err, want) {
					t.Errorf("canceling, %s: %v, want %v", code, err, want)
				}
			})
		}
	})
}
