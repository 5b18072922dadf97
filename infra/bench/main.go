// Command bench (make bench) counts what an inquiry uses of the table, the queue
// and Lambda, and prices it. It runs the real handlers against a real table
// engine, which charges capacity units by item size. It does not run the queue
// and Lambda: it counts what they would do.
//
// Tests check the counts against budgets. Times are only printed, because they
// depend on the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// perTally is the number of inquiries that finish in one second, which is what one
// invocation of tally-statuses gathers. Lambda begins with five workers of ten
// inquiries each, and a slow lookup takes two and a half seconds.
const perTally = 20

type options struct {
	sizes    string
	packages string
	programs string
	list     string
	figures  string

	capacity bool
	load     load
	mix      string
}

func main() {
	var o options
	flag.StringVar(&o.sizes, "sizes", "1,25,250,1000,5000", "comma-separated batch `sizes` to measure")
	flag.StringVar(&o.packages, "packages", "", "`folder` with the functions built for AWS, to measure their zip files")
	flag.StringVar(&o.programs, "programs", "", "`folder` with the functions built for this machine, to measure their start")
	flag.StringVar(&o.list, "list", "", "`folder` with a sanctions list, to start process-inquiry with it as well")
	flag.StringVar(&o.figures, "figures", "", "Markdown `file` to write all tables to, with explanations")
	flag.BoolVar(&o.capacity, "capacity", false, "measure nothing, and print only which limits a load reaches first")
	flag.Float64Var(&o.load.perDay, "day", typicalLoad.perDay, "`inquiries` a day")
	flag.Float64Var(&o.load.peak, "peak", typicalLoad.peak, "the peak, as a `multiple` of the average")
	flag.IntVar(&o.load.lenders, "lenders", typicalLoad.lenders, "`number` of lenders")
	flag.StringVar(&o.mix, "mix", "250:85,25:10,1:5", "batch sizes with their `percentages` of all inquiries")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, w io.Writer) (err error) {
	if o.load.mix, err = parseMix(o.mix); err != nil {
		return err
	}
	p := &printer{w: w}
	if o.capacity {
		p.show(capacitySection(o.load))
		return nil
	}
	sizes, err := parseSizes(o.sizes)
	if err != nil {
		return err
	}
	root, err := engine.Root()
	if err != nil {
		return err
	}
	server, err := engine.StartTable(ctx)
	if err != nil {
		return err
	}
	defer server.Stop()
	fmt.Fprintf(w, "Measured on %s.\n", machine())
	if err := measure(ctx, p, server.Endpoint(), os.DirFS(filepath.Join(root, "shared/source/ofac/list")), sizes); err != nil {
		return err
	}
	var facts []functionFacts
	if o.packages != "" {
		if facts, err = inspect(ctx, o.packages, o.programs, o.list); err != nil {
			return err
		}
		p.show(startSection(facts))
	}
	p.show(capacitySection(o.load))
	if o.figures != "" {
		if err := writeFigures(o.figures, p.sections); err != nil {
			return err
		}
	}
	return tooLarge(facts)
}

// tooLarge returns an error that names each function whose zip is over budget.
func tooLarge(facts []functionFacts) error {
	var all []error
	for _, f := range facts {
		if f.zip > budgetZip {
			all = append(all, fmt.Errorf("%s: the zip has %d bytes, more than the budget of %d", f.name, f.zip, budgetZip))
		}
	}
	return errors.Join(all...)
}

func parseSizes(list string) (sizes []int, err error) {
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 5000 {
			return nil, fmt.Errorf("-sizes: %q is not a number from 1 to 5000", text)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// outcome is what one batch size used in our design, in ours without the bytes of
// reports, and in the naive design.
type outcome struct {
	size                        int
	ours, withoutReports, naive bill
	batch, naiveBatch           inquiry.BatchID
}

// measure counts everything and prints it.
func measure(ctx context.Context, p *printer, endpoint string, list fs.FS, sizes []int) error {
	s, err := newService(ctx, endpoint, list)
	if err != nil {
		return err
	}
	n, err := newNaive(ctx, endpoint, list)
	if err != nil {
		return err
	}
	var all []outcome
	for _, size := range sizes {
		fmt.Fprintf(os.Stderr, "Screening %d inquiries in our design and in the naive one ...\n", size)
		o, err := screenBoth(ctx, s, n, size)
		if err != nil {
			return err
		}
		all = append(all, o)
	}
	p.show(inquirySection(all))

	typical, err := screenBoth(ctx, s, n, costBatch)
	if err != nil {
		return err
	}
	p.show(functionSection(typical))
	rates, bills, err := screenAtSpeeds(ctx, s)
	if err != nil {
		return err
	}
	p.show(speedSection(rates, bills))
	lanes, bills, err := screenInLanes(ctx, s)
	if err != nil {
		return err
	}
	p.show(laneSection(lanes, bills))
	interleaved, err := s.interleave(ctx)
	if err != nil {
		return err
	}
	p.show(interleavedSection(all[0], typical, interleaved))
	readings, err := readLists(ctx, s, n, all[len(all)-1])
	if err != nil {
		return err
	}
	p.show(readSection(readings))
	ours, naive, err := costsOfBoth(ctx, s, n, typical)
	if err != nil {
		return err
	}
	p.show(costSection(priceList(ours, naive)))
	return nil
}

// screenBoth screens one batch in our design and in the naive one.
func screenBoth(ctx context.Context, s *service, n *naive, size int) (o outcome, err error) {
	o.size = size
	inquiries := invent(size)
	s.results.withoutReport = true
	o.withoutReports, _, err = s.screen(ctx, inquiries, perTally)
	s.results.withoutReport = false
	if err != nil {
		return o, err
	}
	if o.ours, o.batch, err = s.screen(ctx, inquiries, perTally); err != nil {
		return o, err
	}
	o.naive, o.naiveBatch, err = n.screen(ctx, inquiries)
	return o, err
}

// screenAtSpeeds screens one batch at each of several speeds, in inquiries per
// second. perTally is the only assumption about time that changes counts.
func screenAtSpeeds(ctx context.Context, s *service) (rates []int, bills []bill, err error) {
	s.results.withoutReport = true
	defer func() { s.results.withoutReport = false }()
	rates = []int{10, 20, 50, 100, 250}
	for _, rate := range rates {
		b, _, err := s.screen(ctx, invent(costBatch), rate)
		if err != nil {
			return nil, nil, err
		}
		bills = append(bills, b)
	}
	return rates, bills, nil
}

// screenInLanes screens one batch with several numbers of lanes in a shard.
func screenInLanes(ctx context.Context, s *service) (lanes []int, bills []bill, err error) {
	s.results.withoutReport = true
	defer func() { s.results.withoutReport, s.lanes = false, deployment.TallyLanes }()
	lanes = []int{1, 2, 4, 10}
	for _, n := range lanes {
		s.lanes = n
		b, _, err := s.screen(ctx, invent(costBatch), perTally)
		if err != nil {
			return nil, nil, err
		}
		bills = append(bills, b)
	}
	return lanes, bills, nil
}

// listReading is what one read request used, at one offset.
type listReading struct {
	name   string
	offset int
	ours   reading
	naive  *usage // nil if not measured
}

// readLists measures reads at the beginning, in the middle and at the end of
// lists.
func readLists(ctx context.Context, s *service, n *naive, large outcome) ([]listReading, error) {
	status, err := s.readStatus(ctx, large.batch)
	if err != nil {
		return nil, err
	}
	rows := []listReading{{fmt.Sprintf("status of a batch of %d", large.size), 0, status, nil}}
	for _, offset := range []int{0, large.size / 2, max(0, large.size-pageLimit)} {
		r, err := s.readInquiries(ctx, large.batch, offset, pageLimit)
		if err != nil {
			return nil, err
		}
		naive, err := n.list(ctx, large.naiveBatch, offset, pageLimit)
		if err != nil {
			return nil, err
		}
		rows = append(rows, listReading{fmt.Sprintf("%d of its inquiries", pageLimit), offset, r, &naive})
	}
	one, err := s.readReport(ctx, large.batch.Inquiry(large.size-1))
	if err != nil {
		return nil, err
	}
	near, far, err := s.readBatchList(ctx)
	if err != nil {
		return nil, err
	}
	return append(rows,
		listReading{"one inquiry with its report", 0, one, nil},
		listReading{fmt.Sprintf("%d batches of a lender", batchListLimit), 0, near, nil},
		listReading{fmt.Sprintf("%d batches of a lender", batchListLimit), oldBatches, far, nil}), nil
}

// costsOfBoth returns what a typical batch costs in both designs, including its
// reads.
func costsOfBoth(ctx context.Context, s *service, n *naive, o outcome) (ours, naive costs, err error) {
	const offset = 100 // an ordinary page; all pages cost the same in our design
	status, err := s.readStatus(ctx, o.batch)
	if err != nil {
		return ours, naive, err
	}
	list, err := s.readInquiries(ctx, o.batch, offset, pageLimit)
	if err != nil {
		return ours, naive, err
	}
	naiveList := list
	if naiveList.usage, err = n.list(ctx, o.naiveBatch, offset, pageLimit); err != nil {
		return ours, naive, err
	}
	ours, naive = costsOf(o.ours, o.withoutReports), costsOf(o.naive, o.naive)
	ours.addReads(status, list)
	ours.fairQueue = ours.queue
	naive.addReads(status, naiveList)
	naive.addUncounted(o.ours)
	return ours, naive, nil
}
