package simulation

import (
	"encoding/binary"
	"maps"
	"math"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

// figures are what one inquiry's item says about the work on it, as it is stored.
type figures struct {
	finished int64 // milliseconds
	sources  map[string]sourceFigures
}

// sourceFigures are one source's part: its outcome, records and microseconds.
type sourceFigures struct {
	outcome           string
	records, elapsedU int64
}

// figuresIn reads an item's figures from a stream record.
func figuresIn(r record) figures {
	f := figures{finished: numberIn(r, "finishedAt")}
	all, found := r.Change.NewImage["sources"]
	if !found || all.DataType() != events.DataTypeMap {
		return f
	}
	f.sources = map[string]sourceFigures{}
	for name, one := range all.Map() {
		m := one.Map()
		records, _ := strconv.ParseInt(m["records"].Number(), 10, 64)
		elapsed, _ := strconv.ParseInt(m["elapsedUs"].Number(), 10, 64)
		f.sources[name] = sourceFigures{m["outcome"].String(), records, elapsed}
	}
	return f
}

// checkFigures checks one write of an item's figures: a start never changes, an end
// comes with the final status, and a result has what the sources said.
func (c *checker) checkFigures(name string, id inquiry.ID, was, is inquiryState) {
	if was.started != 0 && is.started != was.started {
		c.w.violate("I2", "%s started at %d and is written as started at %d", name, was.started, is.started)
	}
	if is.status.Final() != (is.figures.finished != 0) {
		c.w.violate("I2", "%s is written as %s with the end %d", name, is.status, is.figures.finished)
	}
	if was.status.Final() && (is.figures.finished != was.figures.finished || !maps.Equal(is.figures.sources, was.figures.sources)) {
		c.w.violate("I4", "the figures of %s change after its end", name)
	}
	if by := c.w.acted; by.Function == "process-inquiry" && is.status.Final() && !maps.Equal(is.figures.sources, by.answers[id]) {
		c.w.violate("I2", "%s is written with the figures %v, but the sources said %v", name, is.figures.sources, by.answers[id])
	}
}

// recount is what a header says of its inquiries together, as it is stored.
type recount struct {
	Records, Attempts, FirstStarted, LastStarted, LastFinished, Worked, Longest int64

	Work    [80]int // inquiries by how long they took, four classes for each doubling
	Sources map[string]map[string]int64
}

// checkRecount adds the figures of a batch's items up and compares the sums with
// those in its header. It does not use the service's own arithmetic.
func (c *checker) checkRecount(b *batchState) {
	header := c.w.table.Item(table.Key{PK: "LENDER#" + string(b.lender) + "#BATCH#" + b.id.String(), SK: "HEADER"})
	fresh := recount{Sources: map[string]map[string]int64{}}
	for i, in := range b.items {
		if unknown(in.status) { // it failed at the deadline, in the header only
			in.status, in.figures = inquiry.StatusFailed, figures{finished: numberAt(header, "finishedAt")}
		}
		fresh.add(in)
		if stored := codes[codeIn(b.ledger, i)]; stored != in.status {
			c.w.violate("I2", "B%d/%d is %s, but its ledger entry is %s", b.number, i, in.status, stored)
		}
	}
	stored := recountIn(header)
	if diff := cmp.Diff(fresh, stored); diff != "" {
		c.w.violate("I2", "the sums of B%d differ from its items (-items +header):\n%s", b.number, diff)
	}
	if end := numberAt(header, "finishedAt"); end != fresh.LastFinished {
		c.w.violate("I2", "B%d ended at %d, but its last inquiry at %d", b.number, end, fresh.LastFinished)
	}
}

func (r *recount) add(in inquiryState) {
	if in.failure == inquiry.FailureInvalid {
		return // it has no item
	}
	if r.FirstStarted == 0 || in.started != 0 && in.started < r.FirstStarted {
		r.FirstStarted = in.started
	}
	r.LastStarted = max(r.LastStarted, in.started)
	r.LastFinished = max(r.LastFinished, in.figures.finished)
	r.Attempts += int64(in.attempt)
	if took := in.figures.finished - in.started; in.started != 0 && took > 0 {
		r.Worked += took
		r.Longest = max(r.Longest, took)
		class := 0
		for class < len(r.Work)-1 && math.Pow(2, float64(class)/4) < float64(took) {
			class++
		}
		r.Work[class]++
	}
	for name, f := range in.figures.sources {
		sum := r.Sources[name]
		if sum == nil {
			sum = map[string]int64{"found": 0, "noRecord": 0, "ambiguous": 0, "notApplicable": 0, "failed": 0}
			r.Sources[name] = sum
		}
		counter, known := map[string]string{"FOUND": "found", "NO_RECORD": "noRecord"}[f.outcome]
		if !known {
			counter = "failed"
		}
		sum[counter]++
		sum["records"] += f.records
		sum["elapsedUs"] += f.elapsedU
		sum["longestUs"] = max(sum["longestUs"], f.elapsedU)
		r.Records += f.records
	}
}

// recountIn reads the sums in a header.
func recountIn(header map[string]types.AttributeValue) recount {
	sums := mapAt(header, "sums")
	r := recount{
		Records: numberAt(sums, "records"), Attempts: numberAt(sums, "attempts"), FirstStarted: numberAt(sums, "firstStartedAt"),
		LastStarted: numberAt(sums, "lastStartedAt"), LastFinished: numberAt(sums, "lastFinishedAt"),
		Worked: numberAt(sums, "workedMs"), Longest: numberAt(sums, "longestMs"), Sources: map[string]map[string]int64{},
	}
	if work, ok := sums["work"].(*types.AttributeValueMemberB); ok {
		for i := 1; i+1 < len(work.Value); i += 2 {
			r.Work[int(work.Value[0])+i/2] = int(binary.BigEndian.Uint16(work.Value[i:]))
		}
	}
	for name := range mapAt(sums, "sources") {
		r.Sources[name] = map[string]int64{}
		for counter := range mapAt(mapAt(sums, "sources"), name) {
			r.Sources[name][counter] = numberAt(mapAt(mapAt(sums, "sources"), name), counter)
		}
	}
	return r
}

func mapAt(it map[string]types.AttributeValue, name string) map[string]types.AttributeValue {
	if m, ok := it[name].(*types.AttributeValueMemberM); ok {
		return m.Value
	}
	return nil
}

func numberAt(it map[string]types.AttributeValue, name string) int64 {
	n, ok := it[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	value, _ := strconv.ParseInt(n.Value, 10, 64)
	return value
}
