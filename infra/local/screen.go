package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/client/batchfile"
	"github.com/batch-inquiries/batch-inquiries/client/progress"
)

const (
	// pollEvery is as often as the API answers.
	pollEvery = time.Second / 2
	// screenTimeout without any progress means that something is broken.
	screenTimeout = 2 * time.Minute
	// shownRows keeps the table of results on one screen.
	shownRows = 25
)

// errStuck ends a batch that nothing comes of.
var errStuck = fmt.Errorf("the batch has not moved for %s", screenTimeout)

// screen submits the batch, follows it to its end and shows what came of it.
func screen(ctx context.Context, w io.Writer, s *steps, demo *lender, batch *batchfile.File) error {
	body, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	var accepted *client.Submitted
	what := fmt.Sprintf("Submitting %d inquiries", batch.Len())
	err = s.do(what, func() (err error) {
		accepted, err = demo.SubmitJSON(ctx, body, "")
		return inFile(err, batch)
	})
	if err != nil {
		return err
	}
	begun := time.Now()
	last, err := follow(ctx, w, demo.Client, accepted.BatchID)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s after %.1f s: %s. Since the start: %.0f s.\n\n",
		last.Status, time.Since(begun).Seconds(), progress.Counts(last), time.Since(s.begun).Seconds())

	var results []*client.InquirySummary
	for result, err := range demo.Inquiries(ctx, accepted.BatchID, client.InquiryFilter{PageSize: 500}) {
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	showResults(w, results)
	if len(results) == 0 {
		return errors.New("the batch has no results")
	}
	telling := slices.MaxFunc(results, func(a, b *client.InquirySummary) int { return cmp.Compare(weight(a), weight(b)) })
	return showReport(ctx, w, demo.Client, telling.InquiryID)
}

// weight says how much a reader would want to see this inquiry's report: what
// was found first, then what may have been, then how much there is of it.
func weight(i *client.InquirySummary) int {
	weight := i.SourceRecordCount
	for _, outcome := range i.Sources {
		switch outcome {
		case "FOUND":
			weight += 10_000
		case "AMBIGUOUS":
			weight += 100
		}
	}
	return weight
}

// follow watches the batch until it is final, and shows how far it has come.
func follow(ctx context.Context, w io.Writer, c *client.Client, batchID string) (*client.Batch, error) {
	show := progress.New(w)
	defer show.Close()

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stuck := time.AfterFunc(screenTimeout, func() { stop(errStuck) })
	defer stuck.Stop()

	var last *client.Batch
	for now, err := range c.Watch(ctx, batchID) {
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, seeLog)
		}
		if last == nil || progress.Counts(now) != progress.Counts(last) {
			stuck.Reset(screenTimeout)
		}
		show.Update(now)
		last = now
	}
	return last, nil
}

// showResults prints the first rows as a table.
func showResults(w io.Writer, results []*client.InquirySummary) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "Business", WidthMax: 40, WidthMaxEnforcer: text.Trim}})
	t.AppendHeader(table.Row{"#", "Business", "Your id", "Status", "Records", "Sources"})
	for _, r := range results[:min(len(results), shownRows)] {
		t.AppendRow(table.Row{r.Index + 1, r.BusinessName, r.ExternalID, r.Status, r.SourceRecordCount, outcomes(r.Sources)})
	}
	t.Render()
	if len(results) > shownRows {
		fmt.Fprintf(w, "and %d more\n", len(results)-shownRows)
	}
}

func outcomes(sources map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		parts = append(parts, name+": "+sources[name])
	}
	return strings.Join(parts, ", ")
}
