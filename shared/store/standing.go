package store

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// standingChecks returns a transaction's checks that the lender and the submitter may
// still use the service, in this order: the lender is active, the user is active and
// has the role they were let in with, and the API key, if they sent one, is in use.
//
// API Gateway remembers for a minute whom it let in, and a read before the transaction
// could be out of date when the transaction commits. These checks cost 2 write units
// each.
func (s *Store) standingChecks(lender inquiry.LenderID, by inquiry.Submitter) []types.TransactWriteItem {
	active := text(string(inquiry.AccessActive))
	checks := []types.TransactWriteItem{
		s.check(key(lenderProfileKey(lender), profileKey), "#status = :active", map[string]string{"#status": StatusAttribute}, item{":active": active}),
		s.check(key(userKey(by.UserID), profileKey), "#status = :active AND #role = :role",
			map[string]string{"#status": StatusAttribute, "#role": "role"},
			item{":active": active, ":role": text(by.Role)}),
	}
	if by.KeyID != "" {
		checks = append(checks, s.check(key(apiKeyKey(by.KeyID), profileKey), "version = :version AND attribute_not_exists(revokedAt)",
			nil, item{":version": number(by.KeyVersion)}))
	}
	return checks
}

// checksOf returns the number of checks that standingChecks returns.
func checksOf(by inquiry.Submitter) int {
	if by.KeyID == "" {
		return 2
	}
	return 3
}

// standingError returns the error of a submission whose standingChecks failed, and nil
// if none of them did.
func standingError(reasons []types.CancellationReason, by inquiry.Submitter) error {
	lender, submitter := reasons[countsAt+1], reasons[countsAt+2:countsAt+1+checksOf(by)]
	switch {
	case failedCondition(lender) && lender.Item == nil:
		return fmt.Errorf("its lender: %w", inquiry.ErrNotFound)
	case failedCondition(lender):
		return fmt.Errorf("its lender: %w", inquiry.ErrSuspended)
	}
	for _, reason := range submitter {
		if failedCondition(reason) {
			return fmt.Errorf("user %s: %w", by.UserID, inquiry.ErrCutOff)
		}
	}
	return nil
}
