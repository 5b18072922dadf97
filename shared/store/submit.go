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
	"github.com/batch-inquiries/batch-inquiries/shared/retry"
)

// submitAttempts limits the tries of a submission that keeps losing the race for its
// lender's next ordinal.
const submitAttempts = 25

// Submit accepts the whole batch or nothing, in one transaction. The transaction
// writes the lender's count, the batch's place in the lender's list, the idempotency
// record, the header, which the stream delivers to dispatch-batch, and the pages. A
// rerun is also recorded in its parent's header; a single inquiry gets no place in
// the list.
//
// The lender is the result of [Store.Lender]; its count may be out of date. replayed
// reports that the key was used before with the same body; then batch is the id that
// was assigned at that time.
//
// Submit returns inquiry.ErrIdempotencyMismatch when the key was used with another
// body, inquiry.ErrTooLarge when the batch does not fit into one transaction,
// inquiry.ErrTooManyOpen when the lender would have too many open inquiries,
// inquiry.ErrSuspended when the lender is suspended, and inquiry.ErrCutOff when the
// submitter has lost access. The last two are checked in the transaction, so that
// nothing is accepted after the call that ended the access has returned. A replay and
// ErrTooManyOpen may come without that check.
func (s *Store) Submit(ctx context.Context, lender inquiry.Lender, sub inquiry.Submission) (batch inquiry.BatchID, replayed bool, err error) {
	pages, err := paginate(sub.Inquiries)
	if err != nil {
		return inquiry.BatchID{}, false, fmt.Errorf("storing %d inquiries: %w", len(sub.Inquiries), err)
	}
	p := pending{lender: lender, sub: sub, id: inquiry.NewBatchID(s.now()), pages: pages, last: inquiry.ErrConflict}
	for attempt := range submitAttempts {
		var accepted bool
		if len(sub.Inquiries) > p.lender.Room() {
			// There is no room for the batch now, but an earlier try may have succeeded.
			batch, accepted, err = s.acceptedBefore(ctx, p)
		} else {
			batch, accepted, err = s.trySubmit(ctx, &p)
		}
		if err != nil {
			return inquiry.BatchID{}, false, fmt.Errorf("submitting batch %s: %w", p.id, err)
		}
		if accepted {
			return batch, batch != p.id, nil
		}
		if err := retry.Pause(ctx, attempt); err != nil {
			return inquiry.BatchID{}, false, fmt.Errorf("submitting batch %s: %w", p.id, err)
		}
	}
	return inquiry.BatchID{}, false, fmt.Errorf("submitting batch %s: %w", p.id, p.last)
}

// pending is a submission that has not been accepted yet. A try that loses a race
// brings the lender or the parent up to date for the next one.
type pending struct {
	lender inquiry.Lender
	sub    inquiry.Submission
	id     inquiry.BatchID // the batch's id, unless the key already has a batch
	pages  []page
	last   error // why the most recent try that met another transaction failed
}

// trySubmit sends the transaction. If the submission is accepted, by this try or by
// an earlier one, it returns the batch's id: p.id, or the id that was recorded for the
// idempotency key before. If accepted is false, p is up to date and Submit has to try
// again.
func (s *Store) trySubmit(ctx context.Context, p *pending) (batch inquiry.BatchID, accepted bool, err error) {
	actions, err := s.submitActions(*p)
	if err != nil {
		return inquiry.BatchID{}, false, err
	}
	_, err = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	if err == nil {
		return p.id, true, nil
	}
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(canceled.CancellationReasons) != len(actions) {
		return inquiry.BatchID{}, false, err
	}
	reasons := canceled.CancellationReasons
	header := headerAt(p.sub)
	if reasons[header].Item != nil {
		return p.id, true, nil // only we have this id, so an earlier try wrote this header
	}
	if err := standingError(reasons, p.sub.Submitter); err != nil {
		return inquiry.BatchID{}, false, err
	}
	if p.sub.IdempotencyKey != "" {
		if old := reasons[len(reasons)-1].Item; old != nil {
			batch, err = remembered(old, p.sub.Fingerprint)
			return batch, err == nil, err
		}
	}
	if old := reasons[countsAt].Item; old != nil {
		p.lender, err = withCounts(p.lender, old)
		return inquiry.BatchID{}, false, err
	}
	if p.sub.Parent != nil {
		if old := reasons[header+1].Item; old != nil {
			return inquiry.BatchID{}, false, p.updateParent(old)
		}
	}
	if slices.ContainsFunc(reasons, failedCondition) {
		return inquiry.BatchID{}, false, fmt.Errorf("lender %s: %w", p.lender.ID, inquiry.ErrNotFound)
	}
	if !slices.ContainsFunc(reasons, contended) {
		return inquiry.BatchID{}, false, err
	}
	// Another transaction is still under way, and its outcome is unknown.
	if p.last = inquiry.ErrConflict; slices.ContainsFunc(reasons, throttled) {
		p.last = inquiry.ErrUnavailable
	}
	p.lender, err = s.Lender(ctx, p.lender.ID)
	return inquiry.BatchID{}, false, err
}

// updateParent replaces the parent with the item that did not meet the transaction's
// condition. It returns inquiry.ErrDeleted when the parent has been deleted.
func (p *pending) updateParent(old item) error {
	_, parent, err := parseHeader(old)
	if err != nil {
		return err
	}
	if !parent.DeletedAt.IsZero() {
		return inquiry.ErrDeleted
	}
	p.sub.Parent = &parent
	return nil
}

// acceptedBefore returns the batch if the submission has already been accepted. It
// looks for the idempotency key or, without one, for the header, which an earlier try
// may have written before its outcome was lost. It returns inquiry.ErrTooManyOpen when
// it finds nothing. It reads one item; a rejected transaction costs as much as
// all its writes.
func (s *Store) acceptedBefore(ctx context.Context, p pending) (batch inquiry.BatchID, accepted bool, err error) {
	batch = p.id
	if p.sub.IdempotencyKey == "" {
		_, err = s.get(ctx, key(batchKey(p.lender.ID, p.id), headerKey), consistent)
	} else {
		batch, err = s.Recall(ctx, p.lender.ID, p.sub.IdempotencyKey, p.sub.Fingerprint)
	}
	if errors.Is(err, inquiry.ErrNotFound) {
		err = inquiry.ErrTooManyOpen
	}
	return batch, err == nil, err
}

// countsAt is the index of the transaction's action on the lender's counts, for
// reading why the transaction was canceled. The checks of standingChecks come next.
const countsAt = 0

// headerAt returns the index of the transaction's action on the header. The action on
// the parent, if there is one, comes next.
func headerAt(sub inquiry.Submission) int {
	at := countsAt + 1 + checksOf(sub.Submitter)
	if sub.Operation != inquiry.OperationSingle {
		at++ // the place in the lender's list
	}
	return at
}

// submitActions returns the transaction's actions: the lender's counts, the checks of
// standingChecks, the place in the lender's list, if the batch gets one, the header,
// the parent if there is one, the pages, and last the idempotency record, if any.
func (s *Store) submitActions(p pending) ([]types.TransactWriteItem, error) {
	pageStarts := make([]int, len(p.pages))
	for i, page := range p.pages {
		pageStarts[i] = page.first
	}
	batch := inquiry.Batch{
		ID:          p.id,
		LenderID:    p.lender.ID,
		Name:        p.sub.Name,
		Metadata:    p.sub.Metadata,
		Operation:   cmp.Or(p.sub.Operation, inquiry.OperationSubmit),
		SubmittedBy: p.sub.Submitter.UserID,
		Ordinal:     p.lender.BatchCount + 1,
		Tally:       p.sub.Tally(),
		Version:     1,
	}
	if batch.Operation == inquiry.OperationSingle {
		batch.Ordinal = 0
	}
	if p.sub.Parent != nil {
		batch.Parent = p.sub.Parent.ID
	}
	header, err := newHeader(batch, pageStarts)
	if err != nil {
		return nil, err
	}

	actions := append([]types.TransactWriteItem{s.countBatch(p)}, s.standingChecks(p.lender.ID, p.sub.Submitter)...)
	if batch.Operation != inquiry.OperationSingle {
		place := key(lenderKey(p.lender.ID), placeKey(batch.Ordinal))
		place["batchId"] = text(p.id.String())
		actions = append(actions, s.put(place, "", nil))
	}
	actions = append(actions, s.put(header, "attribute_not_exists(PK)", nil))
	if p.sub.Parent != nil {
		actions = append(actions, s.addChild(*p.sub.Parent, p.id))
	}
	for i, page := range p.pages {
		it := key(batchKey(p.lender.ID, p.id), pageKey(i))
		it["data"], it[ExpiresAtAttribute] = binary(page.data), number(p.id.ExpiresAt().Unix())
		actions = append(actions, s.put(it, "", nil))
	}
	if p.sub.IdempotencyKey != "" {
		actions = append(actions, s.remember(p.lender.ID, p.sub.IdempotencyKey, p.sub.Fingerprint, p.id))
	}
	return actions, nil
}

// countBatch returns the transaction's action on the lender's counts. Its condition
// fails if the lender has no room for the batch, or if another batch has taken its
// ordinal. A single inquiry gets no ordinal.
func (s *Store) countBatch(p pending) types.TransactWriteItem {
	total := len(p.sub.Inquiries)
	update, condition := "ADD #open :total", "#open <= :room"
	values := item{":total": number(total), ":room": number(p.lender.OpenMax - total)}
	if p.sub.Operation != inquiry.OperationSingle {
		update, condition = update+" SET batchCount = :next", condition+" AND batchCount = :count"
		values[":count"], values[":next"] = number(p.lender.BatchCount), number(p.lender.BatchCount+1)
	}
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.table, Key: key(lenderKey(p.lender.ID), countsKey),
		UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames:            map[string]string{"#open": OpenInquiriesAttribute},
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// addChild returns the transaction's action that records a rerun in its parent's
// header.
func (s *Store) addChild(parent inquiry.Batch, child inquiry.BatchID) types.TransactWriteItem {
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
