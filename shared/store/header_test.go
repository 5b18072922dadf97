package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// sizeOf returns slightly more than the size that DynamoDB counts for a value.
func sizeOf(value types.AttributeValue) int {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(v.Value)/2 + 2
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberM:
		n := 3
		for name, member := range v.Value {
			n += 1 + len(name) + sizeOf(member)
		}
		return n
	case *types.AttributeValueMemberL:
		n := 3
		for _, member := range v.Value {
			n += 1 + sizeOf(member)
		}
		return n
	}
	return 1
}

func TestNewHeader(t *testing.T) {
	t.Parallel()

	// A poll costs only one read unit while the header fits into 4 KB.
	t.Run("5,000 inquiries fit into one read unit", func(t *testing.T) {
		t.Parallel()
		const total = 5000
		var changes []inquiry.Change
		for i := range total {
			started := noon.Add(time.Duration(i) * time.Second)
			c := inquiry.Change{Index: i, Status: inquiry.StatusCompleted, Figures: inquiry.Figures{
				StartedAt: started, FinishedAt: started.Add(time.Duration(i) * 37 * time.Millisecond), Attempts: 1,
				Sources: map[string]inquiry.SourceFigures{},
			}}
			for s := range 5 {
				c.Figures.Sources[fmt.Sprintf("source-%d", s)] = inquiry.SourceFigures{Outcome: inquiry.OutcomeFound, Records: 2, Elapsed: time.Duration(i) * 31 * time.Microsecond}
			}
			changes = append(changes, c)
		}
		tally, _ := inquiry.NewTally(total).Merge(changes...)
		it, err := newHeader(inquiry.Batch{
			ID: inquiry.NewBatchID(noon), LenderID: acme, Name: "A name as people give batches", Operation: inquiry.OperationSubmit,
			SubmittedBy: "0191e0c0-7a5c-7000-8000-000000000000", Ordinal: 100_000, Tally: tally, Version: 400,
		}, []int{0, 1000, 2000, 3000, 4000})
		if err != nil {
			t.Fatal(err)
		}
		if n := sizeOf(&types.AttributeValueMemberM{Value: it}); n > 4096 {
			t.Errorf("the header has about %d bytes", n)
		}
	})
}

func TestParseHeader(t *testing.T) {
	t.Parallel()

	// A batch that does not exist is the caller's mistake. A header that cannot be read is
	// a fault of the service and must not be reported as the former.
	t.Run("a damaged header is unreadable and not absent", func(t *testing.T) {
		t.Parallel()
		for _, damage := range []string{"REMOVE batchId", "REMOVE lenderId", "REMOVE ledger", "SET lenderId = :other", "SET batchId = :other"} {
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
				if _, err := s.Batch(t.Context(), acme, id); !errors.Is(err, inquiry.ErrUnreadable) || errors.Is(err, inquiry.ErrNotFound) {
					t.Errorf("reading it: %v, want %v", err, inquiry.ErrUnreadable)
				}
				if _, err := s.Merge(t.Context(), acme, id, []inquiry.Change{finished(0, inquiry.StatusCompleted)}); !errors.Is(err, inquiry.ErrUnreadable) || errors.Is(err, inquiry.ErrNotFound) {
					t.Errorf("counting in it: %v, want %v", err, inquiry.ErrUnreadable)
				}
				if _, _, err := s.Submitted(t.Context(), acme, id); !errors.Is(err, inquiry.ErrUnreadable) || errors.Is(err, inquiry.ErrNotFound) {
					t.Errorf("reading what was submitted: %v, want %v", err, inquiry.ErrUnreadable)
				}
			})
		}
	})
}
