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

// Claim is one worker's exclusive hold on one inquiry.
type Claim struct {
	Lender  inquiry.LenderID
	ID      inquiry.ID
	Token   string // distinguishes this attempt from earlier and later ones
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

// unclaimed is the condition for starting an attempt, and for giving an inquiry up
// without waiting for one: nobody has claimed the inquiry, or the lease has ended.
const unclaimed = "attribute_not_exists(PK) OR (#status = :running AND leaseUntil <= :now)"

// Claim takes the inquiry for one attempt, until lease, and returns the claim. The
// token must be new for each attempt.
//
// Claim returns inquiry.ErrFinished when the inquiry is final, and
// inquiry.ErrLeased when another attempt holds it.
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
		ExpressionAttributeNames: map[string]string{"#status": StatusAttribute},
		ExpressionAttributeValues: item{
			":running": text(string(inquiry.StatusRunning)), ":token": text(token),
			":lease": number(lease.UnixMilli()), ":now": number(now.UnixMilli()),
			":expires": number(id.Batch().ExpiresAt().Unix()), ":none": number(0), ":one": number(1),
		},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	current, refused := refusal(err)
	if !refused {
		if err != nil {
			return Claim{}, err
		}
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
	// The claim is ours, even if the condition failed: then an earlier try of the SDK
	// wrote it and its reply was lost.
	return Claim{Lender: lender, ID: id, Token: token, Attempt: r.Attempt}, nil
}

// Finish writes the inquiry's final status with its figures and report, once.
//
// It returns inquiry.ErrFinished when the inquiry has become final in another way,
// inquiry.ErrSuperseded when a later attempt holds it now, and inquiry.ErrNotFound
// when it has been deleted. In all three cases the result must be discarded.
func (s *Store) Finish(ctx context.Context, c Claim, r Result) error {
	if err := s.finish(ctx, c, r); err != nil {
		return fmt.Errorf("finishing inquiry %s: %w", c.ID, err)
	}
	return nil
}

func (s *Store) finish(ctx context.Context, c Claim, r Result) error {
	write, err := s.finishUpdate(c, r)
	if err != nil {
		return err
	}
	_, err = s.db.UpdateItem(ctx, write)
	old, refused := refusal(err)
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
		return nil // an earlier try of the SDK wrote it and its reply was lost
	case now.Status.Final():
		return inquiry.ErrFinished
	default:
		return inquiry.ErrSuperseded
	}
}

// finishUpdate returns the write of a result. Its condition fails unless the claim
// is still the current one.
func (s *Store) finishUpdate(c Claim, r Result) (*dynamodb.UpdateItemInput, error) {
	if !r.Status.Final() {
		return nil, fmt.Errorf("%s is not a final status", r.Status)
	}
	sources := map[string]sourceFigures{}
	for name, f := range r.Sources {
		sources[name] = sourceFigures{f.Outcome, f.Records, f.Elapsed.Microseconds()}
	}
	figures, err := attributevalue.Marshal(sources)
	if err != nil {
		return nil, fmt.Errorf("building item: %w", err)
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
	return &dynamodb.UpdateItemInput{
		TableName:                           &s.table,
		Key:                                 recordKey(c.Lender, c.ID),
		UpdateExpression:                    aws.String(set + " REMOVE leaseUntil"),
		ConditionExpression:                 aws.String("#status = :running AND claimId = :mine"),
		ExpressionAttributeNames:            map[string]string{"#status": StatusAttribute},
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, nil
}

// Fail gives the inquiry up, with a code that says why, unless it is final.
//
// It returns inquiry.ErrFinished when the inquiry has a final status, and
// inquiry.ErrLeased when an attempt still holds it, because that may yet succeed.
func (s *Store) Fail(ctx context.Context, lender inquiry.LenderID, id inquiry.ID, code string) error {
	now := s.now()
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table,
		Key:       recordKey(lender, id),
		UpdateExpression: aws.String("SET #status = :failed, failure = :code, retryable = :yes, finishedAt = :now, expiresAt = :expires " +
			"REMOVE leaseUntil, claimId"), // without claimId, no attempt mistakes this write for its own Finish
		ConditionExpression:      aws.String(unclaimed),
		ExpressionAttributeNames: map[string]string{"#status": StatusAttribute},
		ExpressionAttributeValues: item{
			":running": text(string(inquiry.StatusRunning)), ":failed": text(string(inquiry.StatusFailed)),
			":code": text(code), ":yes": &types.AttributeValueMemberBOOL{Value: true},
			":now": number(now.UnixMilli()), ":expires": number(id.Batch().ExpiresAt().Unix()),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if old, refused := refusal(err); refused {
		err = inquiry.ErrFinished
		if inquiry.Status(textOf(old, StatusAttribute)) == inquiry.StatusRunning {
			err = inquiry.ErrLeased
		}
	}
	if err != nil {
		return fmt.Errorf("giving up inquiry %s: %w", id, err)
	}
	return nil
}

// CancelInquiry cancels the inquiry if no worker has claimed it. Otherwise it
// changes nothing and returns nil: the worker's result counts.
func (s *Store) CancelInquiry(ctx context.Context, lender inquiry.LenderID, id inquiry.ID) error {
	it := recordKey(lender, id)
	it[StatusAttribute] = text(string(inquiry.StatusCancelled))
	it["finishedAt"] = number(s.now().UnixMilli())
	it[ExpiresAtAttribute] = number(id.Batch().ExpiresAt().Unix())
	if _, err := s.putNew(ctx, it); err != nil {
		return fmt.Errorf("canceling inquiry %s: %w", id, err)
	}
	return nil
}
