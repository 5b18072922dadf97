package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// User is a person who acts for one lender. The lender of a user never changes.
// The admin command creates and changes users; the API records the first API key.
// Cognito keeps the person's name and email address.
type User struct {
	ID       string // the Cognito sub
	LenderID inquiry.LenderID
	Role     string // package auth has the words
	Status   inquiry.AccessStatus
	APIKeyID string // empty until the user first asks for their key
}

// AddUser adds an active user without an API key. It reads only ID, LenderID and
// Role. It returns the user as they are in the table, and whether this call added
// them: an existing user is not changed.
func (s *Store) AddUser(ctx context.Context, u User) (stored User, added bool, err error) {
	if u.ID == "" || u.LenderID == "" || u.Role == "" {
		return User{}, false, errors.New("a user needs an id, a lender and a role")
	}
	u.Status, u.APIKeyID = inquiry.AccessActive, ""

	it := key(userKey(u.ID), profileKey)
	it["lenderId"] = text(string(u.LenderID))
	it["role"] = text(u.Role)
	it[StatusAttribute] = text(string(u.Status))
	old, err := s.putNew(ctx, it)
	if err != nil {
		return User{}, false, fmt.Errorf("adding user %s: %w", u.ID, err)
	}
	if old != nil {
		return userOf(u.ID, old), false, nil
	}
	return u, true, nil
}

// User returns one user, by the sub of their token.
func (s *Store) User(ctx context.Context, id string) (User, error) {
	it, err := s.get(ctx, key(userKey(id), profileKey), consistent)
	if err != nil {
		return User{}, fmt.Errorf("reading user %s: %w", id, err)
	}
	return userOf(id, it), nil
}

// SuspendUser denies the service to one user and their key. changed is false when
// the user was already suspended.
func (s *Store) SuspendUser(ctx context.Context, id string) (changed bool, err error) {
	changed, err = s.setProfile(ctx, userKey(id), StatusAttribute, text(string(inquiry.AccessSuspended)))
	return changed, annotate(err, "suspending user %s", id)
}

// ResumeUser ends a suspension. changed is false when there was none.
func (s *Store) ResumeUser(ctx context.Context, id string) (changed bool, err error) {
	changed, err = s.setProfile(ctx, userKey(id), StatusAttribute, text(string(inquiry.AccessActive)))
	return changed, annotate(err, "resuming user %s", id)
}

// SetRole gives a user another role.
func (s *Store) SetRole(ctx context.Context, id, role string) (changed bool, err error) {
	changed, err = s.setProfile(ctx, userKey(id), "role", text(role))
	return changed, annotate(err, "setting the role of user %s", id)
}

// Membership returns a user and a lender without its counts, in one read. It returns
// inquiry.ErrNotFound when either is missing.
func (s *Store) Membership(ctx context.Context, userID string, lender inquiry.LenderID) (User, inquiry.Lender, error) {
	found, err := s.getBoth(ctx, key(userKey(userID), profileKey), key(lenderProfileKey(lender), profileKey))
	if err != nil {
		return User{}, inquiry.Lender{}, fmt.Errorf("reading user %s and lender %s: %w", userID, lender, err)
	}
	l, err := lenderOf(lender, found[1])
	return userOf(userID, found[0]), l, err
}

func userOf(id string, it item) User {
	return User{
		ID:       id,
		LenderID: inquiry.LenderID(textOf(it, "lenderId")),
		Role:     textOf(it, "role"),
		Status:   inquiry.AccessStatus(textOf(it, StatusAttribute)),
		APIKeyID: textOf(it, APIKeyIDAttribute),
	}
}
