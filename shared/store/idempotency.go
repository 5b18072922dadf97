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

// fingerprint is a hash of a request. It distinguishes requests that were sent with
// the same idempotency key.
type fingerprint = [sha256.Size]byte

// Recall returns the batch that was recorded for the idempotency key. It returns
// inquiry.ErrNotFound when the key has not been used, and
// inquiry.ErrIdempotencyMismatch when it was used for a different request.
func (s *Store) Recall(ctx context.Context, lender inquiry.LenderID, idempotency string, request fingerprint) (inquiry.BatchID, error) {
	record, err := s.get(ctx, idempotencyRecord(lender, idempotency), consistent)
	if err != nil {
		return inquiry.BatchID{}, fmt.Errorf("recalling an idempotency key: %w", err)
	}
	return remembered(record, request)
}

// remember returns a transaction's action that records the key with its request and
// the batch that the request is about. Its condition fails while the key is in use.
func (s *Store) remember(lender inquiry.LenderID, idempotency string, request fingerprint, batch inquiry.BatchID) types.TransactWriteItem {
	now := s.now()
	record := idempotencyRecord(lender, idempotency)
	record["batchId"] = text(batch.String())
	record["fingerprint"] = binary(request[:])
	record[ExpiresAtAttribute] = number(now.Add(idempotencyLife).Unix())
	return s.put(record, "attribute_not_exists(PK) OR expiresAt <= :now", item{":now": number(now.Unix())})
}

// remembered returns the batch in a record that remember wrote, if the record is
// about the same request.
func remembered(record item, request fingerprint) (inquiry.BatchID, error) {
	batch, err := inquiry.ParseBatchID(textOf(record, "batchId"))
	if err != nil {
		// Not %w: a damaged record does not mean that the key was never used.
		return inquiry.BatchID{}, fmt.Errorf("reading idempotency record: %v", err)
	}
	first, _ := record["fingerprint"].(*types.AttributeValueMemberB)
	if first == nil || !bytes.Equal(first.Value, request[:]) {
		return inquiry.BatchID{}, inquiry.ErrIdempotencyMismatch
	}
	return batch, nil
}

// idempotencyRecord returns the primary key of the item that records an idempotency
// key. It contains a hash, because the key itself may be any text that a lender sent.
func idempotencyRecord(lender inquiry.LenderID, idempotency string) item {
	hash := sha256.Sum256([]byte(idempotency))
	return key(lenderKey(lender), idempotencyKey(hex.EncodeToString(hash[:])))
}
