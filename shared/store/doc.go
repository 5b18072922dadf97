// Package store keeps the service's state in one DynamoDB table. It knows keys,
// items and conditions; the rules behind them are in package inquiry.
//
// A lender's id is part of every key that holds a lender's data, so there is no
// way to reach a batch by its id alone.
//
//	item          PK                                     SK                       Go
//	lender        LENDER#<lenderId>                      PROFILE                  inquiry.Lender
//	list place    LENDER#<lenderId>                      BATCH#<ordinal, 10>      (batch id only)
//	idempotency   LENDER#<lenderId>                      IDEMPOTENCY#<sha256>     (batch id, request hash)
//	batch header  LENDER#<lenderId>#BATCH#<batchId>      HEADER                   inquiry.Batch
//	page          LENDER#<lenderId>#BATCH#<batchId>      PAGE#<number, 3>         []inquiry.Inquiry
//	inquiry       LENDER#<lenderId>#BATCH#<batchId>#<b>  INQUIRY#<index, 5>       inquiry.Record
//	user          USER#<Cognito sub>                     PROFILE                  User
//	API key       APIKEY#<keyId>                         PROFILE                  APIKey
//
// The bucket b is index / 256. An inquiry has an item from RUNNING on; absent
// means PLANNING. The sparse index "open" (openShard, nextCheckAt) holds the
// headers of unfinished batches.
//
// No AWS type or error leaves this package: what a caller acts on is one of
// package inquiry's sentinel errors.
package store
