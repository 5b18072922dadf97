package store

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestSubmitAfterLosingAccess(t *testing.T) {
	t.Parallel()

	cut := map[string]struct {
		end  func(*Store, APIKey) (bool, error)
		want error
		only string // the credential that this ends; "" for both
	}{
		"the lender is suspended":    {func(s *Store, _ APIKey) (bool, error) { return s.SuspendLender(t.Context(), acme) }, inquiry.ErrSuspended, ""},
		"the user is suspended":      {func(s *Store, _ APIKey) (bool, error) { return s.SuspendUser(t.Context(), someone.UserID) }, inquiry.ErrCutOff, ""},
		"the user gets another role": {func(s *Store, _ APIKey) (bool, error) { return s.SetRole(t.Context(), someone.UserID, "viewer") }, inquiry.ErrCutOff, ""},
		"the key is revoked":         {func(s *Store, k APIKey) (bool, error) { return s.RevokeAPIKey(t.Context(), k.ID, AnyVersion) }, inquiry.ErrCutOff, "key"},
		"the key is rotated":         {func(s *Store, k APIKey) (bool, error) { return rotated(t, s, k) }, inquiry.ErrCutOff, "key"},
		"the key is revoked, replaced": {func(s *Store, k APIKey) (bool, error) {
			_, _ = s.RevokeAPIKey(t.Context(), k.ID, AnyVersion)
			return rotated(t, s, k)
		}, inquiry.ErrCutOff, "key"},
	}
	operations := map[string]inquiry.Operation{"a batch": inquiry.OperationSubmit, "a single inquiry": inquiry.OperationSingle, "a rerun": inquiry.OperationRerun}

	for name, c := range cut {
		for what, operation := range operations {
			for _, credential := range []string{"token", "key"} {
				for _, idempotency := range []string{"", "k"} {
					t.Run(name+"/"+what+" with a "+credential+" "+idempotency, func(t *testing.T) {
						t.Parallel()
						s := newStore(t)
						lender := newLender(t, s, acme)
						k, err := s.EnsureAPIKey(t.Context(), someone.UserID, 1)
						if err != nil {
							t.Fatal(err)
						}
						sub := submission(2)
						sub.Operation, sub.IdempotencyKey = operation, idempotency
						if credential == "key" {
							sub.Submitter.KeyID, sub.Submitter.KeyVersion = k.ID, k.Version
						}
						if _, _, err := s.Submit(t.Context(), lender, sub); err != nil {
							t.Fatalf("before: %v", err)
						}
						if changed, err := c.end(s, k); err != nil || !changed {
							t.Fatalf("changed %t, %v", changed, err)
						}
						items, open := s.count(t.Context(), t), s.openInquiries(t)
						if sub.IdempotencyKey != "" {
							if _, _, err := s.Submit(t.Context(), lender, sub); c.only != "" && c.only != credential {
								if err != nil {
									t.Errorf("repeating the request: %v, want its batch", err)
								}
							} else if !errors.Is(err, c.want) {
								t.Errorf("repeating the request: %v, want %v", err, c.want)
							}
							sub.IdempotencyKey = "another"
						}
						_, _, err = s.Submit(t.Context(), lender, sub)
						if c.only != "" && c.only != credential {
							if err != nil {
								t.Errorf("a %s still works, but Submit() = %v", credential, err)
							}
							return
						}
						if !errors.Is(err, c.want) {
							t.Errorf("Submit() = %v, want %v", err, c.want)
						}
						if s.count(t.Context(), t) != items || s.openInquiries(t) != open {
							t.Error("a rejected submission changed something")
						}
					})
				}
			}
		}
	}

	// The access may end at any moment before the transaction, however late.
	t.Run("the user is suspended during the submission", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender := newLender(t, s, acme)
		if _, _, err := s.Submit(t.Context(), lender, submission(1)); err != nil {
			t.Fatal(err)
		}
		lender.BatchCount = 0 // out of date, so the first try only reads the counts
		late := New(&beforeTransaction{DB: s.db, number: 2, happens: func() {
			if _, err := s.SuspendUser(t.Context(), someone.UserID); err != nil {
				t.Error(err)
			}
		}}, s.table, s.now)
		if _, _, err := late.Submit(t.Context(), lender, submission(1)); !errors.Is(err, inquiry.ErrCutOff) {
			t.Errorf("Submit() = %v, want %v", err, inquiry.ErrCutOff)
		}
	})

	t.Run("a submitter who does not exist is rejected", func(t *testing.T) {
		t.Parallel()
		s := newStore(t)
		lender := newLender(t, s, acme)
		for name, by := range map[string]inquiry.Submitter{
			"nobody": {}, "no role": {UserID: someone.UserID}, "another user": {UserID: "user-2", Role: "member"},
			"an unknown key": {UserID: someone.UserID, Role: "member", KeyID: "unknown", KeyVersion: 1},
		} {
			sub := submission(1)
			sub.Submitter = by
			if _, _, err := s.Submit(t.Context(), lender, sub); !errors.Is(err, inquiry.ErrCutOff) {
				t.Errorf("%s: Submit() = %v, want %v", name, err, inquiry.ErrCutOff)
			}
		}
	})
}

// rotated rotates a key for its owner.
func rotated(t testing.TB, s *Store, k APIKey) (bool, error) {
	_, _, err := s.RotateAPIKey(t.Context(), k.ID, Rotation{Generation: 2})
	return err == nil, err
}

// beforeTransaction is a DB that calls happens before a store's nth transaction.
type beforeTransaction struct {
	DB
	number  int
	happens func()
}

func (b *beforeTransaction) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if b.number--; b.number == 0 {
		b.happens()
	}
	return b.DB.TransactWriteItems(ctx, in, opts...)
}
