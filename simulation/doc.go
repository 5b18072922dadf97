// Package simulation runs the real functions and the real store in a simulated world
// and checks after every step that the service keeps its promises. Only its own tests
// use it.
//
// The world consists of a table (package table), its stream in shards, a queue with
// its dead letters, the event sources between them and the functions, the schedule
// and clients. A history is a sequence of steps. In each step the scheduler lets one
// thing happen: a call to the table or the queue is done, an event is delivered, a
// client sends a request, or time passes. It chooses at random among all that is
// possible, with a seed that identifies the history:
//
//	go test ./simulation -run TestSimulation -seed 42 -v
//
// prints history 42 step by step, the same every time.
//
// # Why it repeats
//
// The functions start goroutines. Each history runs in a bubble of testing/synctest:
// a call to the table, the queue or a source parks its goroutine, and the scheduler
// waits until all goroutines are parked. It then sorts the calls in an order that
// does not depend on which one came first. So nothing runs between two steps, and one
// call has its effect in each step. The scheduler owns the clock; the bubble's own
// time passes only while package store pauses before a retry. testing/cryptotest
// makes random ids repeat. It works for a whole process, so these tests do not run in
// parallel, and TestSimulation starts one process for each core.
//
// # What may go wrong
//
// An invocation can die before and after each of its calls, freeze and go on long
// after its lease, and time out. A call can fail before its work is done, lose its
// reply after it, and be sent again by the SDK. Eventually consistent reads can be
// stale, and two of them can meet different replicas. Replies can be short, and the
// table can throttle one operation for long. Messages can be duplicated, lost,
// rejected by the queue, received too often, and come twice in one event. Stream
// records can be unreadable, repeated, reordered, given up, and moved to other shards,
// and mappings can be recreated. Clocks can differ. See [Faults].
//
// # What is checked
//
// The laws, as docs/correctness.md explains them:
//
//   - I1: an inquiry gets exactly one final status, by the deadline plus one sweep.
//   - I2: counters are the histogram of the ledger, sum to the total, and equal a
//     recount.
//   - I3: no batch is final early or open forever.
//   - I4: a final status never changes.
//   - I5: a batch finishes once.
//   - I6: nothing crosses lenders.
//   - I7: the same key and body return the same batch.
//   - I8: work is bounded.
//   - I9: nothing uncommitted is visible.
//   - I10: a stale attempt cannot write.
//   - I11: a lender's open inquiries are those of its unfinished batches.
//   - I12: what a client was shown is never taken back.
//   - I13: everything expires with its batch.
//   - I14: a request that may be tried again says so.
//   - I15: nothing is accepted from a submitter who has lost access.
//
// In addition, an event source may delete a message or pass a record only after its
// work is done, since nothing else remembers it.
//
// The bounds of I8: counting writes a header at most twice for each inquiry. An
// inquiry's item is written once for each claim and once at its end, with no more
// claims than deliveries. A header gets the event SUBMITTED once and CANCEL_REQUESTED
// once. Every history comes to rest.
package simulation
