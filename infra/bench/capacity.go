package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

// load is what lenders send. The service has to bear its peak.
type load struct {
	perDay  float64 // inquiries
	peak    float64 // times the average
	mix     []share // of inquiries, by the size of their batch
	lenders int
}

// share is the part of all inquiries that comes in batches of one size.
type share struct {
	size int
	of   float64 // from 0 to 1
}

// typicalLoad is ten million inquiries a day with a fourfold peak.
var typicalLoad = load{perDay: 10e6, peak: 4, mix: []share{{250, 0.85}, {25, 0.10}, {1, 0.05}}, lenders: 1000}

// These figures are assumed.
const (
	largestLender = 0.10 // of all inquiries
	waiting       = 0.10 // of lenders have a client that waits with waitSeconds
	failing       = 0.05 // of inquiries fail at first, and come back after the visibility timeout
	lateBatches   = 0.01 // of batches are not finished when the first sweep finds them

	getSeconds         = 0.004 // of one call, as are the next three
	updateSeconds      = 0.007
	transactionSeconds = 0.020
	sendSeconds        = 0.012
	sweepSeconds       = 0.350 // for one batch
)

// These figures are those of the code, which does not export them.
const (
	mergesAtOnce   = 32    // functions/tally-statuses
	mergeCPU       = 0.315 // milliseconds of a whole processor, measured
	sendsAtOnce    = 8     // shared/queue
	sweepsAtOnce   = 16    // functions/sweep-open-batches
	sweepRun       = 210.0 // seconds in which a run begins with new batches
	openPartitions = 8     // of the index of unfinished batches

	// A processor is a function's that has this much memory.
	// docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
	processorMemory = 1769
)

// Limits of AWS, for a new account and a new table.
const (
	// docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	concurrentFunctions = 1000
	// docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
	newTableWrites, newTableReads = 4000, 12000
	// docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
	partitionWrites = 1000
	// docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
	messagesInFlight = 120_000
	// docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
	gatewayRequests = 10_000

	// A new table has four partitions of 1,000 write units, and each has a shard of the
	// stream.
	newTableShards = newTableWrites / partitionWrites
)

// limit is one limit, and how much of it a load needs.
type limit struct {
	name         string
	needed, most float64
	unit         string
	onRequest    bool // AWS raises it on request
}

func (l limit) used() float64 { return l.needed / l.most }

// limits returns what the load's peak needs of each limit, first the limit that it
// reaches first.
func limits(l load) []limit {
	p := peakOf(l)
	lane := 1 / max((getSeconds+updateSeconds)/mergesAtOnce, mergeCPU/1000*processorMemory/deployment.TallyStatusesMemory)
	largestDispatch := sendSeconds * math.Ceil(float64(largest(l.mix))/deployment.MessageBatch/sendsAtOnce)
	all := []limit{
		{"Lambda: functions at the same time", p.functions(), concurrentFunctions, "functions", true},
		{"process-inquiry: workers", p.workers(), deployment.MaxWorkers, "workers", false},
		{"Table: writes", p.writes, newTableWrites, "write units/s", true},
		{"Table: reads", p.reads(), newTableReads, "read units/s", true},
		// A new item collection is on one partition: the inquiries of a bucket, a batch's
		// header and pages, a lender's places.
		{"Table: a lender's places and item", p.batches * largestLender * (2 + 2*2), partitionWrites, "write units/s", false},
		{"Table: index of unfinished batches", p.batches * 2, openPartitions * partitionWrites, "write units/s", false},
		// A batch begins and ends with a transaction on its lender's item.
		{"Table: transactions on a lender's item", p.batches * largestLender * 2, 1 / transactionSeconds, "transactions/s", false},
		{"Stream: records in a shard", p.writes / newTableShards, partitionWrites, "records/s", false},
		{"Stream: tally-statuses, in a shard", p.merges() / newTableShards, deployment.TallyLanes * lane, "batches/s", false},
		{"Stream: dispatch-batch, in a shard", p.batches / newTableShards, deployment.DispatchLanes / largestDispatch, "batches/s", false},
		{"Queue: messages in flight", p.inFlight(), messagesInFlight, "messages", true},
		{"API Gateway: requests of the account", p.requests(), gatewayRequests, "requests/s", true},
		{"API Gateway: requests of the stage", p.requests(), deployment.StageRequests, "requests/s", false},
		{"Sweep: batches in a run", p.batches * lateBatches * deployment.SweepInterval.Seconds(), sweepsAtOnce * sweepRun / sweepSeconds, "batches", false},
	}
	slices.SortStableFunc(all, func(a, b limit) int { return cmp.Compare(b.used(), a.used()) })
	return all
}

// peak is what a load needs per second at its peak.
type peak struct {
	load
	inquiries, batches, writes, pages float64
}

func peakOf(l load) peak {
	p := peak{load: l, inquiries: l.perDay / (24 * 60 * 60) * l.peak}
	for _, s := range l.mix {
		batches := p.inquiries * s.of / float64(s.size)
		p.batches += batches
		p.writes += batches * writesOf(s.size)
		p.pages += batches * math.Ceil(float64(s.size)/pageLimit)
	}
	return p
}

// writesOf returns the write units of a batch in the worst case: its inquiries are
// counted one by one. A test compares it with what the bench counts.
func writesOf(size int) float64 {
	const batch, checks, page, claimAndResult, count = 16, 6, 0.15, 2, 1 // checks: that the submitter has access
	return batch + checks + float64(size)*(page+claimAndResult) + float64(size-1)*count
}

func largest(mix []share) (size int) {
	for _, s := range mix {
		size = max(size, s.size)
	}
	return size
}

// requests returns the requests to the API: a submission, polls and pages.
func (p peak) requests() float64 { return p.batches*(1+polls) + p.pages }

// merges returns how often tally-statuses writes a header in the worst case: once for
// each inquiry.
func (p peak) merges() float64 { return p.inquiries }

// reads returns the read units: of headers for merges and polls, of pages, and of a
// batch by dispatch-batch.
func (p peak) reads() float64 {
	const header, page, pageOfBatch = 0.5, 12.5, 1.3 // as in the tables of reads and functions; 50 inquiries
	return (p.merges()+p.batches*polls)*header + p.pages*(page+pageOfBatch)
}

func (p peak) workers() float64 {
	return p.inquiries / deployment.MessageBatch * lambdaTimes[deployment.ProcessInquiry].seconds
}

// functions returns the invocations that run at the same time.
func (p peak) functions() float64 {
	api := p.batches*lambdaTimes[deployment.API].seconds + (p.requests()-p.batches)*lambdaTimes[deployment.API].seconds/5
	readers := float64(newTableShards * deployment.TallyLanes)
	readers += p.batches * lambdaTimes[deployment.DispatchBatch].seconds
	const sweep = 1
	return api + waiting*float64(p.lenders) + readers + p.workers() + sweep
}

func (p peak) inFlight() float64 {
	return p.inquiries * (lambdaTimes[deployment.ProcessInquiry].seconds + failing*deployment.InquiryVisibility.Seconds())
}

// parseMix parses batch sizes with their parts of all inquiries in percent, such as
// "250:85,1:15".
func parseMix(text string) (mix []share, err error) {
	percent := 0.0
	for one := range strings.SplitSeq(text, ",") {
		size, part, _ := strings.Cut(one, ":")
		n, errSize := strconv.Atoi(size)
		of, errPart := strconv.ParseFloat(part, 64)
		if errSize != nil || errPart != nil || n < 1 || of <= 0 {
			return nil, fmt.Errorf("-mix: %q is not a batch size and a percentage, such as 250:85", one)
		}
		percent += of
		mix = append(mix, share{n, of / 100})
	}
	if math.Abs(percent-100) > 0.01 {
		return nil, fmt.Errorf("-mix: the parts add up to %v%%, want 100%%", percent)
	}
	return mix, nil
}
