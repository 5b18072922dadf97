package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// With 10,000 open batches that the queue serves fairly, an event of tally-statuses has
// one record of each of its batches, and an inquiry's start and end are in different
// events. So few batches, and so few inquiries of each, are enough to measure that.
const (
	interleavedBatches = 110
	interleavedRounds  = 8
)

// interleave submits batches of costBatch inquiries and screens the first inquiries of
// all of them in turns. It returns the write units that an inquiry of such a batch
// takes, without the bytes of its report.
func (s *service) interleave(ctx context.Context) (units float64, err error) {
	s.reset()
	s.results.withoutReport = true
	defer func() { s.results.withoutReport = false }()
	inquiries := invent(costBatch)
	for range interleavedBatches {
		if _, err := s.submit(ctx, inquiries); err != nil {
			return 0, fmt.Errorf("submitting: %w", err)
		}
	}
	if err := s.dispatch(ctx); err != nil {
		return 0, fmt.Errorf("dispatching: %w", err)
	}
	perBatch := s.tableWrites() / interleavedBatches
	for round := range interleavedRounds {
		var bodies []string
		for batch := range interleavedBatches {
			bodies = append(bodies, s.sent.bodies[batch*costBatch+round])
		}
		if err := s.screenTurn(ctx, bodies); err != nil {
			return 0, err
		}
	}
	perInquiry := s.tableWrites() / (interleavedBatches * interleavedRounds)
	return perBatch/costBatch + perInquiry, nil
}

// screenTurn screens one inquiry of each batch. tally-statuses gets the records of
// their starts in one event and those of their ends in another.
func (s *service) screenTurn(ctx context.Context, bodies []string) error {
	for from := 0; from < len(bodies); from += deployment.MessageBatch {
		if err := s.process(ctx, bodies[from:min(from+deployment.MessageBatch, len(bodies))]); err != nil {
			return fmt.Errorf("processing: %w", err)
		}
	}
	var starts, ends []events.DynamoDBEventRecord
	for _, r := range s.inquiryRecords() {
		if r.Change.NewImage[store.StatusAttribute].String() == string(inquiry.StatusRunning) {
			starts = append(starts, r)
		} else {
			ends = append(ends, r)
		}
	}
	for _, records := range [][]events.DynamoDBEventRecord{starts, ends} {
		if err := s.tallyLane(ctx, records); err != nil {
			return fmt.Errorf("tallying: %w", err)
		}
	}
	return nil
}

// tableWrites returns the write units that all functions used since it was last called.
func (s *service) tableWrites() float64 {
	return bill{functions: s.takeUse()}.table().writes
}
