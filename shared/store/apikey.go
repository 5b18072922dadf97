package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/retry"
)

// APIKey is what the table stores about a key. The key itself is derived from ID,
// Version and a generation of the master key, which is not in the table.
type APIKey struct {
	ID         string
	LenderID   inquiry.LenderID
	UserID     string    // the user that the key acts as
	Version    int       // from 1; a rotation raises it
	Generation int       // of the master key that this version is derived from, from 1
	RevokedAt  time.Time // zero while the key is valid
	CreatedAt  time.Time
}

// AnyVersion of an API key means the version that is in use.
const AnyVersion = 0

// APIKey returns one key, revoked or not. The read is consistent, so that a key
// works as soon as its user has seen it.
func (s *Store) APIKey(ctx context.Context, id string) (APIKey, error) {
	it, err := s.get(ctx, key(apiKeyKey(id), profileKey), consistent)
	if err != nil {
		return APIKey{}, fmt.Errorf("reading API key %s: %w", id, err)
	}
	return apiKeyOf(id, it)
}

// EnsureAPIKey returns the user's API key. The first call creates it, with this
// generation of the master key. Simultaneous calls return the same key.
func (s *Store) EnsureAPIKey(ctx context.Context, userID string, generation int) (APIKey, error) {
	for attempt := range 5 {
		u, err := s.User(ctx, userID)
		if err != nil {
			return APIKey{}, err
		}
		if u.APIKeyID != "" {
			return s.APIKey(ctx, u.APIKeyID)
		}
		k := APIKey{ID: rand.Text(), LenderID: u.LenderID, UserID: u.ID, Version: 1, Generation: generation, CreatedAt: s.now().Truncate(time.Millisecond)}
		err = s.recordFirstKey(ctx, k)
		if err == nil {
			return k, nil
		}
		if !errors.Is(err, inquiry.ErrConflict) {
			return APIKey{}, fmt.Errorf("creating the API key of user %s: %w", userID, err)
		}
		if err := retry.Pause(ctx, attempt); err != nil { // so that the other call can finish
			return APIKey{}, err
		}
	}
	return APIKey{}, fmt.Errorf("creating the API key of user %s: %w", userID, inquiry.ErrConflict)
}

// recordFirstKey writes the key, and its id on the user's item, in one
// transaction, so that neither exists without the other. It returns
// inquiry.ErrConflict when the user already has a key or is just getting one.
func (s *Store) recordFirstKey(ctx context.Context, k APIKey) error {
	it := key(apiKeyKey(k.ID), profileKey)
	it["lenderId"] = text(string(k.LenderID))
	it["userId"] = text(k.UserID)
	it["version"] = number(k.Version)
	it["generation"] = number(k.Generation)
	it["createdAt"] = number(k.CreatedAt.UnixMilli())

	_, err := s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{
				TableName:           &s.table,
				Item:                it,
				ConditionExpression: aws.String("attribute_not_exists(PK)"),
			}},
			{Update: &types.Update{
				TableName:                 &s.table,
				Key:                       key(userKey(k.UserID), profileKey),
				UpdateExpression:          aws.String("SET apiKeyId = :id"),
				ConditionExpression:       aws.String("attribute_exists(PK) AND attribute_not_exists(apiKeyId)"),
				ExpressionAttributeValues: item{":id": text(k.ID)},
			}},
		},
	})
	if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, reason := range canceled.CancellationReasons {
			switch aws.ToString(reason.Code) {
			case conditionFailed, transactionConflict:
				return inquiry.ErrConflict
			}
		}
	}
	return err
}

// RevokeAPIKey ends a key. changed is false when it was already revoked. It returns
// inquiry.ErrConflict, and changes nothing, when version is not the one in use.
func (s *Store) RevokeAPIKey(ctx context.Context, id string, version int) (changed bool, err error) {
	condition, values := "attribute_exists(PK) AND attribute_not_exists(revokedAt)", item{":now": number(s.now().UnixMilli())}
	if version != AnyVersion {
		condition += " AND version = :version"
		values[":version"] = number(version)
	}
	_, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &s.table,
		Key:                                 key(apiKeyKey(id), profileKey),
		UpdateExpression:                    aws.String("SET revokedAt = :now"),
		ConditionExpression:                 &condition,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	old, refused := refusal(err)
	if !refused {
		return err == nil, annotate(err, "revoking API key %s", id)
	}
	if old == nil {
		return false, fmt.Errorf("revoking API key %s: %w", id, inquiry.ErrNotFound)
	}
	k, err := apiKeyOf(id, old)
	if err == nil && version != AnyVersion && k.Version != version {
		err = fmt.Errorf("revoking API key %s: version %d is not in use: %w", id, version, inquiry.ErrConflict)
	}
	return false, err
}

func apiKeyOf(id string, it item) (APIKey, error) {
	version, errVersion := numberOf(it, "version")
	generation, errGeneration := numberOf(it, "generation")
	revoked, errRevoked := numberOf(it, "revokedAt")
	created, errCreated := numberOf(it, "createdAt")
	k := APIKey{
		ID:         id,
		LenderID:   inquiry.LenderID(textOf(it, "lenderId")),
		UserID:     textOf(it, "userId"),
		Version:    int(version),
		Generation: max(int(generation), 1), // the first keys were stored without one
		CreatedAt:  time.UnixMilli(created).UTC(),
	}
	if revoked != 0 {
		k.RevokedAt = time.UnixMilli(revoked).UTC()
	}
	return k, annotate(errors.Join(errVersion, errGeneration, errRevoked, errCreated), "reading API key %s", id)
}
