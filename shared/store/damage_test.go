package store

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// A batch that is absent is nobody's loss; one that cannot be read is ours, and
// must not be taken for the other.
func TestADamagedHeaderIsNotAnAbsentOne(t *testing.T) {
	t.Parallel()
	for _, damage := range []string{"REMOVE batchId", "REMOVE lenderId", "SET lenderId = :other", "SET batchId = :other"} {
		t.Run(damage, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			id := mustSubmit(t, s, acme, 1)
			update := &dynamodb.UpdateItemInput{
				TableName: &s.table, Key: key(batchKey(acme, id), headerKey), UpdateExpression: aws.String(damage),
			}
			if damage[0] == 'S' {
				update.ExpressionAttributeValues = item{":other": text("other-bank")}
			}
			if _, err := s.db.UpdateItem(t.Context(), update); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Batch(t.Context(), acme, id); err == nil || errors.Is(err, inquiry.ErrNotFound) {
				t.Errorf("reading it: %v, want an error that is not ErrNotFound", err)
			}
			if _, err := s.Merge(t.Context(), acme, id, []inquiry.Change{finished(0, inquiry.StatusCompleted)}); err == nil || errors.Is(err, inquiry.ErrNotFound) {
				t.Errorf("counting in it: %v, want an error that is not ErrNotFound", err)
			}
		})
	}
}
