package store

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// partitionKey and sortKey are types of their own, so that one cannot stand
// where the other belongs.
type (
	partitionKey string
	sortKey      string
)

// bucketSize is how many inquiries share a partition key.
const bucketSize = 256

const (
	profileKey sortKey = ProfileSK
	headerKey  sortKey = HeaderSK
)

func lenderKey(lender inquiry.LenderID) partitionKey {
	return partitionKey(LenderPrefix + string(lender))
}

func batchKey(lender inquiry.LenderID, batch inquiry.BatchID) partitionKey {
	return lenderKey(lender) + partitionKey(BatchInfix+batch.String())
}

func bucketKey(lender inquiry.LenderID, batch inquiry.BatchID, bucket int) partitionKey {
	return batchKey(lender, batch) + partitionKey("#"+strconv.Itoa(bucket))
}

func userKey(userID string) partitionKey  { return partitionKey(UserPrefix + userID) }
func apiKeyKey(keyID string) partitionKey { return partitionKey(APIKeyPrefix + keyID) }

func placeKey(ordinal int) sortKey { return sortKey(fmt.Sprintf("%s%010d", PlacePrefix, ordinal)) }
func pageKey(number int) sortKey   { return sortKey(fmt.Sprintf("%s%03d", PagePrefix, number)) }
func inquiryKey(index int) sortKey { return sortKey(fmt.Sprintf("%s%05d", InquiryPrefix, index)) }

func idempotencyKey(keyHash string) sortKey { return sortKey(IdempotencyPrefix + keyHash) }

// item is a table item, or a part of one, by attribute name.
type item = map[string]types.AttributeValue

// key returns the primary key of one item.
func key(partition partitionKey, sort sortKey) item {
	return item{PKAttribute: text(string(partition)), SKAttribute: text(string(sort))}
}

// place says which batch and inquiry a bucket's item belongs to.
type place struct {
	lender inquiry.LenderID
	batch  inquiry.BatchID
	index  int
}

// parseInquiryKey reads back what bucketKey and inquiryKey wrote.
func parseInquiryKey(pk, sk string) (place, error) {
	rest, okLender := strings.CutPrefix(pk, LenderPrefix)
	lender, rest, okBatch := strings.Cut(rest, BatchInfix)
	id, _, okBucket := strings.Cut(rest, "#")
	digits, okSort := strings.CutPrefix(sk, InquiryPrefix)
	index, err := strconv.Atoi(digits)
	if !okLender || !okBatch || !okBucket || !okSort || err != nil {
		return place{}, fmt.Errorf("key %q, %q is not an inquiry's", pk, sk)
	}
	batch, err := inquiry.ParseBatchID(id)
	if err != nil {
		return place{}, fmt.Errorf("key %q: %v", pk, err) // not %w: a damaged key is not an absent batch
	}
	return place{inquiry.LenderID(lender), batch, index}, nil
}
