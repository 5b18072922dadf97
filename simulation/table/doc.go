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
// Every item lags for itself, so a query may show one write and not an earlier one
// to another item, as it may where a partition has been split. Items of the
// index that are due at the same moment come in the order of their keys, which
// nobody promises. Request tokens matter for transactions that have committed.
//
// The conformance tests hold it against a real engine and against DynamoDB Local,
// call by call. It follows the documentation of DynamoDB where DynamoDB Local does
// not: numbers are trimmed, an update that cannot be done cancels its transaction
// with the reason ValidationError, and an update cannot give the index an
// attribute of another type.
//
// Not modelled: shards of the stream and their splits, since records come in one
// list in the order of commits; throttling, conflicts and lost replies, which a
// caller brings about in Before and After; parallel transactions, since a call
// happens at one moment; other tables; parameters that expressions replaced;
// UPDATED_NEW and UPDATED_OLD of parts of attributes; nesting limits.
// What is not modelled is an error and never ignored.
//
// No library did: the one Go interpreter of these expressions that we found
// (truora/minidyn) keeps numbers as float64 and puts names into the text of an
// expression, so it must be parsed for every call.
package table
