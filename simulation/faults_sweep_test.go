package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

// sweepFaults are faults that only the sweep repairs. What they expect in addition to
// the laws is checked during the history, so that a mutant can break it too.
var sweepFaults = []faultCase{
	{fault: "43", name: "every sweep dies on one batch, and the others are repaired", faults: Faults{Until: 3 * time.Hour}, seeds: 10, setup: deadlyBatch,
		check: func(t *testing.T, w *World) { everyBatchIs(t, w, inquiry.BatchCompleted) }, total: happened("died")},

	{fault: "44", name: "a batch is canceled during its sweep, and the record of the cancel is lost", setup: cancelDuringSweep,
		check: func(t *testing.T, w *World) { everyBatchIs(t, w, inquiry.BatchCancelled) }, total: happened("canceled")},

	{fault: "45", name: "an inquiry's item has an unknown status, and fails at the deadline", setup: unknownStatus,
		check: func(t *testing.T, w *World) {
			everyBatchIs(t, w, inquiry.BatchPartialSuccess)
			if n := w.table.Item(itemKey(only(t, w), 1))[store.StatusAttribute].(*types.AttributeValueMemberS).Value; n != archived {
				t.Errorf("the item's status is %s, want %s", n, archived)
			}
		}},
}

func everyBatchIs(t *testing.T, w *World, want inquiry.BatchStatus) {
	t.Helper()
	for _, b := range w.check.batches {
		if b.status != want {
			t.Errorf("B%d is %s, want %s", b.number, b.status, want)
		}
	}
}

// deadlyBatch has clients submit ten batches of which no inquiry is dispatched. While
// faults last, every sweep dies when it reads the first one.
func deadlyBatch(_ *testing.T, w *World) {
	w.mappings[0].filter = func(record) bool { return false }
	for n := range 10 {
		w.at(time.Duration(n)*time.Second, "submit", lenders[n%2], newSubmission(lenders[n%2], "", found, none))
	}
	w.onCall = func(c *Call) Verdict {
		if c.In.Function != "sweep-open-batches" || c.Operation != "Query" || !w.faultsLast() ||
			!strings.Contains(c.PK, w.check.batches[0].id.String()) {
			return Proceed
		}
		seen["died"]++
		return CrashBefore
	}
	w.do(45*time.Minute, "all batches but one are repaired", func() {
		for _, b := range w.check.batches[1:] {
			if !b.status.Final() {
				w.violate("I1", "B%d is %s, because sweeps die on another batch", b.number, b.status)
			}
		}
	})
}

// cancelDuringSweep has a client submit a batch whose messages are all lost. It is
// canceled when the third sweep, an hour after the submission, has read it.
func cancelDuringSweep(_ *testing.T, w *World) {
	submit(w, found, none, found)
	w.lose = func(inquiry.ID) bool { return true }
	w.mappings[0].filter = func(r record) bool { return imageText(r, store.EventAttribute) == string(store.EventSubmitted) }
	canceled := false
	w.onCall = func(c *Call) Verdict {
		if c.In.Function != "sweep-open-batches" || c.Operation != "SendMessageBatch" || canceled || w.now.Before(noon.Add(time.Hour)) {
			return Proceed
		}
		b := w.check.batches[0]
		if _, err := w.direct().RequestCancel(context.Background(), b.lender, b.id); err != nil {
			w.violate("I1", "the cancel fails: %v", err)
		}
		canceled = true
		seen["canceled"]++
		w.do(w.now.Sub(noon)+11*time.Minute, "the cancel is carried out", func() {
			if b.status != inquiry.BatchCancelled {
				w.violate("I1", "the batch is %s, 11 minutes after its cancel", b.status)
			}
		})
		return Proceed
	}
}

// archived is a status that this version does not know.
const archived = "ARCHIVED"

func itemKey(b *batchState, index int) table.Key {
	return table.Key{
		PK: fmt.Sprintf("%s%s%s%s#%d", store.LenderPrefix, b.lender, store.BatchInfix, b.id, index/256),
		SK: fmt.Sprintf("%s%05d", store.InquiryPrefix, index),
	}
}

// unknownStatus has a newer worker, which is rolled back, write a status to the item of
// an inquiry that no worker can finish. The lender reads the batch before and after its
// deadline.
func unknownStatus(_ *testing.T, w *World) {
	submit(w, found, poison, none)
	w.do(10*time.Minute, "a newer worker writes an unknown status", func() {
		k := itemKey(w.check.batches[0], 1)
		_, err := w.table.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
			TableName:                aws.String(tableName),
			Key:                      map[string]types.AttributeValue{store.PKAttribute: &types.AttributeValueMemberS{Value: k.PK}, store.SKAttribute: &types.AttributeValueMemberS{Value: k.SK}},
			UpdateExpression:         aws.String("SET #status = :new"),
			ExpressionAttributeNames: map[string]string{"#status": store.StatusAttribute}, ExpressionAttributeValues: map[string]types.AttributeValue{":new": &types.AttributeValueMemberS{Value: archived}},
		})
		if err != nil {
			w.violate("I9", "writing the status: %v", err)
		}
	})
	shown := func(want ...inquiry.Status) func() {
		return func() {
			b := w.check.batches[0]
			page, err := w.direct().ListEntries(context.Background(), b.lender, b.id, inquiry.EntryQuery{Limit: 10})
			var got []inquiry.Status
			for _, e := range page.Entries {
				got = append(got, e.Record.Status)
			}
			if err != nil || !slices.Equal(got, want) {
				w.violate("I2", "the lender is shown %v, want %v (%v)", got, want, err)
			}
		}
	}
	w.do(time.Hour, "the lender reads the batch", shown(inquiry.StatusCompleted, inquiry.StatusRunning, inquiry.StatusCompleted))
	w.do(deadline+10*time.Minute, "the lender reads the batch again", shown(inquiry.StatusCompleted, inquiry.StatusFailed, inquiry.StatusCompleted))
}
