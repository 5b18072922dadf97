package store

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestRecall(t *testing.T) {
	t.Parallel()

	t.Run("returns the batch only for the same request", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender, sub := newLender(t, s, acme), submission(1)
		sub.IdempotencyKey, sub.Fingerprint = "k", [32]byte{1}
		id, _, err := s.Submit(t.Context(), lender, sub)
		if err != nil {
			t.Fatal(err)
		}
		tests := map[string]struct {
			lender inquiry.LenderID
			key    string
			first  byte
			later  time.Duration
			want   error
		}{
			"the same request":      {acme, "k", 1, time.Hour, nil},
			"another request":       {acme, "k", 2, 0, inquiry.ErrIdempotencyMismatch},
			"another key":           {acme, "l", 1, 0, inquiry.ErrNotFound},
			"another lender":        {"other-bank", "k", 1, 0, inquiry.ErrNotFound},
			"more than a day later": {acme, "k", 1, 24*time.Hour + time.Second, inquiry.ErrNotFound},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				got, err := s.later(tt.later).Recall(t.Context(), tt.lender, tt.key, [32]byte{tt.first})
				if !errors.Is(err, tt.want) || err == nil && got != id {
					t.Errorf("Recall() = %s, %v; want error %v", got, err, tt.want)
				}
			})
		}
		_, err = s.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(s.table), Item: idempotencyRecord(acme, "damaged")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recall(t.Context(), acme, "damaged", [32]byte{1}); err == nil || errors.Is(err, inquiry.ErrNotFound) {
			t.Errorf("a damaged record: %v", err)
		}
	})
}
