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
	// pollEvery is the shortest interval that the API allows.
	pollEvery = time.Second / 2
	// screenTimeout is how long a batch may make no progress. After that, something
	// must be broken.
	screenTimeout = 2 * time.Minute
	// shownRows is the most rows of results that are shown, to fit on one screen.
	shownRows = 25
)

// errStuck ends the wait for a batch without progress.
var errStuck = fmt.Errorf("the batch has made no progress for %s", screenTimeout)

// screen submits the batch, follows it until it is final and shows the results.
func screen(ctx context.Context, w io.Writer, s *steps, demo *lender, batch *batchfile.File) error {
	body, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	var accepted *client.Submitted
	err = s.do(fmt.Sprintf("Submitting %d inquiries", batch.Len()), func() (err error) {
		accepted, err = demo.SubmitJSON(ctx, body, "")
		return inFile(err, batch)
	})
	if err != nil {
		return err
	}
	submitted := time.Now()
	last, err := follow(ctx, w, demo.Client, accepted.BatchID)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s after %.1f s: %s. Total time: %.0f s.\n\n",
		last.Status, time.Since(submitted).Seconds(), progress.Counts(last), time.Since(s.started).Seconds())

	var results []*client.InquirySummary
	for result, err := range demo.Inquiries(ctx, accepted.BatchID, client.InquiryFilter{PageSize: client.MaxPageSize}) {
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	showResults(w, results)
	if len(results) == 0 {
		return errors.New("the batch has no results")
	}
	most := slices.MaxFunc(results, func(a, b *client.InquirySummary) int { return cmp.Compare(interest(a), interest(b)) })
	return showReport(ctx, w, demo.Client, most.InquiryID)
}

// interest returns a higher number the more interesting an inquiry's report is:
// matches count most, then possible matches, then the number of records.
func interest(i *client.InquirySummary) int {
	score := i.SourceRecordCount
	for _, outcome := range i.Sources {
		switch outcome {
		case "FOUND":
			score += 10_000
		case "AMBIGUOUS":
			score += 100
		}
	}
	return score
}

// follow watches the batch until it is final, and shows its progress.
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

// showResults prints the first results as a table.
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
