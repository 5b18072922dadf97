package simulation

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// failedRecords is where the readers of the stream set records aside.
type failedRecords interface {
	Put(context.Context, record) error
}

// asideClient is the bucket of failed records as one invocation sees it.
type asideClient struct{ in *Invocation }

func (c asideClient) Put(ctx context.Context, r record) error {
	return c.in.call("PutObject", partitionKey(r), sortKey(r)+" "+r.Change.SequenceNumber, func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.in.w.aside[asideName(r)] = true
		return nil
	})
}

// failed returns the bucket of failed records as an invocation sees it.
func (i *Invocation) failed() failedRecords {
	bucket := failedRecords(asideClient{i})
	if wrap := i.w.hooks.Failed; wrap != nil {
		bucket = wrap(bucket)
	}
	return bucket
}

// isAside reports whether the record is in the bucket of failed records, whole.
func (w *World) isAside(r record) bool { return w.aside[asideName(r)] }

func asideName(r record) string {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // a record comes from JSON
	}
	return string(text)
}

// unreadable returns the record with an image that this version cannot read, as
// damage or a newer version would leave it. The item in the table is as it was.
func unreadable(r record) record {
	r.Change.NewImage = maps.Clone(r.Change.NewImage)
	if r.Change.NewImage == nil {
		return r // a removal
	}
	if sortKey(r) == store.HeaderSK {
		r.Change.NewImage["batchId"] = events.NewStringAttribute("damaged")
	} else {
		r.Change.NewImage[store.StatusAttribute] = events.NewStringAttribute("ARCHIVED")
	}
	return r
}
