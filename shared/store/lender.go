package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// lenderIDForm keeps '#' out of a lender's id, because table keys are built from it.
var lenderIDForm = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// CreateLender adds an active lender with no batches. It reads only ID, Name,
// BatchMax and OpenMax; a limit of zero means inquiry.DefaultBatchMax or
// inquiry.DefaultOpenMax. It returns the lender as it is in the table, and whether
// this call created it: an existing lender is not changed.
func (s *Store) CreateLender(ctx context.Context, l inquiry.Lender) (stored inquiry.Lender, created bool, err error) {
	if !lenderIDForm.MatchString(string(l.ID)) {
		return inquiry.Lender{}, false, fmt.Errorf("lender id %q: 1 to 64 lower-case letters, digits and hyphens are allowed", l.ID)
	}
	if l.Name == "" {
		return inquiry.Lender{}, false, fmt.Errorf("lender %s has no name", l.ID)
	}
	if l.BatchMax == 0 {
		l.BatchMax = inquiry.DefaultBatchMax
	}
	if l.OpenMax == 0 {
		l.OpenMax = inquiry.DefaultOpenMax
	}
	if err := errors.Join(checkBatchMax(l.BatchMax), checkOpenMax(l.OpenMax)); err != nil {
		return inquiry.Lender{}, false, err
	}
	l.Status, l.BatchCount, l.Open = inquiry.AccessActive, 0, 0

	profile := key(lenderProfileKey(l.ID), profileKey)
	profile["name"] = text(l.Name)
	profile[StatusAttribute] = text(string(l.Status))
	profile["batchMax"] = number(l.BatchMax)
	profile["openMax"] = number(l.OpenMax)
	counts := key(lenderKey(l.ID), countsKey)
	counts["batchCount"] = number(l.BatchCount)
	counts[OpenInquiriesAttribute] = number(l.Open)
	created, err = s.createBoth(ctx, profile, counts)
	if err != nil {
		return inquiry.Lender{}, false, fmt.Errorf("creating lender %s: %w", l.ID, err)
	}
	if !created {
		stored, err = s.Lender(ctx, l.ID)
		return stored, false, err
	}
	l.OpenMax = max(l.OpenMax, l.BatchMax)
	return l, true, nil
}

// createBoth writes a lender's two items in one transaction, unless they exist.
func (s *Store) createBoth(ctx context.Context, profile, counts item) (created bool, err error) {
	_, err = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		s.put(profile, "attribute_not_exists(PK)", nil),
		s.put(counts, "attribute_not_exists(PK)", nil),
	}})
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return err == nil, err
	}
	switch {
	case slices.ContainsFunc(canceled.CancellationReasons, failedCondition):
		return false, nil
	case slices.ContainsFunc(canceled.CancellationReasons, contended):
		return false, inquiry.ErrConflict
	}
	return false, err
}

// Lender returns one lender with its counts.
func (s *Store) Lender(ctx context.Context, id inquiry.LenderID) (inquiry.Lender, error) {
	profile, counts := key(lenderProfileKey(id), profileKey), key(lenderKey(id), countsKey)
	found, err := s.getBoth(ctx, profile, counts)
	if err != nil {
		return inquiry.Lender{}, fmt.Errorf("reading lender %s: %w", id, err)
	}
	l, err := lenderOf(id, found[0])
	if err != nil {
		return inquiry.Lender{}, err
	}
	return withCounts(l, found[1])
}

// LenderProfile returns one lender without its counts: BatchCount and Open are 0.
func (s *Store) LenderProfile(ctx context.Context, id inquiry.LenderID) (inquiry.Lender, error) {
	it, err := s.get(ctx, key(lenderProfileKey(id), profileKey), consistent)
	if err != nil {
		return inquiry.Lender{}, fmt.Errorf("reading lender %s: %w", id, err)
	}
	return lenderOf(id, it)
}

// SuspendLender denies the service to all users and keys of a lender. changed is
// false when the lender was already suspended.
func (s *Store) SuspendLender(ctx context.Context, id inquiry.LenderID) (changed bool, err error) {
	changed, err = s.setProfile(ctx, lenderProfileKey(id), StatusAttribute, text(string(inquiry.AccessSuspended)))
	return changed, annotate(err, "suspending lender %s", id)
}

// ResumeLender ends a suspension. changed is false when there was none.
func (s *Store) ResumeLender(ctx context.Context, id inquiry.LenderID) (changed bool, err error) {
	changed, err = s.setProfile(ctx, lenderProfileKey(id), StatusAttribute, text(string(inquiry.AccessActive)))
	return changed, annotate(err, "resuming lender %s", id)
}

// SetBatchMax sets how many inquiries the lender may put into one batch.
func (s *Store) SetBatchMax(ctx context.Context, id inquiry.LenderID, batchMax int) (changed bool, err error) {
	if err := checkBatchMax(batchMax); err != nil {
		return false, err
	}
	changed, err = s.setProfile(ctx, lenderProfileKey(id), "batchMax", number(batchMax))
	return changed, annotate(err, "setting the batch limit of lender %s", id)
}

// SetOpenMax sets how many inquiries the lender may have open. A lender may always
// have one batch of the largest size open, even if openMax is smaller.
func (s *Store) SetOpenMax(ctx context.Context, id inquiry.LenderID, openMax int) (changed bool, err error) {
	if err := checkOpenMax(openMax); err != nil {
		return false, err
	}
	changed, err = s.setProfile(ctx, lenderProfileKey(id), "openMax", number(openMax))
	return changed, annotate(err, "setting the limit of open inquiries of lender %s", id)
}

func checkBatchMax(n int) error {
	if n < 1 || n > inquiry.MaxInquiries {
		return fmt.Errorf("a batch limit of %d is not between 1 and %d", n, inquiry.MaxInquiries)
	}
	return nil
}

func checkOpenMax(n int) error {
	if n < 1 {
		return fmt.Errorf("a limit of %d open inquiries is not above 0", n)
	}
	return nil
}

// lenderOf returns the lender in a profile, without its counts.
func lenderOf(id inquiry.LenderID, profile item) (inquiry.Lender, error) {
	batchMax, errMax := numberOf(profile, "batchMax")
	openMax, errOpenMax := numberOf(profile, "openMax")
	return inquiry.Lender{
		ID:       id,
		Name:     textOf(profile, "name"),
		Status:   inquiry.AccessStatus(textOf(profile, StatusAttribute)),
		BatchMax: int(batchMax),
		OpenMax:  int(max(openMax, batchMax)),
	}, annotate(errors.Join(errMax, errOpenMax), "reading lender %s", id)
}

// withCounts returns the lender with its counts.
func withCounts(l inquiry.Lender, counts item) (inquiry.Lender, error) {
	batchCount, errCount := numberOf(counts, "batchCount")
	open, errOpen := numberOf(counts, OpenInquiriesAttribute)
	l.BatchCount, l.Open = int(batchCount), int(open)
	return l, annotate(errors.Join(errCount, errOpen), "reading lender %s", l.ID)
}
