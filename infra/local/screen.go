package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

const (
	pollEvery = 300 * time.Millisecond
	// screenTimeout without any progress means that something is broken.
	screenTimeout = 2 * time.Minute
	// shownRows keeps the table of results on one screen.
	shownRows = 25
)

// batchStatus is what we read of GET /v1/batch-inquiries/{batch_id}.
type batchStatus struct {
	Status         string
	IsTerminal     bool
	Total          int
	Planning       int
	Running        int
	Completed      int
	PartialSuccess int
	Failed         int
	Cancelled      int
}

func (b batchStatus) done() int { return b.Completed + b.PartialSuccess + b.Failed + b.Cancelled }

func (b batchStatus) String() string {
	var parts []string
	for _, count := range []struct {
		n    int
		what string
	}{
		{b.Planning, "waiting"}, {b.Running, "running"}, {b.Completed, "completed"},
		{b.PartialSuccess, "partly"}, {b.Failed, "failed"}, {b.Cancelled, "cancelled"},
	} {
		if count.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count.n, count.what))
		}
	}
	return strings.Join(parts, ", ")
}

// result is what we read of each item of GET …/{batch_id}/inquiries.
type result struct {
	InquiryID         string
	Index             int
	ExternalID        string
	BusinessName      string
	Status            string
	SourceRecordCount int
	Sources           map[string]string
}

// screen submits the batch, follows it to its end and shows what came of it.
func screen(ctx context.Context, w io.Writer, s *steps, lender *client, batch submission) error {
	var accepted struct{ BatchID string }
	what := fmt.Sprintf("Submitting %d inquiries", len(batch.Inquiries))
	err := s.do(what, func() error {
		return lender.call(ctx, http.MethodPost, "/v1/batch-inquiries/", batch, &accepted)
	})
	if err != nil {
		return err
	}
	path := "/v1/batch-inquiries/" + url.PathEscape(accepted.BatchID)
	begun := time.Now()
	last, err := follow(ctx, w, lender, path)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s after %.1f s: %s. Since the start: %.0f s.\n\n",
		last.Status, time.Since(begun).Seconds(), last, time.Since(s.begun).Seconds())

	var page struct{ Inquiries []result }
	if err := lender.call(ctx, http.MethodGet, path+"/inquiries?limit=500", nil, &page); err != nil {
		return err
	}
	showResults(w, page.Inquiries, last.Total)
	if len(page.Inquiries) == 0 {
		return errors.New("the batch has no results")
	}
	telling := slices.MaxFunc(page.Inquiries, func(a, b result) int { return cmp.Compare(a.weight(), b.weight()) })
	return showReport(ctx, w, lender, telling.InquiryID)
}

// weight says how much a reader would want to see this inquiry's report: what
// was found first, then what may have been, then how much there is of it.
func (r result) weight() int {
	weight := r.SourceRecordCount
	for _, outcome := range r.Sources {
		switch outcome {
		case "FOUND":
			weight += 10_000
		case "AMBIGUOUS":
			weight += 100
		}
	}
	return weight
}

// follow polls the batch until it is final, and shows how far it has come.
func follow(ctx context.Context, w io.Writer, lender *client, path string) (batchStatus, error) {
	var now batchStatus
	if err := lender.call(ctx, http.MethodGet, path, nil, &now); err != nil {
		return now, err
	}
	show := progress(w, now.Total)
	defer show.close()

	moved := time.Now()
	for {
		show.update(now)
		if now.IsTerminal {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return now, ctx.Err()
		case <-time.After(pollEvery):
		}
		before := now
		now = batchStatus{}
		if err := lender.call(ctx, http.MethodGet, path, nil, &now); err != nil {
			return now, err
		}
		if now != before {
			moved = time.Now()
		}
		if time.Since(moved) > screenTimeout {
			return now, fmt.Errorf("the batch has not moved for %s: %s\n%s", screenTimeout, now, seeLog)
		}
	}
}

// display shows how far a batch has come.
type display interface {
	update(batchStatus)
	close()
}

// progress is a bar on a terminal and a line per change anywhere else.
func progress(w io.Writer, total int) display {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return &lines{w: w}
	}
	b := &bar{}
	b.counts.Store(new(string))
	b.bars = mpb.New(mpb.WithWidth(48), mpb.WithOutput(w))
	b.bar = b.bars.AddBar(int64(total),
		mpb.PrependDecorators(decor.CountersNoUnit("%d / %d ")),
		mpb.AppendDecorators(
			decor.Elapsed(decor.ET_STYLE_MMSS, decor.WCSyncSpace),
			decor.Any(func(decor.Statistics) string { return "  " + *b.counts.Load() }),
		))
	return b
}

type bar struct {
	bars   *mpb.Progress
	bar    *mpb.Bar
	counts atomic.Pointer[string] // read while the bar is drawn, by another goroutine
}

func (b *bar) update(now batchStatus) {
	b.counts.Store(new(now.String()))
	b.bar.SetCurrent(int64(now.done()))
}

func (b *bar) close() {
	b.bar.Abort(false) // has no effect on a bar that is full
	b.bars.Wait()
}

type lines struct {
	w    io.Writer
	last batchStatus
}

func (l *lines) update(now batchStatus) {
	if now != l.last {
		fmt.Fprintf(l.w, "  %d of %d: %s\n", now.done(), now.Total, now)
		l.last = now
	}
}

func (l *lines) close() {}

// showResults prints the first rows as a table.
func showResults(w io.Writer, results []result, total int) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "Business", WidthMax: 40, WidthMaxEnforcer: text.Trim}})
	t.AppendHeader(table.Row{"#", "Business", "Your id", "Status", "Records", "Sources"})
	for _, r := range results[:min(len(results), shownRows)] {
		t.AppendRow(table.Row{r.Index + 1, r.BusinessName, r.ExternalID, r.Status, r.SourceRecordCount, outcomes(r.Sources)})
	}
	t.Render()
	if total > shownRows {
		fmt.Fprintf(w, "and %d more\n", total-shownRows)
	}
}

func outcomes(sources map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		parts = append(parts, name+": "+sources[name])
	}
	return strings.Join(parts, ", ")
}
