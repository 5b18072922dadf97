package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/client"
)

// showReport prints the main parts of a report, which the API returns as JSON.
func showReport(ctx context.Context, w io.Writer, c *client.Client, inquiryID string) error {
	got, err := c.Inquiry(ctx, inquiryID)
	if err != nil {
		return err
	}
	r := got.Report
	if r == nil {
		return fmt.Errorf("inquiry %s has no report", inquiryID)
	}
	fmt.Fprintf(w, "\nThe most interesting report: %s (GET /v1/inquiries/%s)\n", got.BusinessName, inquiryID)
	fmt.Fprintf(w, "  %s: %d of %d applicable sources answered\n", got.Status, r.Coverage.Answered, r.Coverage.Applicable)
	for _, s := range r.Scores {
		fmt.Fprintf(w, "  %s %.2f: %s\n", s.Name, s.Value, s.Basis)
	}
	for _, rec := range r.SourceRecords {
		fmt.Fprintf(w, "  %s, %s: %s\n", rec.Type, rec.Subject.Ref, rec.Outcome)
		m := rec.Match
		if m == nil {
			continue // the JSON has the evidence
		}
		fmt.Fprintf(w, "    %s %q, score %.2f by %s%s%s\n", m.Label, m.MatchedName, m.Score, m.Method,
			clause("; agree: ", m.Agree), clause("; disagree: ", m.Disagree))
		for _, name := range slices.Sorted(maps.Keys(rec.Properties)) {
			fmt.Fprintf(w, "    %s: %s\n", name, rec.Properties[name])
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "  Note: %s\n", note)
	}
	return nil
}

func clause(lead string, items []string) string {
	if len(items) == 0 {
		return ""
	}
	return lead + strings.Join(items, ", ")
}
