package store

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// record is the stored form of inquiry.Record.
type record struct {
	PK        string
	SK        string
	Status    inquiry.Status           `dynamodbav:"status"`
	Claim     string                   `dynamodbav:"claimId"`
	Lease     millis                   `dynamodbav:"leaseUntil"`
	Attempt   int                      `dynamodbav:"attempt"`
	Started   millis                   `dynamodbav:"startedAt"`
	Finished  millis                   `dynamodbav:"finishedAt"`
	Sources   map[string]sourceFigures `dynamodbav:"sources"`
	Report    []byte                   `dynamodbav:"report"`
	Failure   string                   `dynamodbav:"failure"`
	Retryable bool                     `dynamodbav:"retryable"`
}

// sourceFigures is the stored form of inquiry.SourceFigures.
type sourceFigures struct {
	Outcome inquiry.SourceOutcome `dynamodbav:"outcome"`
	Records int                   `dynamodbav:"records"`
	Elapsed int64                 `dynamodbav:"elapsedUs"`
}

// recordKey returns the primary key of an inquiry's item.
func recordKey(lender inquiry.LenderID, id inquiry.ID) item {
	return key(bucketKey(lender, id.Batch(), id.Index()/bucketSize), inquiryKey(id.Index()))
}

// parseRecord reads an inquiry's item. It returns inquiry.ErrUnreadable for an item that
// is damaged. The record's status may be one that this version does not know.
func parseRecord(it item) (place, inquiry.Record, error) {
	var r record
	if err := attributevalue.UnmarshalMap(it, &r); err != nil {
		return place{}, inquiry.Record{}, fmt.Errorf("reading inquiry: %w: %v", inquiry.ErrUnreadable, err)
	}
	where, err := parseInquiryKey(r.PK, r.SK)
	if err != nil {
		return place{}, inquiry.Record{}, fmt.Errorf("reading inquiry: %w: %v", inquiry.ErrUnreadable, err)
	}
	read := inquiry.Record{
		ID:     where.batch.Inquiry(where.index),
		Status: r.Status,
		Figures: inquiry.Figures{
			StartedAt: r.Started.time(), FinishedAt: r.Finished.time(), Attempts: r.Attempt,
		},
		Report: r.Report, Failure: r.Failure, Retryable: r.Retryable, LeaseUntil: r.Lease.time(),
	}
	for name, f := range r.Sources {
		if read.Figures.Sources == nil {
			read.Figures.Sources = map[string]inquiry.SourceFigures{}
		}
		read.Figures.Sources[name] = inquiry.SourceFigures{Outcome: f.Outcome, Records: f.Records, Elapsed: us(f.Elapsed)}
	}
	return where, read, nil
}

// shown returns the record as lenders see it. A status that this version does not know
// was written by a newer one. Until the inquiry is final in the ledger, it is shown as
// RUNNING. A sweep then fails it at the batch's deadline, in the ledger only.
func shown(b inquiry.Batch, r inquiry.Record) inquiry.Record {
	if r.Status.Known() {
		return r
	}
	known := inquiry.Record{ID: r.ID, Status: b.StatusOf(r.ID.Index())}
	known.Figures = inquiry.Figures{StartedAt: r.Figures.StartedAt, Attempts: r.Figures.Attempts}
	if !known.Status.Final() {
		known.Status = inquiry.StatusRunning
		return known
	}
	known.Figures.FinishedAt = b.FinishedAt
	known.Failure, known.Retryable = inquiry.FailureDeadline, true
	return known
}
