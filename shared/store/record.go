package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Claim is one worker's hold on one inquiry.
type Claim struct {
	Lender  inquiry.LenderID
	ID      inquiry.ID
	Token   string // fences this attempt off from earlier and later ones
	Attempt int    // from 1
}

// Result is what a worker found out under its claim.
type Result struct {
	Status    inquiry.Status // a final one
	Sources   map[string]inquiry.SourceFigures
	Report    []byte
	Failure   string
	Retryable bool
}

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

type sourceFigures struct {
	Outcome inquiry.SourceOutcome `dynamodbav:"outcome"`
	Records int                   `dynamodbav:"records"`
	Elapsed int64                 `dynamodbav:"elapsedUs"`
}

// Claim takes the inquiry for one attempt, until lease has passed. The token
// must be fresh for each attempt.
//
// It is inquiry.ErrFinished when the inquiry is final and inquiry.ErrLeased when
// another attempt holds it.
func (s *Store) Claim(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, token string, lease time.Time) (Claim, error) {
	claim, err := s.claim(ctx, lender, id, token, lease)
	if err != nil {
		return Claim{}, fmt.Errorf("claiming inquiry %s: %w", id, err)
	}
	return claim, nil
}

func (s *Store) claim(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, token string, lease time.Time) (Claim, error) {
	now := s.now()
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table,
		Key:       recordKey(lender, id),
		UpdateExpression: aws.String("SET #status = :running, claimId = :token, leaseUntil = :lease, expiresAt = :expires, " +
			"startedAt = if_not_exists(startedAt, :now), attempt = if_not_exists(attempt, :none) + :one"),
		ConditionExpression:      aws.String(unclaimed),
		ExpressionAttributeNames: map[string]string{"#status": "status"},
		ExpressionAttributeValues: item{
			":running": text(string(inquiry.StatusRunning)), ":token": text(token),
			":lease": number(lease.UnixMilli()), ":now": number(now.UnixMilli()),
			":expires": number(id.Batch().ExpiresAt().Unix()), ":none": number(0), ":one": number(1),
		},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	current := item(nil)
	if old, refused := refused(err); refused {
		current = old
	} else if err != nil {
		return Claim{}, err
	} else {
		current = out.Attributes
	}
	var r record
	if err := attributevalue.UnmarshalMap(current, &r); err != nil {
		return Claim{}, err
	}
	switch {
	case r.Status.Final():
		return Claim{}, inquiry.ErrFinished
	case r.Claim != token:
		return Claim{}, inquiry.ErrLeased
	}
	// Ours: written just now, or by a try of the SDK whose reply was lost.
	return Claim{Lender: lender, ID: id, Token: token, Attempt: r.Attempt}, nil
}

// Finish writes the inquiry's final status with its figures and report, once.
//
// It is inquiry.ErrFinished when the inquiry became final otherwise,
// inquiry.ErrSuperseded when a later attempt holds it now, and
// inquiry.ErrNotFound when it has been deleted: in all three, this result must
// be forgotten.
func (s *Store) Finish(ctx context.Context, c Claim, r Result) error {
	if err := s.finish(ctx, c, r); err != nil {
		return fmt.Errorf("finishing inquiry %s: %w", c.ID, err)
	}
	return nil
}

func (s *Store) finish(ctx context.Context, c Claim, r Result) error {
	if !r.Status.Final() {
		return fmt.Errorf("%s is not a final status", r.Status)
	}
	sources := map[string]sourceFigures{}
	for name, f := range r.Sources {
		sources[name] = sourceFigures{f.Outcome, f.Records, f.Elapsed.Microseconds()}
	}
	figures, err := attributevalue.Marshal(sources)
	if err != nil {
		return fmt.Errorf("building item: %w", err)
	}
	set := "SET #status = :final, finishedAt = :now, sources = :sources, retryable = :retryable"
	values := item{
		":running": text(string(inquiry.StatusRunning)), ":mine": text(c.Token),
		":final": text(string(r.Status)), ":now": number(s.now().UnixMilli()),
		":sources": figures, ":retryable": &types.AttributeValueMemberBOOL{Value: r.Retryable},
	}
	if r.Report != nil {
		set += ", report = :report"
		values[":report"] = binary(r.Report)
	}
	if r.Failure != "" {
		set += ", failure = :failure"
		values[":failure"] = text(r.Failure)
	}
	_, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &s.table,
		Key:                                 recordKey(c.Lender, c.ID),
		UpdateExpression:                    aws.String(set + " REMOVE leaseUntil"),
		ConditionExpression:                 aws.String("#status = :running AND claimId = :mine"),
		ExpressionAttributeNames:            map[string]string{"#status": "status"},
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	old, refused := refused(err)
	if !refused {
		return err
	}
	if old == nil {
		return inquiry.ErrNotFound
	}
	var now record
	if err := attributevalue.UnmarshalMap(old, &now); err != nil {
		return err
	}
	switch {
	case now.Status.Final() && now.Claim == c.Token:
		return nil // a try of the SDK wrote it and its reply was lost
	case now.Status.Final():
		return inquiry.ErrFinished
	default:
		return inquiry.ErrSuperseded
	}
}

// Fail gives the inquiry up with the code of why, unless it is final.
//
// It is inquiry.ErrFinished when the inquiry has a final status and
// inquiry.ErrLeased when an attempt still holds it, which may yet succeed.
func (s *Store) Fail(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, code string) error {
	now := s.now()
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table,
		Key:       recordKey(lender, id),
		UpdateExpression: aws.String("SET #status = :failed, failure = :code, retryable = :yes, finishedAt = :now, expiresAt = :expires " +
			"REMOVE leaseUntil, claimId"), // without its claim, no attempt takes this for its own end
		ConditionExpression:      aws.String(unclaimed),
		ExpressionAttributeNames: map[string]string{"#status": "status"},
		ExpressionAttributeValues: item{
			":running": text(string(inquiry.StatusRunning)), ":failed": text(string(inquiry.StatusFailed)),
			":code": text(code), ":yes": &types.AttributeValueMemberBOOL{Value: true},
			":now": number(now.UnixMilli()), ":expires": number(id.Batch().ExpiresAt().Unix()),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if old, refused := refused(err); refused {
		err = inquiry.ErrFinished
		if inquiry.Status(textOf(old, "status")) == inquiry.StatusRunning {
			err = inquiry.ErrLeased
		}
	}
	if err != nil {
		return fmt.Errorf("giving up inquiry %s: %w", id, err)
	}
	return nil
}

// CancelInquiry cancels the inquiry if no worker has claimed it; otherwise what
// the workers make of it stands.
func (s *Store) CancelInquiry(ctx context.Context, lender inquiry.LenderID, id inquiry.ID) error {
	it := recordKey(lender, id)
	it["status"] = text(string(inquiry.StatusCancelled))
	it["finishedAt"] = number(s.now().UnixMilli())
	it["expiresAt"] = number(id.Batch().ExpiresAt().Unix())
	if _, err := s.putNew(ctx, it); err != nil {
		return fmt.Errorf("cancelling inquiry %s: %w", id, err)
	}
	return nil
}

// unclaimed is the condition under which an attempt may begin, or none be waited
// for: the inquiry has not been claimed, or its lease has ended.
const unclaimed = "attribute_not_exists(PK) OR (#status = :running AND leaseUntil <= :now)"

func recordKey(lender inquiry.LenderID, id inquiry.ID) item {
	return key(bucketKey(lender, id.Batch(), id.Index()/bucketSize), inquiryKey(id.Index()))
}

// parseRecord reads an inquiry's item.
func parseRecord(it item) (place, inquiry.Record, error) {
	var r record
	if err := attributevalue.UnmarshalMap(it, &r); err != nil {
		return place{}, inquiry.Record{}, fmt.Errorf("reading inquiry: %w", err)
	}
	where, err := parseInquiryKey(r.PK, r.SK)
	if err != nil {
		return place{}, inquiry.Record{}, fmt.Errorf("reading inquiry: %w", err)
	}
	if !r.Status.Known() {
		return place{}, inquiry.Record{}, fmt.Errorf("reading inquiry %s: unknown status %q", where.batch.Inquiry(where.index), r.Status)
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
