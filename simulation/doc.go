// Package simulation runs the real functions and the real store against a
// simulated world, and checks after every step that what the service promises
// still holds.
//
// The world is a table (package table below this one), its stream in shards, a
// queue with its dead letters, the event sources between them and the functions,
// the schedule, and clients. A history is a sequence of steps. In each step the
// scheduler lets one thing happen: a call of the table or of the queue is done, an
// event is delivered, a client sends a request, time passes. It chooses among all
// that is possible with a random number generator whose seed names the history:
//
//	go test ./simulation -run Simulation -seed 42 -v
//
// prints history 42 step by step, and does so every time.
//
// # Why it repeats
//
// The functions start goroutines of their own. Each history runs in a bubble of
// testing/synctest: whoever calls the table, the queue or a source parks, and the
// scheduler waits until all goroutines do before it looks who is there, in an
// order that does not depend on who came first. So between two steps nothing runs,
// and in a step one call has an effect. The clock is the scheduler's; the bubble's
// own time passes only where package store pauses before it tries again. Random
// ids come from testing/cryptotest. That is why these tests are not parallel, and
// why TestSimulation starts one process for each core.
//
// # What may go wrong
//
// An invocation can die before and after every call of it, freeze and go on long
// after its lease, and take too long. A call can fail without having been done,
// have been done and its reply lost, and be sent again by the SDK. Reads that may
// be stale are. Messages come twice, are lost, are not taken, are received too
// often; stream records come again and out of order, are given up, change shards;
// mappings are made again. Clocks differ. See [Faults].
//
// # What is checked
//
// The laws have the numbers of the research: I1 exactly one final status by the
// deadline and one sweep, I2 counters are the histogram of the ledger, sum up to
// the total and equal a recount, I3 no batch is done early or open for ever, I4 a
// final status never changes, I5 a batch finishes once, I6 nothing crosses
// lenders, I7 same key and body is the same batch, I8 work is bounded, I9 nothing
// uncommitted is visible, I10 a stale attempt cannot write, I11 a lender's open
// inquiries are those of its unfinished batches. Beside them there is one rule
// for each event source: what it deletes or passes by must have had its effect,
// since nobody else may know of it.
//
// I8's bounds: a header is written at most twice an inquiry for counting; an
// inquiry's item once a claim and once at its end, and there are no more claims
// than deliveries; a header says SUBMITTED once and CANCEL_REQUESTED once; and a
// history comes to rest.
package simulation
