package report_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

var (
	now      = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)
	listDate = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	id       = inquiry.NewBatchID(now).Inquiry(3)
)

// answer is a source's answer without records.
func answer(kind string, c source.Criticality, o inquiry.SourceOutcome) source.Answer {
	return source.Answer{
		Type: kind, Version: "1", Criticality: c, Outcome: o, AsOf: listDate, RetrievedAt: now, Elapsed: 1500 * time.Microsecond,
	}
}

// screened is an answer with a match, as ofac gives it.
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
		found, none, unsure = inquiry.OutcomeFound, inquiry.OutcomeNoRecord, inquiry.OutcomeAmbiguous
		down, busy, refused = inquiry.OutcomeUnavailable, inquiry.OutcomeThrottled, inquiry.OutcomeMisconfigured
		stale, idle         = inquiry.OutcomeStale, inquiry.OutcomeNotApplicable
	)
	tests := map[string]struct {
		required, important, optional inquiry.SourceOutcome
		want                          inquiry.Status
		retryable                     bool
		code                          string // of the failure
		failureRetryable              bool
	}{
		"all answered":                        {found, none, unsure, inquiry.StatusCompleted, false, "", false},
		"nothing found anywhere":              {none, none, none, inquiry.StatusCompleted, false, "", false},
		"one has nothing to look up":          {none, idle, none, inquiry.StatusCompleted, false, "", false},
		"an important one is down":            {none, down, none, inquiry.StatusPartialSuccess, true, "", false},
		"an optional one is busy":             {none, none, busy, inquiry.StatusPartialSuccess, true, "", false},
		"an optional one refuses us":          {none, none, refused, inquiry.StatusPartialSuccess, false, "", false},
		"the required one is down":            {down, none, none, inquiry.StatusFailed, true, report.CodeRequiredSource, true},
		"the required one is stale":           {stale, none, none, inquiry.StatusFailed, false, report.CodeRequiredSource, false},
		"the required one is stale, one busy": {stale, busy, none, inquiry.StatusFailed, true, report.CodeRequiredSource, false},
		"the required one is idle, rest down": {idle, down, refused, inquiry.StatusFailed, true, report.CodeNoSource, true},
		"nothing to look up at all":           {idle, idle, idle, inquiry.StatusFailed, false, report.CodeNoSource, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r := report.Compose(id, []source.Answer{
				answer("ofac", source.Required, tt.required),
				answer("state_registry", source.Important, tt.important),
				answer("gleif", source.Optional, tt.optional),
			}, now)
			if r.Status != tt.want || r.Retryable() != tt.retryable {
				t.Errorf("status %s, retryable %t; want %s, %t", r.Status, r.Retryable(), tt.want, tt.retryable)
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

	missing := answer("gleif", source.Optional, inquiry.OutcomeThrottled)
	missing.Reason = "throttled"
	got := report.Compose(id, []source.Answer{screened(), missing}, now)

	match, clear := got.SourceRecords[0].ID, got.SourceRecords[1].ID
	if match == clear || !strings.HasPrefix(match, "sr_") {
		t.Errorf("record ids %s, %s", match, clear)
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
}

func TestARedeliveredInquiryHasTheSameReport(t *testing.T) {
	t.Parallel()

	first := report.Compose(id, []source.Answer{screened()}, now)
	if diff := cmp.Diff(first, report.Compose(id, []source.Answer{screened()}, now)); diff != "" {
		t.Errorf("composed again (-first +second):\n%s", diff)
	}
	other := report.Compose(id.Batch().Inquiry(4), []source.Answer{screened()}, now)
	if other.SourceRecords[0].ID == first.SourceRecords[0].ID {
		t.Error("two inquiries have a record of the same id")
	}
}

func TestASourceThatDidNotAnswerHasNoScore(t *testing.T) {
	t.Parallel()

	r := report.Compose(id, []source.Answer{answer("ofac", source.Required, inquiry.OutcomeUnavailable)}, now)
	for _, s := range r.Scores {
		if s.Name == "sanctions.best_match" {
			t.Errorf("score %+v", s)
		}
	}
}

func TestDecodeGivesBackWhatWasEncoded(t *testing.T) {
	t.Parallel()

	want := report.Compose(id, []source.Answer{screened(), answer("gleif", source.Optional, inquiry.OutcomeNotApplicable)}, now)
	blob, err := report.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := report.Decode(blob)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-encoded +decoded):\n%s", diff)
	}
}

// What is in the table must stay readable, whatever packs the reports to come.
func TestReportsThatAreStoredCanBeRead(t *testing.T) {
	t.Parallel()

	want := report.Compose(id, []source.Answer{screened()}, now)
	plain, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile("dictionary1.txt")
	if err != nil {
		t.Fatal(err)
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(first)); sum != "c15bc13085aecac689bdcf9a063e748b05a1d9d60e46b1a1109795f6fd3c61c7" {
		t.Errorf("the dictionary has changed, to checksum %s: put it back and add another", sum)
	}
	for name, options := range map[string][]zstd.EOption{
		"without a dictionary": nil,
		"with the first one":   {zstd.WithEncoderDictRaw(1, first)},
	} {
		z, err := zstd.NewWriter(nil, options...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := report.Decode(z.EncodeAll(plain, nil))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: report (-packed +decoded):\n%s", name, diff)
		}
	}
}

func TestDecodeRefusesWhatIsNoReport(t *testing.T) {
	t.Parallel()

	blob, err := report.Encode(report.Compose(id, []source.Answer{screened()}, now))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"nothing": nil, "text": []byte("{}"), "a cut report": blob[:len(blob)/2]} {
		if _, err := report.Decode(b); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

// The worst that a screening can bring up: 21 subjects with ten candidates each,
// every text as long as may be and too random to compress.
func TestTheWorstReportFitsItsItem(t *testing.T) {
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
		t.Error("what was found gave way to what is doubtful")
	}
	if notes := strings.Join(r.Notes, " "); !strings.Contains(notes, "left out") {
		t.Errorf("the notes do not say that something was left out: %d bytes", len(notes))
	}
}

// Whatever a source answers, its report can be stored and read back as it was.
func TestAnyAnswerCanBeStored(t *testing.T) {
	t.Parallel()

	texts := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 500), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		a := answer("ofac", source.Required, inquiry.OutcomeAmbiguous)
		for range rapid.IntRange(0, 30).Draw(t, "records") {
			a.Records = append(a.Records, source.Record{
				Outcome: inquiry.OutcomeAmbiguous,
				Subject: source.Principal(rapid.IntRange(0, 3).Draw(t, "principal")),
				Match:   &source.Match{Score: rapid.Float64().Draw(t, "score"), MatchedName: texts.Draw(t, "name")},
				Facts: []source.Fact{
					{Name: texts.Draw(t, "fact"), Value: texts.Draw(t, "value")}, {Name: "n", Value: rapid.Int().Draw(t, "number")},
				},
				Properties: map[string]string{texts.Draw(t, "property"): texts.Draw(t, "text")},
			})
		}
		a.Notes = []string{texts.Draw(t, "note")}
		want := report.Compose(id, []source.Answer{a}, now)
		blob, err := report.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := report.Decode(blob)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("report (-encoded +decoded):\n%s", diff)
		}
	})
}

func TestPrintingAReportShowsNothingOfIt(t *testing.T) {
	t.Parallel()

	r := report.Compose(id, []source.Answer{screened()}, now)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, v := range []any{r, r.SourceRecords, screened(), source.Query{Inquiry: inquiry.Inquiry{BusinessName: "KARLOVA"}}} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, "KARLOVA") {
				t.Errorf("%s of a %T shows a name", verb, v)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	r := report.Compose(id, []source.Answer{screened()}, now)
	for b.Loop() {
		if _, err := report.Encode(r); err != nil {
			b.Fatal(err)
		}
	}
}
