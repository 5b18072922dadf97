package source_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// fake is a source that answers as its lookup does.
type fake struct {
	kind    string
	timeout time.Duration
	idle    bool
	lookup  func(ctx context.Context) (source.Result, error)
}

func (f fake) Describe() source.Descriptor {
	return source.Descriptor{Type: f.kind, Version: "7", Criticality: source.Important, Timeout: f.timeout, Licence: "CC0"}
}

func (f fake) Applicable(inquiry.Inquiry) (bool, string) { return !f.idle, "nothing to look up" }

func (f fake) Lookup(ctx context.Context, _ source.Query) (source.Result, error) {
	return f.lookup(ctx)
}

func answers(o inquiry.SourceOutcome) func(context.Context) (source.Result, error) {
	return func(context.Context) (source.Result, error) { return source.Result{Outcome: o}, nil }
}

func fails(err error) func(context.Context) (source.Result, error) {
	return func(context.Context) (source.Result, error) { return source.Result{}, err }
}

// after answers when d has passed, or gives up when the context ends.
func after(d time.Duration) func(context.Context) (source.Result, error) {
	return func(ctx context.Context) (source.Result, error) {
		select {
		case <-time.After(d):
			return source.Result{Outcome: inquiry.OutcomeFound}, nil
		case <-ctx.Done():
			return source.Result{}, ctx.Err()
		}
	}
}

func TestRunTurnsEveryEndIntoAnOutcome(t *testing.T) {
	t.Parallel()

	secret := errors.New("GET https://example.com/?name=KARLOVA")
	tests := map[string]struct {
		fake
		outcome inquiry.SourceOutcome
		reason  string
	}{
		"found":          {fake{lookup: answers(inquiry.OutcomeFound)}, inquiry.OutcomeFound, ""},
		"no record":      {fake{lookup: answers(inquiry.OutcomeNoRecord)}, inquiry.OutcomeNoRecord, ""},
		"not applicable": {fake{idle: true}, inquiry.OutcomeNotApplicable, "nothing to look up"},
		"throttled": {
			fake{lookup: fails(&source.Error{Kind: source.Throttled, Detail: "quota spent", Err: secret})},
			inquiry.OutcomeThrottled, "throttled: quota spent",
		},
		"misconfigured": {fake{lookup: fails(&source.Error{Kind: source.Misconfigured})}, inquiry.OutcomeMisconfigured, "misconfigured"},
		"refused": {
			fake{lookup: fails(&source.Error{Kind: source.InvalidRequest})}, inquiry.OutcomeBadResponse, "invalid request",
		},
		"bad response":             {fake{lookup: fails(&source.Error{Kind: source.BadResponse})}, inquiry.OutcomeBadResponse, "bad response"},
		"stale":                    {fake{lookup: fails(&source.Error{Kind: source.Stale})}, inquiry.OutcomeStale, "stale"},
		"an error of another type": {fake{lookup: fails(secret)}, inquiry.OutcomeUnavailable, "unavailable: unexpected error"},
		"a result that is none": {
			fake{lookup: answers(inquiry.OutcomeThrottled)}, inquiry.OutcomeBadResponse, `bad response: returned "THROTTLED" as a result`,
		},
		"its own timeout": {
			fake{timeout: time.Second, lookup: after(time.Minute)}, inquiry.OutcomeUnavailable, "unavailable: did not answer in time",
		},
		"the caller's deadline": {
			fake{timeout: time.Hour, lookup: after(time.Minute)}, inquiry.OutcomeUnavailable, "unavailable: did not answer in time",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				tt.kind = "fake"
				got := source.NewRunner(tt.fake).Run(ctx, inquiry.ID{}, inquiry.Inquiry{})
				want := []source.Answer{{
					Type: "fake", Version: "7", Criticality: source.Important, Licence: "CC0", Outcome: tt.outcome, Reason: tt.reason,
				}}
				if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(source.Answer{}, "RetrievedAt", "Elapsed")); diff != "" {
					t.Errorf("answers (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAPanicSaysWhereAndNotWhat(t *testing.T) {
	t.Parallel()

	var list []string
	for name, lookup := range map[string]func(context.Context) (source.Result, error){
		"thrown":         func(context.Context) (source.Result, error) { panic("KARLOVA") },
		"by the runtime": func(context.Context) (source.Result, error) { return source.Result{Notes: list[1:2]}, nil },
	} {
		got := source.NewRunner(fake{kind: "fake", lookup: lookup}).Run(t.Context(), inquiry.ID{}, inquiry.Inquiry{})[0]
		if got.Outcome != inquiry.OutcomeBadResponse || !strings.HasPrefix(got.Reason, "bad response: panicked at runner_test.go:") {
			t.Errorf("%s: %s, %q", name, got.Outcome, got.Reason)
		}
	}
}

func TestRunAsksAllAtOnceAndAnswersInOrder(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		answers := source.NewRunner(
			fake{kind: "slow", lookup: after(3 * time.Second)},
			fake{kind: "slower", timeout: 4 * time.Second, lookup: after(time.Hour)},
			fake{kind: "quick", lookup: after(time.Second)},
		).Run(t.Context(), inquiry.ID{}, inquiry.Inquiry{})

		if took := time.Since(started); took != 4*time.Second {
			t.Errorf("took %s, want 4s: as long as the slowest", took)
		}
		type line struct {
			Type    string
			Outcome inquiry.SourceOutcome
			Elapsed time.Duration
		}
		var got []line
		for _, a := range answers {
			got = append(got, line{a.Type, a.Outcome, a.Elapsed})
		}
		want := []line{
			{"slow", inquiry.OutcomeFound, 3 * time.Second},
			{"slower", inquiry.OutcomeUnavailable, 4 * time.Second},
			{"quick", inquiry.OutcomeFound, time.Second},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

// A source that ignores its context is answered for in time, and its late result
// is dropped: synctest fails this test if a goroutine stays behind.
func TestRunDoesNotWaitForASourceThatDoesNotListen(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		deaf := fake{kind: "deaf", timeout: time.Second, lookup: func(context.Context) (source.Result, error) {
			time.Sleep(time.Minute) // here and below, of the bubble's clock: nothing waits
			return source.Result{Outcome: inquiry.OutcomeFound}, nil
		}}
		got := source.NewRunner(deaf).Run(t.Context(), inquiry.ID{}, inquiry.Inquiry{})
		if took := time.Since(started); took != time.Second || got[0].Outcome != inquiry.OutcomeUnavailable {
			t.Errorf("%s after %s, want UNAVAILABLE after 1s", got[0].Outcome, took)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
	})
}

func TestRunWithNoSources(t *testing.T) {
	t.Parallel()

	if got := source.NewRunner().Run(t.Context(), inquiry.ID{}, inquiry.Inquiry{}); len(got) != 0 {
		t.Errorf("%d answers", len(got))
	}
}

func TestTwoSourcesOfOneTypeAreAMistake(t *testing.T) {
	t.Parallel()

	defer func() {
		if recover() == nil {
			t.Error("NewRunner took two sources of the same type")
		}
	}()
	source.NewRunner(fake{kind: "ofac"}, fake{kind: "ofac"})
}
