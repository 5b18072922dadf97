package report_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

var (
	now      = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)
	listDate = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	id       = inquiry.NewBatchID(now).Inquiry(3)
)

// answer returns a source's answer without records.
func answer(kind string, c source.Criticality, o inquiry.SourceOutcome) source.Answer {
	return source.Answer{
		Type: kind, Version: "1", Criticality: c, Outcome: o, AsOf: listDate, RetrievedAt: now, Elapsed: 1500 * time.Microsecond,
	}
}

// screened returns an answer with a match, as ofac gives it. The names of the facts
// are spelled out, because stored reports contain them and they must not change.
func screened() source.Answer {
	a := answer("ofac", source.Required, inquiry.OutcomeAmbiguous)
	a.Records = []source.Record{
		{
			Outcome: inquiry.OutcomeAmbiguous,
			Subject: source.Business(),
			Match:   &source.Match{Score: 0.81, Method: "name", MatchedName: "KARLOVA", Disagree: []string{"address"}, Label: "potential_match"},
			Facts: []source.Fact{
				{Name: "sanctions.list", Value: "OFAC SDN"}, {Name: "sanctions.potential_match", Value: true},
			},
			Properties: map[string]string{"programs": "EXAMPLE1"},
		},
		{
			Outcome: inquiry.OutcomeNoRecord,
			Subject: source.Principal(0),
			Facts:   []source.Fact{{Name: "sanctions.list", Value: "OFAC SDN"}},
		},
	}
	a.Evidence = []source.Evidence{{Name: "sdn.csv", SHA256: "abc", Bytes: 9, RetrievedAt: now}}
	a.Notes = []string{"The OFAC 50 Percent Rule is not checked."}
	return a
}

func TestStatus(t *testing.T) {
	t.Parallel()

	const (
		found, none, unsure  = inquiry.OutcomeFound, inquiry.OutcomeNoRecord, inquiry.OutcomeAmbiguous
		down, busy, rejected = inquiry.OutcomeUnavailable, inquiry.OutcomeThrottled, inquiry.OutcomeMisconfigured
		stale, nothing       = inquiry.OutcomeStale, inquiry.OutcomeNotApplicable
	)
	tests := map[string]struct {
		required, important, optional inquiry.SourceOutcome
		want                          inquiry.Status
		retryable                     bool
		code                          string // of the failure
		failureRetryable              bool
	}{
		"all answered":                                               {found, none, unsure, inquiry.StatusCompleted, false, "", false},
		"nothing found anywhere":                                     {none, none, none, inquiry.StatusCompleted, false, "", false},
		"one has nothing to look up":                                 {none, nothing, none, inquiry.StatusCompleted, false, "", false},
		"an important one is down":                                   {none, down, none, inquiry.StatusPartialSuccess, true, "", false},
		"an optional one is busy":                                    {none, none, busy, inquiry.StatusPartialSuccess, true, "", false},
		"an optional one rejects us":                                 {none, none, rejected, inquiry.StatusPartialSuccess, false, "", false},
		"the required one is down":                                   {down, none, none, inquiry.StatusFailed, true, report.CodeRequiredSource, true},
		"the required one is stale":                                  {stale, none, none, inquiry.StatusFailed, false, report.CodeRequiredSource, false},
		"the required one is stale, one busy":                        {stale, busy, none, inquiry.StatusFailed, true, report.CodeRequiredSource, false},
		"the required one has nothing to look up, the rest are down": {nothing, down, rejected, inquiry.StatusFailed, true, report.CodeNoSource, true},
		"none has anything to look up":                               {nothing, nothing, nothing, inquiry.StatusFailed, false, report.CodeNoSource, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r := report.Compose(id, []source.Answer{
				answer("ofac", source.Required, tt.required),
				answer("state_registry", source.Important, tt.important),
				answer("gleif", source.Optional, tt.optional),
			}, now)
			if r.Status != tt.want {
				t.Errorf("status %s, want %s", r.Status, tt.want)
			}
			if got := r.Retryable(); got != tt.retryable {
				t.Errorf("Retryable() = %t, want %t", got, tt.retryable)
			}
			var got report.Failure
			if r.Failure != nil {
				got = *r.Failure
			}
			if got.Code != tt.code || got.Retryable != tt.failureRetryable {
				t.Errorf("failure %+v, want code %q, retryable %t", got, tt.code, tt.failureRetryable)
			}
		})
	}
}

func TestCompose(t *testing.T) {
	t.Parallel()

	t.Run("an answer with a match and a missing source", func(t *testing.T) {
		t.Parallel()

		missing := answer("gleif", source.Optional, inquiry.OutcomeThrottled)
		missing.Reason = "throttled"
		got := report.Compose(id, []source.Answer{screened(), missing}, now)

		match, clear := got.SourceRecords[0].ID, got.SourceRecords[1].ID
		if match == clear || !strings.HasPrefix(match, "sr_") {
			t.Errorf("record ids are %s and %s, want two different ids that start with sr_", match, clear)
		}
		origin := report.Origin{Version: "1", AsOf: listDate, RetrievedAt: now}
		want := report.Report{
			InquiryID:   id,
			Status:      inquiry.StatusPartialSuccess,
			GeneratedAt: now,
			Coverage: report.Coverage{
				Applicable: 2, Answered: 1,
				MissingSources: []report.MissingSource{{Type: "gleif", Outcome: inquiry.OutcomeThrottled, Retryable: true}},
				Sources: []report.SourceSummary{
					{
						Type: "ofac", Version: "1", Criticality: source.Required, Outcome: inquiry.OutcomeAmbiguous, Records: 2,
						AsOf: listDate, RetrievedAt: now, ElapsedMicros: 1500, Evidence: screened().Evidence,
					},
					{
						Type: "gleif", Version: "1", Criticality: source.Optional, Outcome: inquiry.OutcomeThrottled, Reason: "throttled",
						AsOf: listDate, RetrievedAt: now, ElapsedMicros: 1500,
					},
				},
			},
			Facts: []report.Fact{
				{Fact: source.Fact{Name: "sanctions.list", Value: "OFAC SDN"}, SourceRecords: []string{match, clear}},
				{Fact: source.Fact{Name: "sanctions.potential_match", Value: true}, SourceRecords: []string{match}},
			},
			SourceRecords: []report.SourceRecord{
				{ID: match, Type: "ofac", Record: screened().Records[0], Source: origin},
				{ID: clear, Type: "ofac", Record: screened().Records[1], Source: origin},
			},
			Scores: []report.Score{
				{Name: "coverage", Value: 0.5, Basis: "1 of 2 applicable sources answered"},
				{Name: "sanctions.best_match", Value: 0.81, Basis: "potential_match in source record " + match},
			},
			Notes: []string{"The OFAC 50 Percent Rule is not checked."},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]inquiry.SourceFigures{
			"ofac":  {Outcome: inquiry.OutcomeAmbiguous, Records: 2, Elapsed: 1500 * time.Microsecond},
			"gleif": {Outcome: inquiry.OutcomeThrottled, Elapsed: 1500 * time.Microsecond},
		}, got.Figures()); diff != "" {
			t.Errorf("figures (-want +got):\n%s", diff)
		}
	})

	t.Run("composing again gives the same report", func(t *testing.T) {
		t.Parallel()

		first := report.Compose(id, []source.Answer{screened()}, now)
		if diff := cmp.Diff(first, report.Compose(id, []source.Answer{screened()}, now)); diff != "" {
			t.Errorf("composed again (-first +second):\n%s", diff)
		}
		other := report.Compose(id.Batch().Inquiry(4), []source.Answer{screened()}, now)
		if other.SourceRecords[0].ID == first.SourceRecords[0].ID {
			t.Error("records of two inquiries have the same id")
		}
	})

	t.Run("a source that did not answer has no score", func(t *testing.T) {
		t.Parallel()

		r := report.Compose(id, []source.Answer{answer("ofac", source.Required, inquiry.OutcomeUnavailable)}, now)
		for _, s := range r.Scores {
			if s.Name == "sanctions.best_match" {
				t.Errorf("score %+v, want none", s)
			}
		}
	})

	// The largest answer of a screening: 21 subjects with more than ten candidates
	// each, where every text is too long and too random to compress.
	t.Run("the largest report fits into its item", func(t *testing.T) {
		t.Parallel()

		random := rand.New(rand.NewPCG(1, 2))
		noise := func(n int) string {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(random.IntN(256))
			}
			return string(b)
		}
		a := answer("ofac", source.Required, inquiry.OutcomeFound)
		for s := range 21 {
			subject := source.Business()
			if s > 0 {
				subject = source.Principal(s - 1)
			}
			for range 15 {
				rec := source.Record{
					Outcome: inquiry.OutcomeAmbiguous, Subject: subject,
					Match:      &source.Match{Score: 0.8, MatchedName: noise(400), Agree: []string{noise(300)}, Label: noise(300)},
					Properties: map[string]string{},
				}
				for i := range 30 {
					rec.Facts = append(rec.Facts, source.Fact{Name: fmt.Sprint("fact.", i), Value: noise(400)})
					rec.Properties[fmt.Sprint("property", i)] = noise(1000)
				}
				a.Records = append(a.Records, rec)
			}
		}
		a.Records[len(a.Records)-15].Outcome = inquiry.OutcomeFound // the last principal's first candidate
		a.Notes = []string{noise(2000)}

		r := report.Compose(id, []source.Answer{a}, now)
		blob, err := report.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d records, %d bytes", len(r.SourceRecords), len(blob))
		if len(r.SourceRecords) == 0 || len(r.SourceRecords) > 210 {
			t.Errorf("%d records, want at most 210", len(r.SourceRecords))
		}
		last := r.SourceRecords[len(r.SourceRecords)-1]
		for _, rec := range r.SourceRecords {
			if rec.Outcome == inquiry.OutcomeFound {
				last = rec
			}
		}
		if last.Outcome != inquiry.OutcomeFound || len(last.Facts) == 0 {
			t.Error("a record that was found was left out, or lost its facts, before ambiguous ones")
		}
		if notes := strings.Join(r.Notes, " "); !strings.Contains(notes, "left out") {
			t.Errorf("the notes (%d bytes) do not say that something was left out", len(notes))
		}
	})
}

func TestString(t *testing.T) {
	t.Parallel()

	t.Run("printing a report shows no personal data", func(t *testing.T) {
		t.Parallel()

		r := report.Compose(id, []source.Answer{screened()}, now)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			for _, v := range []any{r, r.SourceRecords, screened(), source.Query{Inquiry: inquiry.Inquiry{BusinessName: "KARLOVA"}}} {
				if text := fmt.Sprintf(verb, v); strings.Contains(text, "KARLOVA") {
					t.Errorf("%s of a %T shows a name", verb, v)
				}
			}
		}
	})
}
