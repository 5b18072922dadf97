package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// lenderIDForm keeps '#' out of a lender's id, since keys are made of it.
var lenderIDForm = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// User is a person who acts for one lender, for ever the same one. The admin
// command creates and changes it; the API records the first API key. Name and
// e-mail address are Cognito's to keep.
type User struct {
	ID       string // the Cognito sub
	LenderID inquiry.LenderID
	Role     string // package auth knows the words
	Status   inquiry.AccessStatus
	APIKeyID string // empty until the user first asks for their key
}

// APIKey is what we keep of a key. The key itself follows from ID and Version
// with the master key, which is not in the table.
type APIKey struct {
	ID        string
	LenderID  inquiry.LenderID
	UserID    string    // whom the key acts as
	Version   int       // from 1; raised to end the key and begin another
	RevokedAt time.Time // zero while the key is valid
	CreatedAt time.Time
}

// CreateLender adds an active lender with no batches; only ID, Name, BatchMax
// and OpenMax are read, and a zero means inquiry.DefaultBatchMax or
// inquiry.DefaultOpenMax. It returns the lender as it stands in the table, and
// whether this call created it: one that exists is left as it is.
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

	it := key(lenderKey(l.ID), profileKey)
	it["name"] = text(l.Name)
	it["status"] = text(string(l.Status))
	it["batchMax"] = number(l.BatchMax)
	it["batchCount"] = number(l.BatchCount)
	it["openMax"] = number(l.OpenMax)
	it["open"] = number(l.Open)
	old, err := s.putNew(ctx, it)
	if err != nil {
		return inquiry.Lender{}, false, fmt.Errorf("creating lender %s: %w", l.ID, err)
	}
	if old != nil {
		stored, err = lenderOf(l.ID, old)
		return stored, false, err
	}
	l.OpenMax = max(l.OpenMax, l.BatchMax)
	return l, true, nil
}

// Lender returns one lender's profile.
func (s *Store) Lender(ctx context.Context, id inquiry.LenderID) (inquiry.Lender, error) {
	it, err := s.get(ctx, key(lenderKey(id), profileKey), true)
	if err != nil {
		return inquiry.Lender{}, fmt.Errorf("reading lender %s: %w", id, err)
	}
	return lenderOf(id, it)
}

// SuspendLender denies the service to all of a lender's users and keys; changed
// is false when it was denied already.
func (s *Store) SuspendLender(ctx context.Context, id inquiry.LenderID) (changed bool, err error) {
	changed, err = s.setProfile(ctx, lenderKey(id), "status", text(string(inquiry.AccessSuspended)))
	return changed, naming(err, "suspending lender %s", id)
}

// ResumeLender ends a suspension; changed is false when there was none.
func (s *Store) ResumeLender(ctx context.Context, id inquiry.LenderID) (changed bool, err error) {
	changed, err = s.setProfile(ctx, lenderKey(id), "status", text(string(inquiry.AccessActive)))
	return changed, naming(err, "resuming lender %s", id)
}

// SetBatchMax sets how many inquiries the lender may put into one batch.
func (s *Store) SetBatchMax(ctx context.Context, id inquiry.LenderID, batchMax int) (changed bool, err error) {
	if err := checkBatchMax(batchMax); err != nil {
		return false, err
	}
	changed, err = s.setProfile(ctx, lenderKey(id), "batchMax", number(batchMax))
	return changed, naming(err, "setting the batch limit of lender %s", id)
}

// SetOpenMax sets how many inquiries the lender may have open. A batch of the
// largest size is always possible.
func (s *Store) SetOpenMax(ctx context.Context, id inquiry.LenderID, openMax int) (changed bool, err error) {
	if err := checkOpenMax(openMax); err != nil {
		return false, err
	}
	changed, err = s.setProfile(ctx, lenderKey(id), "openMax", number(openMax))
	return changed, naming(err, "setting the limit of open inquiries of lender %s", id)
}

// AddUser adds an active user without an API key; only ID, LenderID and Role
// are read. It returns the user as they stand in the table, and whether this
// call added them: a user who exists is left as they are.
func (s *Store) AddUser(ctx context.Context, u User) (stored User, added bool, err error) {
	if u.ID == "" || u.LenderID == "" || u.Role == "" {
		return User{}, false, errors.New("a user needs an id, a lender and a role")
	}
	u.Status, u.APIKeyID = inquiry.AccessActive, ""

	it := key(userKey(u.ID), profileKey)
	it["lenderId"] = text(string(u.LenderID))
	it["role"] = text(u.Role)
	it["status"] = text(string(u.Status))
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
	it, err := s.get(ctx, key(userKey(id), profileKey), true)
	if err != nil {
		return User{}, fmt.Errorf("reading user %s: %w", id, err)
	}
	return userOf(id, it), nil
}

// SuspendUser denies the service to one user and their key; changed is false
// when it was denied already.
func (s *Store) SuspendUser(ctx context.Context, id string) (changed bool, err error) {
	changed, err = s.setProfile(ctx, userKey(id), "status", text(string(inquiry.AccessSuspended)))
	return changed, naming(err, "suspending user %s", id)
}

// ResumeUser ends a suspension; changed is false when there was none.
func (s *Store) ResumeUser(ctx context.Context, id string) (changed bool, err error) {
	changed, err = s.setProfile(ctx, userKey(id), "status", text(string(inquiry.AccessActive)))
	return changed, naming(err, "resuming user %s", id)
}

// SetRole gives a user another role.
func (s *Store) SetRole(ctx context.Context, id, role string) (changed bool, err error) {
	changed, err = s.setProfile(ctx, userKey(id), "role", text(role))
	return changed, naming(err, "setting the role of user %s", id)
}

// Membership returns a user and a lender in one read. Either one missing is
// inquiry.ErrNotFound.
func (s *Store) Membership(ctx context.Context, userID string, lender inquiry.LenderID) (User, inquiry.Lender, error) {
	out, err := s.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{s.table: {
			Keys:           []item{key(userKey(userID), profileKey), key(lenderKey(lender), profileKey)},
			ConsistentRead: aws.Bool(true),
		}},
	})
	if err == nil && len(out.UnprocessedKeys) > 0 {
		err = errors.New("the table is too busy to answer in full")
	}
	if err != nil {
		return User{}, inquiry.Lender{}, fmt.Errorf("reading user %s and lender %s: %w", userID, lender, err)
	}
	found := map[string]item{}
	for _, it := range out.Responses[s.table] {
		found[textOf(it, "PK")] = it
	}
	userItem, lenderItem := found[string(userKey(userID))], found[string(lenderKey(lender))]
	if userItem == nil || lenderItem == nil {
		return User{}, inquiry.Lender{}, fmt.Errorf("reading user %s and lender %s: %w", userID, lender, inquiry.ErrNotFound)
	}
	l, err := lenderOf(lender, lenderItem)
	return userOf(userID, userItem), l, err
}

// APIKey returns what we keep of one key, revoked or not. The read is
// consistent: a key works from the moment it was shown.
func (s *Store) APIKey(ctx context.Context, id string) (APIKey, error) {
	it, err := s.get(ctx, key(apiKeyKey(id), profileKey), true)
	if err != nil {
		return APIKey{}, fmt.Errorf("reading API key %s: %w", id, err)
	}
	return apiKeyOf(id, it)
}

// EnsureAPIKey returns the user's API key, which the first call creates. Calls
// at the same time return the same key.
func (s *Store) EnsureAPIKey(ctx context.Context, userID string) (APIKey, error) {
	for range 5 {
		u, err := s.User(ctx, userID)
		if err != nil {
			return APIKey{}, err
		}
		if u.APIKeyID != "" {
			return s.APIKey(ctx, u.APIKeyID)
		}
		k := APIKey{ID: rand.Text(), LenderID: u.LenderID, UserID: u.ID, Version: 1, CreatedAt: s.now().Truncate(time.Millisecond)}
		err = s.recordFirstKey(ctx, k)
		if err == nil {
			return k, nil
		}
		if !errors.Is(err, inquiry.ErrConflict) {
			return APIKey{}, fmt.Errorf("creating the API key of user %s: %w", userID, err)
		}
		select { // let the faster one finish
		case <-ctx.Done():
			return APIKey{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return APIKey{}, fmt.Errorf("creating the API key of user %s: %w", userID, inquiry.ErrConflict)
}

// recordFirstKey writes the key and its place on the user's item together, so
// there is never the one without the other. It is inquiry.ErrConflict when the
// user has a key already or is getting one.
func (s *Store) recordFirstKey(ctx context.Context, k APIKey) error {
	it := key(apiKeyKey(k.ID), profileKey)
	it["lenderId"] = text(string(k.LenderID))
	it["userId"] = text(k.UserID)
	it["version"] = number(k.Version)
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
			case "ConditionalCheckFailed", "TransactionConflict":
				return inquiry.ErrConflict
			}
		}
	}
	return err
}

// AnyVersion of an API key is the one in use, whichever that is.
const AnyVersion = 0

// Rotation says which version of an API key ends, and for whom.
type Rotation struct {
	// From is the version that whoever asks has proved to hold. It must be in
	// use: who holds an ended key gets no other. AnyVersion is for those who
	// proved themselves otherwise; they may also replace a revoked one.
	From int

	// Request names the request, so that its repeat within 24 hours gives the
	// same version again, until there is another. It is a secret of whoever asks:
	// with it even the version that has ended is shown its successor. Empty is a
	// request that is never repeated.
	Request string
}

// hash names the rotation in the table. From is part of it: what one credential
// asked for is no repeat of what another did.
func (r Rotation) hash() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", r.From, r.Request))
	return hex.EncodeToString(sum[:])
}

// RotateAPIKey ends the key that is in use and begins the next version. It is
// inquiry.ErrConflict when r.From is not in use, which changes nothing. The
// version that a repeat gives may have been revoked since; when there is another
// by now, a repeat is inquiry.ErrNotFound.
func (s *Store) RotateAPIKey(ctx context.Context, id string, r Rotation) (k APIKey, replayed bool, err error) {
	repeatable := r.Request != ""
	if !repeatable {
		r.Request = rand.Text() // to know our own write again, when its reply was lost
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
		if r.From != AnyVersion && (k.Version != r.From || !k.RevokedAt.IsZero()) {
			return APIKey{}, false, fmt.Errorf("rotating API key %s: version %d is not in use: %w", id, r.From, inquiry.ErrConflict)
		}
		if done >= 0 { // to rotate once more would end the key that is in use
			return APIKey{}, false, fmt.Errorf("rotating API key %s: another rotation came after this one: %w", id, inquiry.ErrNotFound)
		}
		changed, err := s.raiseVersion(ctx, k, append(past, hash))
		if err != nil {
			return APIKey{}, false, fmt.Errorf("rotating API key %s: %w", id, err)
		}
		if changed {
			k.Version++
			k.RevokedAt = time.Time{}
			return k, false, nil
		}
		// Ours, when the reply was lost, or somebody else's: the next reading tells.
		// Theirs is not as good, for they may be who the key is kept from.
		if err := pause(ctx, attempt); err != nil {
			return APIKey{}, false, err
		}
	}
	return APIKey{}, false, fmt.Errorf("rotating API key %s: %w", id, inquiry.ErrConflict)
}

// mostRotations bounds how many rotations are remembered.
const mostRotations = 50

// rotations returns a key and the hashes of its last rotations, the one that began
// its version last. There are none when that is too long ago to be repeated.
func (s *Store) rotations(ctx context.Context, id string) (k APIKey, past []string, err error) {
	it, err := s.get(ctx, key(apiKeyKey(id), profileKey), true)
	if err != nil {
		return APIKey{}, nil, fmt.Errorf("reading API key %s: %w", id, err)
	}
	at, errAt := numberOf(it, "rotatedAt")
	if k, err = apiKeyOf(id, it); err != nil || errAt != nil {
		return APIKey{}, nil, errors.Join(err, naming(errAt, "reading API key %s", id))
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

// raiseVersion begins the next version of a key, if the key is still as it was
// read: neither rotated nor, if it was valid, revoked.
func (s *Store) raiseVersion(ctx context.Context, read APIKey, rotations []string) (changed bool, err error) {
	list := &types.AttributeValueMemberL{}
	for _, hash := range rotations[max(len(rotations)-mostRotations, 0):] {
		list.Value = append(list.Value, text(hash))
	}
	condition := "version = :read"
	if read.RevokedAt.IsZero() {
		condition += " AND attribute_not_exists(revokedAt)"
	}
	_, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &s.table,
		Key:                 key(apiKeyKey(read.ID), profileKey),
		UpdateExpression:    aws.String("SET version = :next, rotations = :rotations, rotatedAt = :now REMOVE revokedAt"),
		ConditionExpression: &condition,
		ExpressionAttributeValues: item{
			":read": number(read.Version), ":next": number(read.Version + 1),
			":rotations": list, ":now": number(s.now().UnixMilli()),
		},
	})
	if _, ok := refused(err); ok {
		return false, nil
	}
	return err == nil, err
}

// RevokeAPIKey ends a key; changed is false when it was revoked before. When the
// version is not the one in use, nothing changes, and it is inquiry.ErrConflict.
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
	if old, ok := refused(err); ok {
		if old == nil {
			return false, fmt.Errorf("revoking API key %s: %w", id, inquiry.ErrNotFound)
		}
		k, err := apiKeyOf(id, old)
		if err == nil && version != AnyVersion && k.Version != version {
			err = fmt.Errorf("revoking API key %s: version %d is not in use: %w", id, version, inquiry.ErrConflict)
		}
		return false, err
	}
	return err == nil, naming(err, "revoking API key %s", id)
}

// putNew writes an item unless there is one of that key, which it returns.
func (s *Store) putNew(ctx context.Context, it item) (old item, err error) {
	_, err = s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &s.table,
		Item:                                it,
		ConditionExpression:                 aws.String("attribute_not_exists(PK)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if old, ok := refused(err); ok {
		return old, nil
	}
	return nil, err
}

// setProfile sets one attribute of a profile that exists, and reports whether
// it had another value.
func (s *Store) setProfile(ctx context.Context, partition partitionKey, name string, value types.AttributeValue) (changed bool, err error) {
	_, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &s.table,
		Key:                                 key(partition, profileKey),
		UpdateExpression:                    aws.String("SET #name = :value"),
		ConditionExpression:                 aws.String("attribute_exists(PK) AND (attribute_not_exists(#name) OR #name <> :value)"),
		ExpressionAttributeNames:            map[string]string{"#name": name},
		ExpressionAttributeValues:           item{":value": value},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if old, ok := refused(err); ok {
		if old == nil {
			return false, inquiry.ErrNotFound
		}
		return false, nil
	}
	return err == nil, err
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

// naming wraps err, if there is one, with what was done to which id.
func naming(err error, format string, id any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", id, err)
}

func lenderOf(id inquiry.LenderID, it item) (inquiry.Lender, error) {
	batchMax, errMax := numberOf(it, "batchMax")
	batchCount, errCount := numberOf(it, "batchCount")
	open, errOpen := numberOf(it, "open")
	openMax, errOpenMax := numberOf(it, "openMax")
	return inquiry.Lender{
		ID:         id,
		Name:       textOf(it, "name"),
		Status:     inquiry.AccessStatus(textOf(it, "status")),
		BatchMax:   int(batchMax),
		BatchCount: int(batchCount),
		Open:       int(open),
		OpenMax:    int(max(openMax, batchMax)),
	}, naming(errors.Join(errMax, errCount, errOpen, errOpenMax), "reading lender %s", id)
}

func userOf(id string, it item) User {
	return User{
		ID:       id,
		LenderID: inquiry.LenderID(textOf(it, "lenderId")),
		Role:     textOf(it, "role"),
		Status:   inquiry.AccessStatus(textOf(it, "status")),
		APIKeyID: textOf(it, "apiKeyId"),
	}
}

func apiKeyOf(id string, it item) (APIKey, error) {
	version, errVersion := numberOf(it, "version")
	revoked, errRevoked := numberOf(it, "revokedAt")
	created, errCreated := numberOf(it, "createdAt")
	k := APIKey{
		ID:        id,
		LenderID:  inquiry.LenderID(textOf(it, "lenderId")),
		UserID:    textOf(it, "userId"),
		Version:   int(version),
		CreatedAt: time.UnixMilli(created).UTC(),
	}
	if revoked != 0 {
		k.RevokedAt = time.UnixMilli(revoked).UTC()
	}
	return k, naming(errors.Join(errVersion, errRevoked, errCreated), "reading API key %s", id)
}
