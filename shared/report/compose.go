package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// Compose builds the inquiry's report from the sources' answers. The same answers
// and time give the same report, including its ids. The encoded report always fits
// into [MaxEncoded], however much the sources answered; its notes say what was left
// out.
func Compose(id inquiry.ID, answers []source.Answer, now time.Time) Report {
	r := Report{
		InquiryID:   id,
		GeneratedAt: now.UTC().Truncate(time.Millisecond),
		Notes:       []string{},
	}
	r.Status, r.Failure = status(answers)
	var left leftOut
	r.SourceRecords, left = gather(id, answers)
	r.Coverage = coverage(answers, r.SourceRecords)
	r.Facts = facts(r.SourceRecords)
	r.Scores = scores(r.Coverage, r.SourceRecords)
	for _, a := range answers {
		for _, note := range a.Notes {
			r.Notes = append(r.Notes, clip(note, maxNote))
		}
	}
	r.Notes = append(r.Notes, left.notes()...)
	return r
}

// coverage summarizes how each source answered, and which ones are missing.
func coverage(answers []source.Answer, records []SourceRecord) Coverage {
	kept := map[string]int{}
	for _, r := range records {
		kept[r.Type]++
	}
	c := Coverage{MissingSources: []MissingSource{}, Sources: []SourceSummary{}}
	for _, a := range answers {
		c.Sources = append(c.Sources, SourceSummary{
			Type: a.Type, Version: a.Version, Criticality: a.Criticality, Outcome: a.Outcome, Reason: clip(a.Reason, maxText),
			Records: kept[a.Type], AsOf: a.AsOf, RetrievedAt: a.RetrievedAt,
			ElapsedMicros: a.Elapsed.Microseconds(), Licence: clip(a.Licence, maxText), Evidence: boundEvidence(a.Evidence),
		})
		if a.Outcome == inquiry.OutcomeNotApplicable {
			continue
		}
		c.Applicable++
		if a.Outcome.Answered() {
			c.Answered++
			continue
		}
		c.MissingSources = append(c.MissingSources,
			MissingSource{Type: a.Type, Outcome: a.Outcome, Retryable: a.Outcome.Retryable()})
	}
	return c
}

// facts lists the facts of the records in order. Each fact appears once, with all the
// records that state it.
func facts(records []SourceRecord) []Fact {
	all := []Fact{}
	at := map[source.Fact]int{}
	for _, r := range records {
		for _, f := range r.Facts {
			i, known := at[f]
			if !known {
				i = len(all)
				at[f] = i
				all = append(all, Fact{Fact: f})
			}
			all[i].SourceRecords = append(all[i].SourceRecords, r.ID)
		}
	}
	return all
}

// The names of the scores. Stored reports contain them, so a name never changes.
const (
	scoreCoverage  = "coverage"             // share of the applicable sources that answered
	scoreBestMatch = "sanctions.best_match" // highest name score of all sanctions screenings
)

// scores returns the scores that can be computed. If no screening was done, there is
// no best match. If a screening found no candidate, the best match is 0.
func scores(c Coverage, records []SourceRecord) []Score {
	all := []Score{}
	if c.Applicable > 0 {
		all = append(all, Score{
			Name:  scoreCoverage,
			Value: float64(c.Answered) / float64(c.Applicable),
			Basis: fmt.Sprintf("%d of %d applicable sources answered", c.Answered, c.Applicable),
		})
	}

	var best *SourceRecord
	screened := false
	for i, rec := range records {
		if !slices.ContainsFunc(rec.Facts, isScreening) {
			continue
		}
		screened = true
		if rec.Match != nil && (best == nil || rec.Match.Score > best.Match.Score) {
			best = &records[i]
		}
	}
	switch {
	case best != nil:
		m := best.Match
		all = append(all, Score{Name: scoreBestMatch, Value: m.Score, Basis: m.Label + " in source record " + best.ID})
	case screened:
		all = append(all, Score{Name: scoreBestMatch, Basis: "no candidate"})
	}
	return all
}

// isScreening reports whether a record with this fact is from a sanctions
// screening. Every such record states its list, whether there is a match or not.
func isScreening(f source.Fact) bool { return f.Name == source.FactSanctionsList }
