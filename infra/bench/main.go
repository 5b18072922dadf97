// Command bench is `make bench`: it counts what an inquiry uses up, of the table,
// the queue and Lambda, and prices it. The handlers that it runs are the real
// ones, against a real table engine whose capacity units follow item size; the
// queue and Lambda are counted.
//
// What is a count has its budget in a test. Times are printed alone, for machines
// are noisy.
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
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// perTally is how many inquiries come to an end in one second, which is what a
// call of tally-statuses gathers: so few are done by the five workers that
// Lambda begins with when a lookup takes two and a half seconds.
const perTally = 20

type options struct {
	markdown bool
	sizes    string
	packages string
	programs string
	list     string
}

func main() {
	var o options
	flag.BoolVar(&o.markdown, "markdown", false, "print the tables for the README")
	flag.StringVar(&o.sizes, "sizes", "1,25,250,1000,5000", "the `sizes` of the batches")
	flag.StringVar(&o.packages, "packages", "", "the `folder` with the functions as AWS gets them")
	flag.StringVar(&o.programs, "programs", "", "the `folder` with the functions for this machine")
	flag.StringVar(&o.list, "list", "", "a `folder` with a sanctions list to start process-inquiry with")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, w io.Writer) error {
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
	p := &printer{w: w, markdown: o.markdown}
	p.begin()
	err = measure(ctx, p, server.Endpoint(), os.DirFS(filepath.Join(root, "shared/source/ofac/list")), sizes)
	if err == nil && o.packages != "" {
		var facts []functionFacts
		if facts, err = inspect(ctx, o.packages, o.programs, o.list); err == nil {
			p.functions(facts)
		}
		err = errors.Join(err, tooLarge(facts))
	}
	p.end()
	return err
}

// tooLarge names the functions whose zip is over its budget.
func tooLarge(facts []functionFacts) error {
	var all []error
	for _, f := range facts {
		if f.zip > budgetZip {
			all = append(all, fmt.Errorf("%s: the zip has %d bytes, the budget is %d", f.name, f.zip, budgetZip))
		}
	}
	return errors.Join(all...)
}

func parseSizes(list string) (sizes []int, err error) {
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 5000 {
			return nil, fmt.Errorf("-sizes: %q is not a size from 1 to 5000", text)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// outcome is one batch size, in our way, in ours without reports, and in the
// naive one.
type outcome struct {
	size              int
	ours, bare, naive bill
	batch, naiveBatch inquiry.BatchID
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
		fmt.Fprintf(os.Stderr, "Screening %d inquiries, in our way and in the naive one ...\n", size)
		o, err := both(ctx, s, n, size)
		if err != nil {
			return err
		}
		all = append(all, o)
	}
	p.perInquiry(all)

	typical, err := both(ctx, s, n, costBatch)
	if err != nil {
		return err
	}
	p.perFunction(typical)
	if err := sensitivity(ctx, p, s); err != nil {
		return err
	}
	if err := readings(ctx, p, s, n, all[len(all)-1]); err != nil {
		return err
	}
	return price(ctx, p, s, n, typical)
}

// both does one batch in our way and in the naive one.
func both(ctx context.Context, s *service, n *naive, size int) (o outcome, err error) {
	o.size = size
	inquiries := invent(size)
	s.results.withoutReport = true
	o.bare, _, err = s.screen(ctx, inquiries, perTally)
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

// sensitivity shows what the one assumption about time is worth.
func sensitivity(ctx context.Context, p *printer, s *service) error {
	s.results.withoutReport = true
	defer func() { s.results.withoutReport = false }()
	var bills []bill
	rates := []int{10, 20, 50, 100, 250}
	for _, rate := range rates {
		b, _, err := s.screen(ctx, invent(costBatch), rate)
		if err != nil {
			return err
		}
		bills = append(bills, b)
	}
	p.sensitivity(rates, bills)
	return nil
}

// listReading is one reading of a list, at one offset.
type listReading struct {
	what   string
	offset int
	ours   reading
	naive  *usage // nil where it was not done
}

// readings shows what answers cost, near and far.
func readings(ctx context.Context, p *printer, s *service, n *naive, large outcome) error {
	status, err := s.readStatus(ctx, large.batch)
	if err != nil {
		return err
	}
	rows := []listReading{{fmt.Sprintf("status of a batch of %d", large.size), 0, status, nil}}
	for _, offset := range []int{0, large.size / 2, max(0, large.size-pageLimit)} {
		r, err := s.readInquiries(ctx, large.batch, offset, pageLimit)
		if err != nil {
			return err
		}
		naive, err := n.list(ctx, large.naiveBatch, offset, pageLimit)
		if err != nil {
			return err
		}
		rows = append(rows, listReading{fmt.Sprintf("%d of its inquiries", pageLimit), offset, r, &naive})
	}
	one, err := s.readReport(ctx, large.batch.Inquiry(large.size-1))
	if err != nil {
		return err
	}
	rows = append(rows, listReading{"one inquiry with its report", 0, one, nil})
	near, far, err := s.readBatchList(ctx)
	if err != nil {
		return err
	}
	p.readings(append(rows,
		listReading{"10 batches of a lender", 0, near, nil},
		listReading{"10 batches of a lender", oldBatches, far, nil}))
	return nil
}

// price puts a million inquiries in batches of 250 at list prices.
func price(ctx context.Context, p *printer, s *service, n *naive, o outcome) error {
	status, err := s.readStatus(ctx, o.batch)
	if err != nil {
		return err
	}
	list, err := s.readInquiries(ctx, o.batch, 100, pageLimit)
	if err != nil {
		return err
	}
	ours, naive := costsOf(o.ours, o.bare), costsOf(o.naive, o.naive)
	ours.read(status, list)
	ours.fairQueue = ours.queue
	naiveList := list
	if naiveList.usage, err = n.list(ctx, o.naiveBatch, 100, pageLimit); err != nil {
		return err
	}
	naive.read(status, naiveList)
	naive.beNaive(o.ours)
	p.costs(priceList(ours, naive))
	return nil
}

// machine says on what times were measured, without saying where.
func machine() string {
	return fmt.Sprintf("%s, %s/%s, %d processors", time.Now().Format("2006-01-02"), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
}
