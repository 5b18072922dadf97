package store

import (
	"context"
	"crypto/rand"
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
	"github.com/batch-inquiries/batch-inquiries/shared/retry"
)

// maxRotations bounds how many rotations of a key are remembered.
const maxRotations = 50

// Rotation asks to replace the version of an API key with the next one. Whoever asks
// has proved their identity without the key.
type Rotation struct {
	// Generation of the master key that the next version is derived from.
	Generation int

	// Request identifies the request, so that a repeat of it within 24 hours returns
	// the same version again, until there is a newer one. Empty means that the request
	// is never repeated.
	Request string
}

// hash identifies the rotation in the table.
func (r Rotation) hash() string {
	sum := sha256.Sum256([]byte(r.Request))
	return hex.EncodeToString(sum[:])
}

// RotateAPIKey ends the version of the key that is in use, if it is not revoked, and
// begins the next one.
//
// replayed reports a repeat. The version that it returns may have been revoked in
// the meantime. A repeat after a later rotation returns inquiry.ErrNotFound.
func (s *Store) RotateAPIKey(ctx context.Context, id string, r Rotation) (k APIKey, replayed bool, err error) {
	repeatable := r.Request != ""
	if !repeatable {
		r.Request = rand.Text() // to recognize our own write if its reply is lost
	}
	hash := r.hash()
	for attempt := range 5 {
		k, past, err := s.rotations(ctx, id)
		if err != nil {
			return APIKey{}, false, err
		}
		done := slices.Index(past, hash)
		if done >= 0 && done == len(past)-1 {
			return k, repeatable, nil
		}
		if done >= 0 { // rotating again would end the version that is in use now
			return APIKey{}, false, fmt.Errorf("rotating API key %s: there has been a later rotation: %w", id, inquiry.ErrNotFound)
		}
		changed, err := s.raiseVersion(ctx, k, r.Generation, append(past, hash))
		if err != nil {
			return APIKey{}, false, fmt.Errorf("rotating API key %s: %w", id, err)
		}
		if changed {
			k.Version, k.Generation, k.RevokedAt = k.Version+1, r.Generation, time.Time{}
			return k, false, nil
		}
		// Either our own write succeeded and its reply was lost, or another caller
		// rotated the key; the next read shows which. Another caller's rotation must
		// not be returned: that caller may be the thief whom this rotation locks out.
		if err := retry.Pause(ctx, attempt); err != nil {
			return APIKey{}, false, err
		}
	}
	return APIKey{}, false, fmt.Errorf("rotating API key %s: %w", id, inquiry.ErrConflict)
}

// rotations returns a key and the hashes of its latest rotations, oldest first, so
// that the last one began the key's current version. It returns no hashes when
// that rotation is too old to be repeated.
func (s *Store) rotations(ctx context.Context, id string) (k APIKey, past []string, err error) {
	it, err := s.get(ctx, key(apiKeyKey(id), profileKey), consistent)
	if err != nil {
		return APIKey{}, nil, fmt.Errorf("reading API key %s: %w", id, err)
	}
	at, errAt := numberOf(it, "rotatedAt")
	if k, err = apiKeyOf(id, it); err != nil || errAt != nil {
		return APIKey{}, nil, errors.Join(err, annotate(errAt, "reading API key %s", id))
	}
	if list, ok := it["rotations"].(*types.AttributeValueMemberL); ok && s.now().Sub(time.UnixMilli(at)) < idempotencyLife {
		for _, hash := range list.Value {
			if h, ok := hash.(*types.AttributeValueMemberS); ok {
				past = append(past, h.Value)
			}
		}
	}
	return k, past, nil
}

// raiseVersion begins the next version of a key if the key has not changed since
// it was read: not rotated and, if it was valid then, not revoked.
func (s *Store) raiseVersion(ctx context.Context, read APIKey, generation int, rotations []string) (changed bool, err error) {
	list := &types.AttributeValueMemberL{}
	for _, hash := range rotations[max(len(rotations)-maxRotations, 0):] {
		list.Value = append(list.Value, text(hash))
	}
	condition := "version = :read"
	if read.RevokedAt.IsZero() {
		condition += " AND attribute_not_exists(revokedAt)"
	}
	_, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &s.table,
		Key:                 key(apiKeyKey(read.ID), profileKey),
		UpdateExpression:    aws.String("SET version = :next, generation = :generation, rotations = :rotations, rotatedAt = :now REMOVE revokedAt"),
		ConditionExpression: &condition,
		ExpressionAttributeValues: item{
			":read": number(read.Version), ":next": number(read.Version + 1),
			":generation": number(generation), ":rotations": list, ":now": number(s.now().UnixMilli()),
		},
	})
	if _, refused := refusal(err); refused {
		return false, nil
	}
	return err == nil, err
}
