package simulation

import (
	"context"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	sweep "github.com/batch-inquiries/batch-inquiries/functions/sweep-open-batches/handler"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// sweepMutants are mistakes of the sweep, with the fault that shows each of them. In
// random histories they are too rare.
var sweepMutants = map[string]struct {
	fault string
	hooks Hooks
}{
	"a sweep postpones a batch after its work only": {"43", Hooks{
		Batches: func(inner sweep.Batches) sweep.Batches { return postponesAfterwards{inner} },
	}},
	"a batch of which a sweep may have died is swept together with others": {"43", Hooks{
		Batches: func(inner sweep.Batches) sweep.Batches { return forgetsDeaths{inner} },
	}},
	"a sweep reads one shard of the index only": {"43", Hooks{Table: func(_ string, db store.DB) store.DB {
		return mutantTable{DB: db, query: func(in *dynamodb.QueryInput) {
			if in.IndexName != nil {
				in.ExpressionAttributeValues[":shard"] = &types.AttributeValueMemberS{Value: store.OpenShards[0]}
			}
		}}
	}}},
	"a sweep does not read the batches of a sweep that died": {"43", Hooks{Table: func(_ string, db store.DB) store.DB {
		return mutantTable{DB: db, query: func(in *dynamodb.QueryInput) {
			if shard, ok := in.ExpressionAttributeValues[":shard"].(*types.AttributeValueMemberS); ok && shard.Value == store.OpenBegun {
				shard.Value = store.OpenShards[0]
			}
		}}
	}}},
	"a sweep postpones a batch without comparing when it is due": {"44", Hooks{Table: updates("sweep-open-batches", func(in *dynamodb.UpdateItemInput) {
		if strings.Contains(*in.UpdateExpression, "nextCheckAt = :again") {
			*in.ConditionExpression = "attribute_exists(openShard)"
			delete(in.ExpressionAttributeValues, ":at")
		}
	})}},
	"a sweep takes an inquiry with an unknown status for idle": {"45", Hooks{
		Batches: func(inner sweep.Batches) sweep.Batches { return unknownAsIdle{inner} },
	}},
}

// TestSweepMutants checks that the simulator notices every mutant of the sweep.
func TestSweepMutants(t *testing.T) {
	for name, m := range sweepMutants {
		t.Run(name, func(t *testing.T) {
			for _, c := range sweepFaults {
				if c.fault != m.fault {
					continue
				}
				for seed := uint64(1); seed <= 15; seed++ {
					if law := c.brokenBy(t, seed, &m.hooks); law != "" {
						t.Logf("seed %d: %s", seed, law)
						return
					}
				}
			}
			t.Error("no law was broken")
		})
	}
}

// brokenBy returns the law that a mutant breaks in the case, or "".
func (c *faultCase) brokenBy(t *testing.T, seed uint64, hooks *Hooks) (law string) {
	t.Helper()
	seen = sightings{}
	inBubble(t, seed, func() {
		w := newWorld(seed, c.faults, io.Discard)
		w.hooks = hooks
		c.setup(t, w)
		w.run()
		law = w.check.broken
	})
	return law
}

type postponesAfterwards struct{ sweep.Batches }

func (postponesAfterwards) BeginSweep(_ context.Context, due store.DueBatch, _ time.Time) (store.DueBatch, error) {
	return due, nil
}

type forgetsDeaths struct{ sweep.Batches }

func (m forgetsDeaths) Due(ctx context.Context) iter.Seq2[store.DueBatch, error] {
	return func(yield func(store.DueBatch, error) bool) {
		for due, err := range m.Batches.Due(ctx) {
			due.Begun = false
			if !yield(due, err) {
				return
			}
		}
	}
}

type unknownAsIdle struct{ sweep.Batches }

func (m unknownAsIdle) Records(ctx context.Context, b inquiry.Batch) ([]inquiry.Record, error) {
	records, err := m.Batches.Records(ctx, b)
	for i, r := range records {
		if !r.Status.Known() {
			records[i].Status, records[i].LeaseUntil = inquiry.StatusRunning, time.Time{}
		}
	}
	return records, err
}
