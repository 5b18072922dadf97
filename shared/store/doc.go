// Package store keeps the service's state in one DynamoDB table. It knows keys,
// items and conditions; the rules behind them are in package inquiry.
//
// Every key of a lender's data contains the lender's id, so no code can reach a
// batch by its id alone.
//
//	item          PK                                     SK                       Go
//	lender        LENDERPROFILE#<lenderId>               PROFILE                  inquiry.Lender, without its counts
//	its counts    LENDER#<lenderId>                      COUNTS                   inquiry.Lender's BatchCount and Open
//	list place    LENDER#<lenderId>                      BATCH#<ordinal, 10>      (batch id only)
//	waits         LENDER#<lenderId>                      WAITS                    (ten places, see wait.go)
//	idempotency   LENDER#<lenderId>                      IDEMPOTENCY#<sha256>     (batch id, request hash)
//	batch header  LENDER#<lenderId>#BATCH#<batchId>      HEADER                   inquiry.Batch
//	page          LENDER#<lenderId>#BATCH#<batchId>      PAGE#<number, 3>         []inquiry.Inquiry
//	inquiry       LENDER#<lenderId>#BATCH#<batchId>#<b>  INQUIRY#<index, 5>       inquiry.Record
//	user          USER#<Cognito sub>                     PROFILE                  User
//	API key       APIKEY#<keyId>                         PROFILE                  APIKey
//
// A lender's profile has a partition of its own because IAM distinguishes items by
// their partition key only: the functions that change a lender's data and counts must
// not be able to change its status and limits.
//
// The bucket b is index / 256. An inquiry has an item from RUNNING on; an absent
// item means PLANNING. The sparse index "open" (openShard, nextCheckAt) contains the
// headers of unfinished batches, in eight shards and a partition of those that a sweep
// is working on.
//
// No AWS type or error leaves this package: callers act on package inquiry's
// sentinel errors. Types that the rules in package inquiry do not need (Claim,
// Result, User, APIKey) are declared here.
package store
