// Package table is a DynamoDB table in memory, in process: the client calls that
// package store makes, with their exact results and errors, so that thousands of
// histories can be run in a minute and each can be run again. It knows nothing
// of what the items mean.
//
// Modelled: conditions, updates, key conditions, filters and projections in full;
// types, number precision, item and request limits; transactions with their
// cancellation reasons and request tokens; Query with pages of 1 MB, and on the
// sparse index; unprocessed keys; the stream with NEW_IMAGE; TTL removals; read
// and write units. Eventually consistent reads lag as the caller chooses.
//
// Not modelled: shards of the stream and their splits, since records come in one
// list in the order of commits; throttling, conflicts and lost replies, which a
// caller brings about in Before and After; parallel transactions, since a call
// happens at one moment; other tables; parameters that expressions replaced.
// What is not modelled is an error and never ignored.
//
// No library did: the one Go interpreter of these expressions that we found
// (truora/minidyn) keeps numbers as float64 and puts names into the text of an
// expression, so it must be parsed for every call.
package table
