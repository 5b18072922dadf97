package store

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// A newer version writes a status that this version does not know, and is rolled back.
func TestUnknownStatus(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := mustSubmit(t, s, acme, 2)
	if _, err := s.Claim(t.Context(), acme, id.Inquiry(0), "worker", s.until()); err != nil {
		t.Fatal(err)
	}
	_, err := s.db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: recordKey(acme, id.Inquiry(0)),
		UpdateExpression:          aws.String("SET #status = :new, report = :report"),
		ExpressionAttributeNames:  map[string]string{"#status": StatusAttribute},
		ExpressionAttributeValues: item{":new": text("ARCHIVED"), ":report": binary([]byte("a report"))},
	})
	if err != nil {
		t.Fatal(err)
	}

	records, err := s.Records(t.Context(), inquiry.Batch{LenderID: acme, ID: id, Tally: inquiry.NewTally(2)})
	if err != nil || len(records) != 1 || records[0].Status != "ARCHIVED" {
		t.Errorf("a sweep reads %+v, %v", records, err)
	}
	shown := func(when string, want inquiry.Record) {
		t.Helper()
		want.ID, want.Figures.StartedAt, want.Figures.Attempts = id.Inquiry(0), noon, 1
		one, err := s.Entry(t.Context(), acme, id.Inquiry(0))
		if diff := cmp.Diff(want, one.Record); err != nil || diff != "" {
			t.Errorf("%s, one inquiry: %v (-want +got):\n%s", when, err, diff)
		}
		for _, query := range []inquiry.EntryQuery{{Limit: 10}, {Limit: 10, ExternalID: "LOAN-0"}} {
			page, err := s.ListEntries(t.Context(), acme, id, query)
			if err != nil || len(page.Entries) == 0 {
				t.Fatalf("%s, a list: %d entries, %v", when, len(page.Entries), err)
			}
			if diff := cmp.Diff(want, page.Entries[0].Record); diff != "" {
				t.Errorf("%s, a list (-want +got):\n%s", when, diff)
			}
		}
		page, err := s.ListEntries(t.Context(), acme, id, inquiry.EntryQuery{Limit: 10, Status: want.Status})
		if err != nil || len(page.Entries) == 0 || page.Entries[0].ID != want.ID {
			t.Errorf("%s, the list of %s: %+v, %v", when, want.Status, page.Entries, err)
		}
	}
	running := inquiry.Change{Index: 0, Status: inquiry.StatusRunning}
	if _, err := s.Merge(t.Context(), acme, id, []inquiry.Change{running}); err != nil {
		t.Fatal(err)
	}
	shown("before the deadline", inquiry.Record{Status: inquiry.StatusRunning})

	failed := []inquiry.Change{finished(0, inquiry.StatusFailed), finished(1, inquiry.StatusFailed)}
	batch, err := s.Merge(t.Context(), acme, id, failed)
	if err != nil {
		t.Fatal(err)
	}
	shown("after it", inquiry.Record{
		Status: inquiry.StatusFailed, Failure: inquiry.FailureDeadline, Retryable: true, Figures: inquiry.Figures{FinishedAt: batch.FinishedAt},
	})
}
