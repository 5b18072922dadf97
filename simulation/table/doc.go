// Package table is a DynamoDB table in memory. It does the calls that package store
// makes, with the same results and errors, so that thousands of histories run in a
// minute and each can be repeated. It does not know what the items mean.
//
// Modeled: the conditions, updates, key conditions and projections that package
// store uses; limits of items and requests; transactions with their cancellation
// reasons and request tokens; Query with pages of 1 MB, also on the sparse index;
// unprocessed keys; the stream with NEW_IMAGE; TTL removals; read and write units.
// Eventually consistent reads lag as the caller chooses. [ShortReplies] makes the
// replies of this table or of a real one short.
//
// Every item lags separately, so a query may return one write without an earlier
// write to another item, as DynamoDB may after a partition split. Items of the index
// that are due at the same moment come in the order of their keys, which DynamoDB
// does not promise. Request tokens work for committed transactions only.
//
// The conformance tests compare every call with a real engine and with DynamoDB
// Local. Where DynamoDB Local deviates from the documentation, this table follows
// the documentation: an update that cannot be done cancels its transaction with the
// reason ValidationError, and an update cannot give an attribute of the index
// another type.
//
// Not modeled: all other expressions, such as paths into attributes, sets, numbers
// other than whole ones of up to 18 digits, filters, and functions that package
// store does not use; other operations; shards, since all records come in one list
// in the order of commits; throttling, conflicts and lost replies, which a caller
// causes with Before and After; parallel transactions, since a call has its effect
// at one moment; other tables. A request that is not modeled gets an error and is
// never silently ignored.
//
// No library fits: the only Go interpreter of these expressions that we found
// (truora/minidyn) keeps numbers as float64 and inserts names into the text of an
// expression, so that it must parse every call.
package table
