package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// submitAttempts bounds how often a submission that lost a race for its
// lender's next ordinal is tried again.
const submitAttempts = 25

// Submit accepts the batch whole, or not at all, in one transaction: the
// lender's count, the place in its list, the idempotency record, the header,
// which the stream hands to dispatch-batch, and the pages. A rerun is also noted
// in its parent's header; a single inquiry has no place in the list.
//
// The lender is as [Store.Lender] read it; its count may be out of date. replayed
// tells that the key was used before with the same body, and batch is the id
// given then. Another body under the key is inquiry.ErrIdempotencyMismatch. A
// batch beyond what one transaction holds is inquiry.ErrTooLarge. A lender who
// would have too many open inquiries is inquiry.ErrTooManyOpen, a suspended one
// inquiry.ErrSuspended.
func (s *Store) Submit(ctx context.Context, lender inquiry.Lender, sub inquiry.Submission) (batch inquiry.BatchID, replayed bool, err error) {
	pages, err := paginate(sub.Inquiries)
	if err != nil {
		return inquiry.BatchID{}, false, fmt.Errorf("storing %d inquiries: %w", len(sub.Inquiries), err)
	}
	id := inquiry.NewBatchID(s.now())
	last := inquiry.ErrConflict // what the last try met
	for attempt := range submitAttempts {
		try := s.trySubmit
		if len(sub.Inquiries) > lender.Room() {
			try = s.acceptedBefore // what there is no room for now may have been accepted before
		}
		outcome, err := try(ctx, lender, sub, id, pages)
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
		case outcome.parent != nil:
			sub.Parent = outcome.parent
		default: // conflict with a transaction still under way; its outcome is unknown
			if last = inquiry.ErrConflict; outcome.throttled {
				last = inquiry.ErrUnavailable
			}
			if lender, err = s.Lender(ctx, lender.ID); err != nil {
				return inquiry.BatchID{}, false, err
			}
		}
		if err := pause(ctx, attempt); err != nil {
			return inquiry.BatchID{}, false, fmt.Errorf("submitting batch %s: %w", id, err)
		}
	}
	return inquiry.BatchID{}, false, fmt.Errorf("submitting batch %s: %w", id, last)
}

// submitOutcome says what a transaction did. All zero: it met another one.
type submitOutcome struct {
	done      bool             // committed, now or by an earlier try whose reply was lost
	original  *inquiry.BatchID // the idempotency key already stands for this batch
	lender    *inquiry.Lender  // the count had moved on; this is the lender now
	parent    *inquiry.Batch   // the parent had moved on; this is what it is now
	throttled bool             // the table takes no more at the moment
}

func (s *Store) trySubmit(ctx context.Context, lender inquiry.Lender, sub inquiry.Submission, id inquiry.BatchID, pages []page) (submitOutcome, error) {
	items, err := s.submission(lender, sub, id, pages)
	if err != nil {
		return submitOutcome{}, err
	}
	headerAction := headerAction(sub)
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
			original, err := remembered(old, sub.Fingerprint)
			return replay(original, id, err)
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
	if sub.Parent != nil {
		if old := reasons[headerAction+1].Item; old != nil {
			_, parent, err := parseHeader(old)
			if err == nil && !parent.DeletedAt.IsZero() {
				err = inquiry.ErrDeleted
			}
			return submitOutcome{parent: &parent}, err
		}
	}
	if slices.ContainsFunc(reasons, func(r types.CancellationReason) bool {
		return aws.ToString(r.Code) == "ConditionalCheckFailed"
	}) {
		return submitOutcome{}, fmt.Errorf("lender %s: %w", lender.ID, inquiry.ErrNotFound)
	}
	if slices.ContainsFunc(reasons, contended) {
		return submitOutcome{throttled: slices.ContainsFunc(reasons, throttled)}, nil
	}
	return submitOutcome{}, err
}

// acceptedBefore looks for what became of the submission already: by its
// idempotency key or, without one, by its header, which an earlier try may have
// written before its outcome was lost. When there is nothing, the lender has too
// many open inquiries. It reads one item, where a refused transaction would cost
// all that it would have written.
func (s *Store) acceptedBefore(ctx context.Context, lender inquiry.Lender, sub inquiry.Submission, id inquiry.BatchID, _ []page) (submitOutcome, error) {
	original, err := id, error(nil)
	if sub.IdempotencyKey == "" {
		_, err = s.get(ctx, key(batchKey(lender.ID, id), headerKey), true)
	} else {
		original, err = s.Recall(ctx, lender.ID, sub.IdempotencyKey, sub.Fingerprint)
	}
	if errors.Is(err, inquiry.ErrNotFound) {
		err = inquiry.ErrTooManyOpen
	}
	return replay(original, id, err)
}

// contended reports whether trying again may help.
func contended(r types.CancellationReason) bool {
	return aws.ToString(r.Code) == "TransactionConflict" || throttled(r)
}

// replay is the outcome of a submission that was accepted before, as original; id
// is what it would be now.
func replay(original, id inquiry.BatchID, err error) (submitOutcome, error) {
	switch {
	case err != nil:
		return submitOutcome{}, err
	case original == id:
		return submitOutcome{done: true}, nil // our own earlier try; its reply was lost
	}
	return submitOutcome{original: &original}, nil
}

// lenderAction is where the transaction's action on the lender stands, for
// reading why it was refused.
const lenderAction = 0

// headerAction is where its action on the header stands; a parent comes next.
func headerAction(sub inquiry.Submission) int {
	if sub.Operation == inquiry.OperationSingle {
		return 1 // after the lender
	}
	return 2 // after the lender and the place in its list
}

// listing are the transaction's first actions: the lender, who must be active
// and have room for the batch, and the batch's place in its list. A single
// inquiry takes none.
func (s *Store) listing(lender inquiry.Lender, sub inquiry.Submission, id inquiry.BatchID) []types.TransactWriteItem {
	total := len(sub.Inquiries)
	update, condition := "ADD #open :total", "#status = :active AND #open <= :room"
	values := item{":active": text(string(inquiry.AccessActive)), ":total": number(total), ":room": number(lender.OpenMax - total)}
	var places []types.TransactWriteItem
	if sub.Operation != inquiry.OperationSingle {
		ordinal := lender.BatchCount + 1
		update, condition = update+" SET batchCount = :next", condition+" AND batchCount = :count"
		values[":count"], values[":next"] = number(lender.BatchCount), number(ordinal)
		place := key(lenderKey(lender.ID), placeKey(ordinal))
		place["batchId"] = text(id.String())
		places = append(places, s.put(place, "", nil))
	}
	return append([]types.TransactWriteItem{{Update: &types.Update{
		TableName: &s.table, Key: key(lenderKey(lender.ID), profileKey),
		UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames:            map[string]string{"#status": "status", "#open": "open"},
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}}, places...)
}

// adopt notes a rerun in its parent's header.
func (s *Store) adopt(parent inquiry.Batch, child inquiry.BatchID) types.TransactWriteItem {
	children := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
	for _, id := range append(slices.Clone(parent.Children), child) {
		if len(children.Value) < inquiry.MaxChildren {
			children.Value = append(children.Value, text(id.String()))
		}
	}
	return types.TransactWriteItem{Update: &types.Update{
		TableName:           &s.table,
		Key:                 key(batchKey(parent.LenderID, parent.ID), headerKey),
		UpdateExpression:    aws.String("SET childBatchIds = :children, latestChildBatchId = :child, event = :event, version = :next"),
		ConditionExpression: aws.String("attribute_exists(PK) AND version = :version"),
		ExpressionAttributeValues: item{
			":children": children, ":child": text(child.String()), ":event": text(string(EventRerun)),
			":version": number(parent.Version), ":next": number(parent.Version + 1),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// submission builds the transaction: what listing gives, the header, the parent
// if there is one, the pages, and last the idempotency record, if any.
func (s *Store) submission(lender inquiry.Lender, sub inquiry.Submission, id inquiry.BatchID, pages []page) ([]types.TransactWriteItem, error) {
	starts := make([]int, len(pages))
	for i, p := range pages {
		starts[i] = p.first
	}
	batch := inquiry.Batch{
		ID:          id,
		LenderID:    lender.ID,
		Name:        sub.Name,
		Metadata:    sub.Metadata,
		Operation:   cmp.Or(sub.Operation, inquiry.OperationSubmit),
		SubmittedBy: sub.UserID,
		Ordinal:     lender.BatchCount + 1,
		Tally:       sub.Tally(),
		Version:     1,
	}
	if batch.Operation == inquiry.OperationSingle {
		batch.Ordinal = 0
	}
	if sub.Parent != nil {
		batch.Parent = sub.Parent.ID
	}
	header, err := marshal(newHeader(batch, starts))
	if err != nil {
		return nil, err
	}
	expires := number(id.ExpiresAt().Unix())

	items := append(s.listing(lender, sub, id), s.put(header, "attribute_not_exists(PK)", nil))
	if sub.Parent != nil {
		items = append(items, s.adopt(*sub.Parent, id))
	}
	for i, p := range pages {
		it := key(batchKey(lender.ID, id), pageKey(i))
		it["data"], it["expiresAt"] = binary(p.data), expires
		items = append(items, s.put(it, "", nil))
	}
	if sub.IdempotencyKey == "" {
		return items, nil
	}
	return append(items, s.remember(lender.ID, sub.IdempotencyKey, sub.Fingerprint, id)), nil
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
