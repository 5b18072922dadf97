package main

// What is not counted and has to be assumed, for one batch of 250. Memory is as
// infra declares it.
const (
	costBatch = 250 // inquiries

	polls     = 10 // of the batch's status
	listPages = 5  // of 50 inquiries each
	pageLimit = 50

	platformLogBytes = 600 // that Lambda itself writes for one invocation
	callSeconds      = 0.005
)

// lambdaTime is what an invocation of a function lasts, and its memory.
type lambdaTime struct{ seconds, gigabytes float64 }

var lambdaTimes = map[string]lambdaTime{
	"api":               {0.040, 0.5}, // of a submission; a reading takes a fifth of it
	"authorize-request": {0.010, 0.25},
	"dispatch-batch":    {0.250, 0.25},
	"process-inquiry":   {0.350, 0.5}, // ten side by side, waiting for the slowest source
	"tally-statuses":    {0.015, 0.25},
}

// costs is what one batch comes to, reading it included.
type costs struct {
	gateway, invocations, gigabyteSeconds float64
	writes, reportWrites, reads           float64
	queue, fairQueue                      float64
	logged, sent                          float64 // bytes
	stored, storedReports                 float64 // bytes
}

// priced is one line of the table of costs.
type priced struct {
	what, unit  string
	price       float64 // for one
	ours, naive float64 // how many for a million inquiries
}

// priceList lines up what a million inquiries come to.
func priceList(ours, naive costs) []priced {
	const batches = million / costBatch
	var list []priced
	add := func(what, unit string, price, ours, naive float64) {
		list = append(list, priced{what, unit, price, ours * batches, naive * batches})
	}
	add("API Gateway", "requests", gatewayRequest, ours.gateway, naive.gateway)
	add("Lambda", "invocations", lambdaRequest, ours.invocations, naive.invocations)
	add("Lambda, time", "GB-seconds", lambdaGBSecond, ours.gigabyteSeconds, naive.gigabyteSeconds)
	add("DynamoDB", "write units", writeUnit, ours.writes, naive.writes)
	add("DynamoDB, reports", "write units", writeUnit, ours.reportWrites, naive.reportWrites)
	add("DynamoDB", "read units", readUnit, ours.reads, naive.reads)
	add("SQS", "requests", sqsRequest, ours.queue, naive.queue)
	add("SQS, fair to lenders", "requests", sqsFairRequest, ours.fairQueue, naive.fairQueue)
	add("Logs", "bytes", loggedByte, ours.logged, naive.logged)
	add("Storage for a month", "bytes", storedByte, ours.stored, naive.stored)
	add("Storage, reports", "bytes", storedByte, ours.storedReports, naive.storedReports)
	add("Data out", "bytes", sentByte, ours.sent, naive.sent)
	return list
}

// read adds the readings of one batch: polls and pages, each a request.
func (c *costs) read(status, list reading) {
	const requests = polls + listPages
	c.gateway += requests
	c.invocations += requests
	c.gigabyteSeconds += requests * lambdaTimes["api"].seconds / 5 * lambdaTimes["api"].gigabytes
	c.reads += polls*status.reads + listPages*list.reads
	c.sent += float64(polls*status.bytes + listPages*list.bytes)
	c.logged += requests * platformLogBytes
}

// costsOf is what a bill counted, given the same batch without its reports, or
// the same bill once more where they are not told apart.
func costsOf(b, withoutReports bill) costs {
	c := costs{
		gateway:      1,
		invocations:  float64(b.invocations()),
		writes:       withoutReports.table().writes,
		reportWrites: b.table().writes - withoutReports.table().writes,
		reads:        b.table().reads,
		queue:        float64(b.queue.chunks + b.queue.receives + b.queue.deletes),
		logged:       float64(b.logBytes + b.invocations()*platformLogBytes),
		stored:       float64(withoutReports.stored),

		storedReports: float64(b.stored - withoutReports.stored),
	}
	for name, f := range b.functions {
		c.gigabyteSeconds += float64(f.invocations) * lambdaTimes[name].seconds * lambdaTimes[name].gigabytes
	}
	return c
}

// beNaive adds what the naive way has besides what it counted: its submission
// waits for each call, and its functions log as ours do.
func (c *costs) beNaive(ours bill) {
	const calls = 2 * costBatch // of the table and the queue, one after the other
	c.gigabyteSeconds += calls * callSeconds * lambdaTimes["api"].gigabytes
	c.logged += float64(ours.logBytes)
	c.invocations++ // the authorizer
}
