package main

import "github.com/batch-inquiries/batch-inquiries/shared/deployment"

// These figures are assumed, because the bench cannot count them. They are for one
// batch of 250.
const (
	costBatch = 250 // inquiries

	polls     = 10 // of the batch's status
	listPages = 5  // of 50 inquiries each
	pageLimit = 50

	platformLogBytes = 600   // logged by Lambda itself for one invocation
	callSeconds      = 0.005 // for one call to the table or the queue
)

const megabytesPerGigabyte = 1024.0 // as Lambda bills memory

// lambdaTime is the duration of one invocation, and the function's memory.
type lambdaTime struct{ seconds, gigabytes float64 }

var lambdaTimes = map[string]lambdaTime{
	deployment.API:              {0.040, deployment.APIMemory / megabytesPerGigabyte}, // for a submission; a read takes a fifth of it
	deployment.AuthorizeRequest: {0.010, deployment.AuthorizeRequestMemory / megabytesPerGigabyte},
	deployment.DispatchBatch:    {0.250, deployment.DispatchBatchMemory / megabytesPerGigabyte},
	deployment.ProcessInquiry:   {0.350, deployment.ProcessInquiryMemory / megabytesPerGigabyte}, // ten inquiries in parallel, waiting for the slowest source
	deployment.TallyStatuses:    {0.015, deployment.TallyStatusesMemory / megabytesPerGigabyte},
}

// costs is what one batch uses, including its reads.
type costs struct {
	gateway, invocations, gigabyteSeconds float64
	writes, reportWrites, reads           float64
	queue, fairQueue                      float64
	logged, sent                          float64 // bytes
	stored, storedReports                 float64 // bytes
}

// priced is one line of the table of costs.
type priced struct {
	name, unit  string
	price       float64 // dollars per unit
	ours, naive float64 // units for a million inquiries
}

// priceList returns what a million inquiries use, with the prices.
func priceList(ours, naive costs) []priced {
	const batches = million / costBatch
	var list []priced
	add := func(name, unit string, price, ours, naive float64) {
		list = append(list, priced{name, unit, price, ours * batches, naive * batches})
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

// addReads adds the polls and pages of one batch. Each is one request.
func (c *costs) addReads(status, list reading) {
	const requests = polls + listPages
	c.gateway += requests
	c.invocations += requests
	c.gigabyteSeconds += requests * lambdaTimes[deployment.API].seconds / 5 * lambdaTimes[deployment.API].gigabytes
	c.reads += polls*status.reads + listPages*list.reads
	c.sent += float64(polls*status.bytes + listPages*list.bytes)
	c.logged += requests * platformLogBytes
}

// costsOf returns the costs of a batch. withoutReports is the bill of the same
// batch without the bytes of its reports, or b again to price both together.
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

// addUncounted adds what the naive design uses and the bench does not count: its
// submission waits for each call, its functions log as much as ours, and it has
// an authorizer too.
func (c *costs) addUncounted(ours bill) {
	const calls = 2 * costBatch // to the table and the queue, one after the other
	c.gigabyteSeconds += calls * callSeconds * lambdaTimes[deployment.API].gigabytes
	c.logged += float64(ours.logBytes)
	c.invocations++ // the authorizer
}
