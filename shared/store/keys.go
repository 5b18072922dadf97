package store

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// partitionKey and sortKey are separate types, so that one cannot be used in place
// of the other.
type (
	partitionKey string
	sortKey      string
)

// bucketSize is the number of inquiries that share a partition key.
const bucketSize = 256

const (
	profileKey sortKey = ProfileSK
	countsKey  sortKey = CountsSK
	headerKey  sortKey = HeaderSK
	waitsKey   sortKey = WaitsSK
)

func lenderProfileKey(lender inquiry.LenderID) partitionKey {
	return partitionKey(LenderProfilePrefix + string(lender))
}

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

// item is a table item, or a part of one: its attributes by name.
type item = map[string]types.AttributeValue

// key returns the primary key of one item.
func key(partition partitionKey, sort sortKey) item {
	return item{PKAttribute: text(string(partition)), SKAttribute: text(string(sort))}
}

// place identifies the batch and the inquiry that an item in a bucket belongs to.
type place struct {
	lender inquiry.LenderID
	batch  inquiry.BatchID
	index  int
}

// parseInquiryKey parses the keys that bucketKey and inquiryKey build.
func parseInquiryKey(pk, sk string) (place, error) {
	rest, okLender := strings.CutPrefix(pk, LenderPrefix)
	lender, rest, okBatch := strings.Cut(rest, BatchInfix)
	id, _, okBucket := strings.Cut(rest, "#")
	digits, okSort := strings.CutPrefix(sk, InquiryPrefix)
	index, err := strconv.Atoi(digits)
	if !okLender || !okBatch || !okBucket || !okSort || err != nil {
		return place{}, fmt.Errorf("key %q, %q does not belong to an inquiry", pk, sk)
	}
	batch, err := inquiry.ParseBatchID(id)
	if err != nil {
		return place{}, fmt.Errorf("key %q: %v", pk, err) // not %w: a damaged key does not mean that the batch is absent
	}
	return place{inquiry.LenderID(lender), batch, index}, nil
}
