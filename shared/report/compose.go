package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// Compose makes the report of the inquiry from what the sources answered. The
// same answers and time give the same report, ids included.
func Compose(id inquiry.ID, answers []source.Answer, now time.Time) Report {
	r := Report{
		InquiryID:     id,
		GeneratedAt:   now.UTC(),
		Coverage:      cover(answers),
		Facts:         []Fact{},
		SourceRecords: []SourceRecord{},
		Scores:        []Score{},
		Notes:         []string{},
	}
	for _, a := range answers {
		r.add(a)
	}
	r.Status, r.Failure = judge(answers)
	r.score()
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

func cover(answers []source.Answer) Coverage {
	c := Coverage{MissingSources: []MissingSource{}, Sources: []SourceSummary{}}
	for _, a := range answers {
		c.Sources = append(c.Sources, SourceSummary{
			Type: a.Type, Version: a.Version, Criticality: a.Criticality, Outcome: a.Outcome, Reason: a.Reason,
			Records: len(a.Records), AsOf: a.AsOf, RetrievedAt: a.RetrievedAt,
			ElapsedMicros: a.Elapsed.Microseconds(), Licence: a.Licence, Evidence: a.Evidence,
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

// add takes over one source's records, facts and notes.
func (r *Report) add(a source.Answer) {
	for i, rec := range a.Records {
		id := recordID(r.InquiryID, a, rec.Subject, i)
		r.SourceRecords = append(r.SourceRecords, SourceRecord{
			ID: id, Type: a.Type, Record: rec,
			Source: Origin{Version: a.Version, AsOf: a.AsOf, RetrievedAt: a.RetrievedAt},
		})
		for _, f := range rec.Facts {
			r.state(f, id)
		}
	}
	r.Notes = append(r.Notes, a.Notes...)
}

// state adds the record to the fact's origins, and the fact if it is new.
func (r *Report) state(f source.Fact, recordID string) {
	for i := range r.Facts {
		if r.Facts[i].Fact == f {
			r.Facts[i].SourceRecords = append(r.Facts[i].SourceRecords, recordID)
			return
		}
	}
	r.Facts = append(r.Facts, Fact{Fact: f, SourceRecords: []string{recordID}})
}

// score sums up what was answered.
func (r *Report) score() {
	if c := r.Coverage; c.Applicable > 0 {
		r.Scores = append(r.Scores, Score{
			Name:  "coverage",
			Value: float64(c.Answered) / float64(c.Applicable),
			Basis: fmt.Sprintf("%d of %d applicable sources answered", c.Answered, c.Applicable),
		})
	}
}

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
