package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// inquiryReport is what we read of GET /v1/inquiries/{inquiry_id}.
type inquiryReport struct {
	BusinessName string
	Status       string
	Report       struct {
		Coverage struct{ Applicable, Answered int }
		Scores   []struct {
			Name, Basis string
			Value       float64
		}
		SourceRecords []struct {
			Type    string
			Outcome string
			Subject struct{ Kind, Ref string }
			Match   *struct {
				Score                      float64
				Method, MatchedName, Label string
				Agree, Disagree            []string
			}
			Properties map[string]string
		}
		Notes []string
	}
}

// showReport prints one report in words. The API returns it as JSON.
func showReport(ctx context.Context, w io.Writer, lender *client, inquiryID string) error {
	path := "/v1/inquiries/" + url.PathEscape(inquiryID)
	var got inquiryReport
	if err := lender.call(ctx, http.MethodGet, path, nil, &got); err != nil {
		return err
	}
	r := got.Report
	fmt.Fprintf(w, "\nThe report with most to say: %s (GET %s)\n", got.BusinessName, path)
	fmt.Fprintf(w, "  %s: %d of %d sources that apply have answered\n", got.Status, r.Coverage.Answered, r.Coverage.Applicable)
	for _, s := range r.Scores {
		fmt.Fprintf(w, "  %s %.2f: %s\n", s.Name, s.Value, s.Basis)
	}
	for _, rec := range r.SourceRecords {
		fmt.Fprintf(w, "  %s, %s: %s\n", rec.Type, rec.Subject.Ref, rec.Outcome)
		m := rec.Match
		if m == nil {
			continue // what it rests on is in the JSON
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
