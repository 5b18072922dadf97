package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// idempotencyLife is how long a key is remembered.
const idempotencyLife = 24 * time.Hour

// submitAttempts bounds how often a submission that lost a race for its
// lender's next ordinal is tried again.
const submitAttempts = 25

// Submit accepts the batch whole, or not at all, in one transaction: the
// lender's count, the place in its list, the idempotency record, the header,
// which the stream hands to dispatch-batch, and the pages.
//
// The lender is as [Store.Lender] read it; its count may be out of date. replayed
// tells that the key was used before with the same body, and batch is the id
// given then. Another body under the key is inquiry.ErrIdempotencyMismatch. A
// batch beyond what one transaction holds is inquiry.ErrTooLarge. A suspended
// lender is inquiry.ErrSuspended.
func (s *Store) Submit(ctx context.Context, lender inquiry.Lender, sub inquiry.Submission) (batch inquiry.BatchID, replayed bool, err error) {
	pages, err := paginate(sub.Inquiries)
	if err != nil {
		return inquiry.BatchID{}, false, fmt.Errorf("storing %d inquiries: %w", len(sub.Inquiries), err)
	}
	id := inquiry.NewBatchID(s.now())
	for attempt := range submitAttempts {
		outcome, err := s.trySubmit(ctx, lender, sub, id, pages)
		if err != nil {
			return inquiry.BatchID{}, false, fmt.Errorf("submitting batch %s: %w", id, err)
		}
		switch {
		case outcome.done:
			return id, false, nil
		case outcome.original != nil:
			return *outcome.original, true, nil
		case outcome.lender != nil:
			lender = *outcome.lender
		default: // conflict with a transaction still under way; its outcome is unknown
			if lender, err = s.Lender(ctx, lender.ID); err != nil {
				return inquiry.BatchID{}, false, err
			}
		}
		if err := pause(ctx, attempt); err != nil {
			return inquiry.BatchID{}, false, fmt.Errorf("submitting batch %s: %w", id, err)
		}
	}
	return inquiry.BatchID{}, false, fmt.Errorf("submitting batch %s: %w", id, inquiry.ErrConflict)
}

// submitOutcome says what a transaction did. All zero: it met another one.
type submitOutcome struct {
	done     bool             // committed, now or by an earlier try whose reply was lost
	original *inquiry.BatchID // the idempotency key already stands for this batch
	lender   *inquiry.Lender  // the count had moved on; this is the lender now
}

func (s *Store) trySubmit(ctx context.Context, lender inquiry.Lender, sub inquiry.Submission, id inquiry.BatchID, pages []page) (submitOutcome, error) {
	items, err := s.submission(lender, sub, id, pages)
	if err != nil {
		return submitOutcome{}, err
	}
	_, err = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	if err == nil {
		return submitOutcome{done: true}, nil
	}
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return submitOutcome{}, err
	}
	reasons := canceled.CancellationReasons
	if len(reasons) != len(items) {
		return submitOutcome{}, err
	}
	if sub.IdempotencyKey != "" {
		if old := reasons[len(reasons)-1].Item; old != nil {
			return replay(old, sub, id)
		}
	}
	if reasons[headerAction].Item != nil {
		return submitOutcome{done: true}, nil // the id is ours alone, so we wrote this header
	}
	if old := reasons[lenderAction].Item; old != nil {
		now, err := lenderOf(lender.ID, old)
		if err != nil {
			return submitOutcome{}, err
		}
		if now.Status == inquiry.AccessSuspended {
			return submitOutcome{}, inquiry.ErrSuspended
		}
		return submitOutcome{lender: &now}, nil
	}
	if slices.ContainsFunc(reasons, func(r types.CancellationReason) bool {
		return aws.ToString(r.Code) == "ConditionalCheckFailed"
	}) {
		return submitOutcome{}, fmt.Errorf("lender %s: %w", lender.ID, inquiry.ErrNotFound)
	}
	if slices.ContainsFunc(reasons, contended) {
		return submitOutcome{}, nil
	}
	return submitOutcome{}, err
}

// contended reports whether trying again may help.
func contended(r types.CancellationReason) bool {
	switch aws.ToString(r.Code) {
	case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
		return true
	}
	return false
}

// replay answers a key that was used before.
func replay(old item, sub inquiry.Submission, id inquiry.BatchID) (submitOutcome, error) {
	original, err := inquiry.ParseBatchID(textOf(old, "batchId"))
	if err != nil {
		return submitOutcome{}, fmt.Errorf("reading idempotency record: %w", err)
	}
	if original == id {
		return submitOutcome{done: true}, nil // our own earlier try; its reply was lost
	}
	fingerprint, _ := old["fingerprint"].(*types.AttributeValueMemberB)
	if fingerprint == nil || !bytes.Equal(fingerprint.Value, sub.Fingerprint[:]) {
		return submitOutcome{}, inquiry.ErrIdempotencyMismatch
	}
	return submitOutcome{original: &original}, nil
}

// Where the transaction's actions stand, for reading why one was refused.
const (
	lenderAction = 0
	headerAction = 2
)

// submission builds the transaction. The idempotency record, if any, is last.
func (s *Store) submission(lender inquiry.Lender, sub inquiry.Submission, id inquiry.BatchID, pages []page) ([]types.TransactWriteItem, error) {
	ordinal := lender.BatchCount + 1
	starts := make([]int, len(pages))
	for i, p := range pages {
		starts[i] = p.first
	}
	header, err := marshal(newHeader(inquiry.Batch{
		ID:          id,
		LenderID:    lender.ID,
		Name:        sub.Name,
		Metadata:    sub.Metadata,
		Operation:   inquiry.OperationSubmit,
		SubmittedBy: sub.UserID,
		Ordinal:     ordinal,
		Tally:       sub.Tally(),
		Version:     1,
	}, starts))
	if err != nil {
		return nil, err
	}
	expires := number(id.ExpiresAt().Unix())

	place := key(lenderKey(lender.ID), placeKey(ordinal))
	place["batchId"] = text(id.String())

	items := []types.TransactWriteItem{
		{Update: &types.Update{
			TableName:                aws.String(s.table),
			Key:                      key(lenderKey(lender.ID), profileKey),
			UpdateExpression:         aws.String("SET batchCount = :next"),
			ConditionExpression:      aws.String("batchCount = :count AND #status = :active"),
			ExpressionAttributeNames: map[string]string{"#status": "status"},
			ExpressionAttributeValues: item{
				":count": number(lender.BatchCount), ":next": number(ordinal), ":active": text(string(inquiry.AccessActive)),
			},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}},
		s.put(place, "", nil),
		s.put(header, "attribute_not_exists(PK)", nil),
	}
	for i, p := range pages {
		it := key(batchKey(lender.ID, id), pageKey(i))
		it["data"], it["expiresAt"] = binary(p.data), expires
		items = append(items, s.put(it, "", nil))
	}
	if sub.IdempotencyKey == "" {
		return items, nil
	}
	now := s.now()
	hash := sha256.Sum256([]byte(sub.IdempotencyKey))
	record := key(lenderKey(lender.ID), idempotencyKey(hex.EncodeToString(hash[:])))
	record["batchId"] = text(id.String())
	record["fingerprint"] = binary(sub.Fingerprint[:])
	record["expiresAt"] = number(now.Add(idempotencyLife).Unix())
	return append(items, s.put(record, "attribute_not_exists(PK) OR expiresAt <= :now", item{":now": number(now.Unix())})), nil
}

// put is a transaction's write of one whole item; condition may be "".
func (s *Store) put(it item, condition string, values item) types.TransactWriteItem {
	put := &types.Put{TableName: aws.String(s.table), Item: it, ExpressionAttributeValues: values}
	if condition != "" {
		put.ConditionExpression = &condition
		put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return types.TransactWriteItem{Put: put}
}
