// Package deployment holds the names and numbers that the deployment and the code
// that reasons about it share: infra deploys them, the simulator and the bench rebuild
// them, and the estimate counts with them. It is constants only, so that anyone
// may import it.
package deployment

import "time"

// The Lambda functions. A function's name is that of its folder below functions/.
const (
	API              = "api"
	ManageAPIKeys    = "manage-api-keys"
	AuthorizeRequest = "authorize-request"
	DispatchBatch    = "dispatch-batch"
	ProcessInquiry   = "process-inquiry"
	TallyStatuses    = "tally-statuses"
	FailExhausted    = "fail-exhausted"
	SweepOpenBatches = "sweep-open-batches"
)

// The memory of each function, in MB. A function's share of a processor follows it.
const (
	APIMemory              = 512
	ManageAPIKeysMemory    = 512
	AuthorizeRequestMemory = 256
	DispatchBatchMemory    = 256
	ProcessInquiryMemory   = 512
	// TallyStatusesMemory gives tally-statuses 0.29 of a processor. Counting a batch takes
	// 0.3 ms of a whole one, so an invocation counts 900 batches a second. A shard has at
	// most 1,000 records a second, half of which say only that an inquiry is running.
	TallyStatusesMemory = 512
	FailExhaustedMemory = 256
	// SweepOpenBatchesMemory is that of a whole processor: a run can make some 1,500 calls
	// a second, and has 16 batches in memory.
	SweepOpenBatchesMemory = 1769
)

// How long one invocation of a function may take.
const (
	// APITimeout leaves room for a long poll of 20 seconds. API Gateway gives up
	// after 29.
	APITimeout              = 26 * time.Second
	ManageAPIKeysTimeout    = 10 * time.Second
	AuthorizeRequestTimeout = 10 * time.Second
	DispatchBatchTimeout    = 60 * time.Second
	ProcessInquiryTimeout   = 60 * time.Second
	TallyStatusesTimeout    = 30 * time.Second
	FailExhaustedTimeout    = 30 * time.Second
	// SweepOpenBatchesTimeout is shorter than SweepInterval, so that one sweep has
	// ended when the next begins. Two at once would only send messages twice.
	SweepOpenBatchesTimeout = 240 * time.Second
)

// StageRequests is how many requests a second the API's stage accepts from all lenders
// together, and StageBurst how many at once. At ten million inquiries a day, the peak has
// 330 a second.
const (
	StageRequests = 1000
	StageBurst    = 2000
)

// The concurrency that is reserved for each function, if a deployment reserves any. It
// keeps one function from taking the account's concurrency, 1,000 by default, from the
// others, and it is also the most that the function gets. These reserve 540. The two
// functions without a number share the rest.
const (
	APIConcurrency              = 300
	ManageAPIKeysConcurrency    = 20
	AuthorizeRequestConcurrency = 100
	DispatchBatchConcurrency    = 50
	// ProcessInquiryConcurrency must not be below MaxWorkers, or throttled pollers would
	// use up the receives of messages.
	ProcessInquiryConcurrency = MaxWorkers
	TallyStatusesConcurrency  = 20
)

// AccessCache is how long API Gateway remembers whom the authorizer let in. Reads by
// someone who was cut off may go on for that long. Two or three read units per minute
// and credential are what the authorizer costs at this value.
const AccessCache = time.Minute

// MasterKeyGenerations is the number of generations of the master key. To stop making
// API keys with the current one, add 1 and deploy: docs/operating.md.
const MasterKeyGenerations = 1

// Sources are the types of the sources that process-inquiry asks. Each has its alarm.
var Sources = []string{"ofac"}

// SweepInterval is the time between two sweeps. A batch in which nothing happens
// stays open for at most this much longer than its deadline, if one sweep can handle
// all batches that are due.
const SweepInterval = 5 * time.Minute

// The queue of inquiries and its dead letters.
const (
	// MessageBatch is the number of messages in one send and in one delivery, which
	// is SQS's limit for a send.
	// docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
	MessageBatch = 10

	// MaxReceives is how often a message is delivered before it moves to the dead
	// letters. process-inquiry needs it to recognize its last try.
	MaxReceives = 8

	// MaxWorkers is the number of process-inquiry invocations that the queue keeps
	// busy at the same time. Each works on MessageBatch inquiries.
	MaxWorkers = 50

	// The visibility timeouts are six invocations long, as AWS recommends, so that
	// a throttled poller cannot hand a message to a second worker while the first
	// still has it.
	// docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
	InquiryVisibility    = 6 * ProcessInquiryTimeout
	DeadLetterVisibility = 6 * FailExhaustedTimeout
)

// The table's stream and its two readers.
const (
	// StreamAttempts and StreamRecordSeconds have no limit: a failing record is retried
	// until the stream deletes it, after StreamRetention. Only outages fail, because the
	// readers set aside what they cannot read.
	StreamAttempts      = -1
	StreamRecordSeconds = -1
	// docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
	StreamRetention = 24 * time.Hour

	// DispatchRecords is the most stream records that dispatch-batch gets at once.
	DispatchRecords = 10
	// DispatchLanes is how many records of one shard dispatch-batch works on at the
	// same time.
	DispatchLanes = 10

	// TallyRecords is the most stream records that tally-statuses gets at once: what
	// arrives in TallyWindow, up to this many. A shard has at most 1,000 a second. A
	// longer window would save few writes and show lenders their progress later.
	TallyRecords = 1000
	TallyWindow  = time.Second
	// TallyLanes is how many parts of a shard tally-statuses counts at the same time. In
	// several lanes, the inquiries of one batch are counted by several invocations, which
	// race for its header: ten lanes take 3.6 write units an inquiry instead of 2.3
	// (docs/figures.md). One lane counts its batches side by side and is fast enough.
	TallyLanes = 1
)
