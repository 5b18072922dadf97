package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// Compose makes the report of the inquiry from what the sources answered. The
// same answers and time give the same report, ids included. However much the
// sources answered, the report fits [MaxEncoded]; its notes say what was left out.
func Compose(id inquiry.ID, answers []source.Answer, now time.Time) Report {
	r := Report{
		InquiryID:   id,
		GeneratedAt: now.UTC().Truncate(time.Millisecond),
		Scores:      []Score{},
		Notes:       []string{},
	}
	r.Status, r.Failure = judge(answers)
	var left leftOut
	r.SourceRecords, left = gather(id, answers)
	r.Coverage = cover(answers, r.SourceRecords)
	r.Facts = state(r.SourceRecords)
	r.score()
	for _, a := range answers {
		for _, note := range a.Notes {
			r.Notes = append(r.Notes, clip(note, maxNote))
		}
	}
	r.Notes = append(r.Notes, left.notes()...)
	return r
}

// Retryable reports whether a missing source may answer if asked again later.
func (r Report) Retryable() bool {
	for _, m := range r.Coverage.MissingSources {
		if m.Retryable {
			return true
		}
	}
	return false
}

// Figures is the sources' part of the inquiry's [inquiry.Figures].
func (r Report) Figures() map[string]inquiry.SourceFigures {
	figures := make(map[string]inquiry.SourceFigures, len(r.Coverage.Sources))
	for _, s := range r.Coverage.Sources {
		figures[s.Type] = inquiry.SourceFigures{
			Outcome: s.Outcome,
			Records: s.Records,
			Elapsed: time.Duration(s.ElapsedMicros) * time.Microsecond,
		}
	}
	return figures
}

// judge decides the final status, and why if there is no useful report. Sources
// that had nothing to look up have no say.
func judge(answers []source.Answer) (inquiry.Status, *Failure) {
	var answered int
	var missing, required []source.Answer
	for _, a := range answers {
		switch {
		case a.Outcome == inquiry.OutcomeNotApplicable:
		case a.Outcome.Answered():
			answered++
		default:
			missing = append(missing, a)
			if a.Criticality == source.Required {
				required = append(required, a)
			}
		}
	}
	switch {
	case len(required) > 0:
		return inquiry.StatusFailed, &Failure{
			Code:      CodeRequiredSource,
			Message:   "A required source did not answer: " + names(required) + ".",
			Retryable: anyRetryable(required),
		}
	case answered == 0:
		return inquiry.StatusFailed, &Failure{
			Code:      CodeNoSource,
			Message:   "No source answered.",
			Retryable: anyRetryable(missing),
		}
	case len(missing) > 0:
		return inquiry.StatusPartialSuccess, nil
	default:
		return inquiry.StatusCompleted, nil
	}
}

func cover(answers []source.Answer, records []SourceRecord) Coverage {
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

// state lists what the records state, in their order, each statement once.
func state(records []SourceRecord) []Fact {
	facts := []Fact{}
	at := map[source.Fact]int{}
	for _, r := range records {
		for _, f := range r.Facts {
			i, known := at[f]
			if !known {
				i = len(facts)
				at[f] = i
				facts = append(facts, Fact{Fact: f})
			}
			facts[i].SourceRecords = append(facts[i].SourceRecords, r.ID)
		}
	}
	return facts
}

// score sums up what was answered.
func (r *Report) score() {
	c := r.Coverage
	if c.Applicable > 0 {
		r.Scores = append(r.Scores, Score{
			Name:  "coverage",
			Value: float64(c.Answered) / float64(c.Applicable),
			Basis: fmt.Sprintf("%d of %d applicable sources answered", c.Answered, c.Applicable),
		})
	}

	screened, best := false, Score{Name: "sanctions.best_match", Basis: "no candidate"}
	for _, rec := range r.SourceRecords {
		if !slices.ContainsFunc(rec.Facts, isScreening) {
			continue
		}
		screened = true
		if m := rec.Match; m != nil && (m.Score > best.Value || best.Basis == "no candidate") {
			best.Value, best.Basis = m.Score, m.Label+" in source record "+rec.ID
		}
	}
	if screened {
		r.Scores = append(r.Scores, best)
	}
}

func isScreening(f source.Fact) bool { return f.Name == "sanctions.list" }

// recordID depends on the inquiry, the source and the record's place in the
// answer, and on nothing else: a report composed again has the same ids.
func recordID(id inquiry.ID, a source.Answer, s source.Subject, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%s|%d", id, a.Type, a.Version, s.Ref, n))
	return "sr_" + hex.EncodeToString(sum[:10])
}

func names(answers []source.Answer) string {
	types := make([]string, len(answers))
	for i, a := range answers {
		types[i] = a.Type
	}
	return strings.Join(types, ", ")
}

func anyRetryable(answers []source.Answer) bool {
	for _, a := range answers {
		if a.Outcome.Retryable() {
			return true
		}
	}
	return false
}
