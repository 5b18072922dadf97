package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// idempotencyLife is how long a key is remembered.
const idempotencyLife = 24 * time.Hour

// fingerprint tells a request from others under the same idempotency key.
type fingerprint = [sha256.Size]byte

// Recall returns the batch that the idempotency key stands for. A key that has
// not been used is inquiry.ErrNotFound, and one that another request was sent
// with is inquiry.ErrIdempotencyMismatch.
func (s *Store) Recall(ctx context.Context, lender inquiry.LenderID, idempotency string, request fingerprint) (inquiry.BatchID, error) {
	record, err := s.get(ctx, idempotencyRecord(lender, idempotency), true)
	if err != nil {
		return inquiry.BatchID{}, fmt.Errorf("recalling an idempotency key: %w", err)
	}
	return remembered(record, request)
}

// remember is a transaction's write that makes the key stand for the request and
// the batch that it is about; it is refused while the key stands for anything.
func (s *Store) remember(lender inquiry.LenderID, idempotency string, request fingerprint, batch inquiry.BatchID) types.TransactWriteItem {
	now := s.now()
	record := idempotencyRecord(lender, idempotency)
	record["batchId"] = text(batch.String())
	record["fingerprint"] = binary(request[:])
	record["expiresAt"] = number(now.Add(idempotencyLife).Unix())
	return s.put(record, "attribute_not_exists(PK) OR expiresAt <= :now", item{":now": number(now.Unix())})
}

// remembered reads what remember wrote, for a request that comes with the same key.
func remembered(record item, request fingerprint) (inquiry.BatchID, error) {
	batch, err := inquiry.ParseBatchID(textOf(record, "batchId"))
	if err != nil {
		// Not %w: a damaged record is not a key that was never used.
		return inquiry.BatchID{}, fmt.Errorf("reading idempotency record: %v", err)
	}
	first, _ := record["fingerprint"].(*types.AttributeValueMemberB)
	if first == nil || !bytes.Equal(first.Value, request[:]) {
		return inquiry.BatchID{}, inquiry.ErrIdempotencyMismatch
	}
	return batch, nil
}

// idempotencyRecord is the key of the item that remembers an idempotency key, by
// a hash: the key itself may be anything that a lender thought of.
func idempotencyRecord(lender inquiry.LenderID, idempotency string) item {
	hash := sha256.Sum256([]byte(idempotency))
	return key(lenderKey(lender), idempotencyKey(hex.EncodeToString(hash[:])))
}
