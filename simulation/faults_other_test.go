package simulation

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

var otherFaults = []faultCase{
	{fault: "36", name: "clocks differ by up to five minutes", seeds: 60,
		faults: Faults{Until: time.Hour, Skew: true, Duplicate: 0.5, CrashAfter: 0.1, Freeze: 0.05, CrashBefore: 0.05}, setup: func(_ *testing.T, w *World) {
			submit(w, found, none, part, slow)
			leased(w)
		}, total: happened("leased")},

	{fault: "42a", name: "a record has an unknown status", setup: func(_ *testing.T, w *World) {
		submit(w, found, none)
		w.do(time.Minute, "a newer worker writes a record", func() {
			for _, s := range w.stream.shards {
				at := slices.IndexFunc(s.records, w.mappings[1].filter)
				if at < 0 {
					continue
				}
				forged := s.records[at]
				forged.Change.NewImage = map[string]events.DynamoDBAttributeValue{}
				for name, v := range s.records[at].Change.NewImage {
					forged.Change.NewImage[name] = v
				}
				forged.Change.NewImage[store.StatusAttribute] = events.NewStringAttribute("ARCHIVED")
				forged.Change.SequenceNumber = fmt.Sprintf("%021d", s.base+uint64(len(s.records)))
				s.records = append(s.records, forged)
			}
		})
		w.at(time.Minute, "submit", zenith, newSubmission(zenith, "", found, found))
	}, check: func(t *testing.T, w *World) {
		for _, b := range w.check.batches {
			if b.status != inquiry.BatchCompleted || b.finalAt.Sub(noon) > 2*time.Minute {
				t.Errorf("B%d is %s after %v", b.number, b.status, b.finalAt.Sub(noon))
			}
		}
		if len(w.aside) != 1 {
			t.Errorf("%d records were set aside, want 1", len(w.aside))
		}
	}},
	{fault: "42b", name: "old workers read the messages and items of a newer version", setup: func(_ *testing.T, w *World) {
		submit(w, found, none)
		w.onStep = func() {
			for _, m := range w.queue.messages {
				if !strings.Contains(m.body, "newField") {
					m.body = `{"newField":{"a":[1]},` + m.body[1:]
					seen["newer"]++
				}
			}
		}
		w.hooks = &Hooks{Table: newerWriter}
	}, check: completed, total: happened("newer")},
}

// newerWriter adds an attribute that this version does not know.
func newerWriter(_ string, db store.DB) store.DB {
	return mutantTable{DB: db, update: func(in *dynamodb.UpdateItemInput) {
		if in.UpdateExpression != nil && strings.HasPrefix(in.Key[store.SKAttribute].(*types.AttributeValueMemberS).Value, store.InquiryPrefix) {
			replace(in.UpdateExpression, "SET ", "SET newAttribute = :newer, ")
			in.ExpressionAttributeValues[":newer"] = &types.AttributeValueMemberS{Value: "yes"}
		}
	}}
}
