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

// fake is a source that answers with its lookup function.
type fake struct {
	kind    string
	timeout time.Duration
	memory  bool // computes its answer
	nothing bool // has nothing to look up
	lookup  func(ctx context.Context) (source.Result, error)
}

func (f fake) Describe() source.Descriptor {
	return source.Descriptor{Type: f.kind, Version: "7", Criticality: source.Important, Timeout: f.timeout, InMemory: f.memory, Licence: "CC0"}
}

func (f fake) Applicable(inquiry.Inquiry) (bool, string) { return !f.nothing, "nothing to look up" }

func (f fake) Lookup(ctx context.Context, _ source.Query) (source.Result, error) {
	return f.lookup(ctx)
}

func answers(o inquiry.SourceOutcome) func(context.Context) (source.Result, error) {
	return func(context.Context) (source.Result, error) { return source.Result{Outcome: o}, nil }
}

func fails(err error) func(context.Context) (source.Result, error) {
	return func(context.Context) (source.Result, error) { return source.Result{}, err }
}

// after answers after d, or gives up when the context ends.
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

func TestRunOutcome(t *testing.T) {
	t.Parallel()

	secret := errors.New("GET https://example.com/?name=KARLOVA")
	tests := map[string]struct {
		fake
		outcome inquiry.SourceOutcome
		reason  string // begins with the kind
	}{
		"found":          {fake{lookup: answers(inquiry.OutcomeFound)}, inquiry.OutcomeFound, ""},
		"no record":      {fake{lookup: answers(inquiry.OutcomeNoRecord)}, inquiry.OutcomeNoRecord, ""},
		"not applicable": {fake{nothing: true}, inquiry.OutcomeNotApplicable, "nothing to look up"},
		"throttled": {
			fake{lookup: fails(&source.Error{Kind: source.Throttled, Detail: "quota spent", Err: secret})},
			inquiry.OutcomeThrottled, "throttled: quota spent",
		},
		"misconfigured": {fake{lookup: fails(&source.Error{Kind: source.Misconfigured})}, inquiry.OutcomeMisconfigured, "misconfigured"},
		"request rejected": {
			fake{lookup: fails(&source.Error{Kind: source.InvalidRequest})}, inquiry.OutcomeBadResponse, "invalid request",
		},
		"bad response":             {fake{lookup: fails(&source.Error{Kind: source.BadResponse})}, inquiry.OutcomeBadResponse, "bad response"},
		"stale":                    {fake{lookup: fails(&source.Error{Kind: source.Stale})}, inquiry.OutcomeStale, "stale"},
		"an error of another type": {fake{lookup: fails(secret)}, inquiry.OutcomeUnavailable, "unavailable: unexpected error"},
		"a result with the outcome of an error": {
			fake{lookup: answers(inquiry.OutcomeThrottled)}, inquiry.OutcomeBadResponse, `bad response: returned "THROTTLED" as a result`,
		},
		"its own timeout": {
			fake{timeout: time.Second, lookup: after(time.Minute)}, inquiry.OutcomeUnavailable, "unavailable: did not answer in time",
		},
		"its own timeout while it computes": {
			fake{timeout: time.Second, memory: true, lookup: after(time.Minute)}, inquiry.OutcomeUnavailable, "too slow: did not answer in time",
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
				kind, _, _ := strings.Cut(tt.reason, ":")
				if tt.outcome.Answered() || tt.outcome == inquiry.OutcomeNotApplicable {
					kind = ""
				}
				got := source.NewRunner(tt.fake).Run(ctx, inquiry.ID{}, inquiry.Inquiry{})
				want := []source.Answer{{
					Type: "fake", Version: "7", Criticality: source.Important, Licence: "CC0", Outcome: tt.outcome, Kind: source.ErrorKind(kind), Reason: tt.reason,
				}}
				if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(source.Answer{}, "RetrievedAt", "Elapsed")); diff != "" {
					t.Errorf("answers (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestRun(t *testing.T) {
	t.Parallel()

	t.Run("a panic reports its location but not its value", func(t *testing.T) {
		t.Parallel()

		var list []string
		for name, lookup := range map[string]func(context.Context) (source.Result, error){
			"by the source":  func(context.Context) (source.Result, error) { panic("KARLOVA") },
			"by the runtime": func(context.Context) (source.Result, error) { return source.Result{Notes: list[1:2]}, nil },
		} {
			got := source.NewRunner(fake{kind: "fake", lookup: lookup}).Run(t.Context(), inquiry.ID{}, inquiry.Inquiry{})[0]
			if got.Outcome != inquiry.OutcomeBadResponse {
				t.Errorf("%s: outcome %s, want BAD_RESPONSE", name, got.Outcome)
			}
			if want := "bad response: panicked at runner_test.go:"; !strings.HasPrefix(got.Reason, want) {
				t.Errorf("%s: reason %q, want %s and a line", name, got.Reason, want)
			}
		}
	})

	t.Run("sources run at once and answers are in order", func(t *testing.T) {
		t.Parallel()

		synctest.Test(t, func(t *testing.T) {
			started := time.Now()
			answers := source.NewRunner(
				fake{kind: "slow", lookup: after(3 * time.Second)},
				fake{kind: "slower", timeout: 4 * time.Second, lookup: after(time.Hour)},
				fake{kind: "quick", lookup: after(time.Second)},
			).Run(t.Context(), inquiry.ID{}, inquiry.Inquiry{})

			if took := time.Since(started); took != 4*time.Second {
				t.Errorf("took %s, want 4s, the time of the slowest", took)
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
	})

	// The late result is dropped. synctest fails this test if a goroutine is left
	// over.
	t.Run("does not wait for a source that ignores its context", func(t *testing.T) {
		t.Parallel()

		synctest.Test(t, func(t *testing.T) {
			started := time.Now()
			stubborn := fake{kind: "stubborn", timeout: time.Second, lookup: func(context.Context) (source.Result, error) {
				time.Sleep(time.Minute) // on synctest's clock, so nothing really waits
				return source.Result{Outcome: inquiry.OutcomeFound}, nil
			}}
			got := source.NewRunner(stubborn).Run(t.Context(), inquiry.ID{}, inquiry.Inquiry{})
			if took := time.Since(started); took != time.Second {
				t.Errorf("took %s, want 1s", took)
			}
			if got[0].Outcome != inquiry.OutcomeUnavailable {
				t.Errorf("outcome %s, want UNAVAILABLE", got[0].Outcome)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
		})
	})

	t.Run("no sources give no answers", func(t *testing.T) {
		t.Parallel()

		if got := source.NewRunner().Run(t.Context(), inquiry.ID{}, inquiry.Inquiry{}); len(got) != 0 {
			t.Errorf("Run returned %d answers, want 0", len(got))
		}
	})
}

func TestNewRunner(t *testing.T) {
	t.Parallel()

	t.Run("panics if two sources have the same type", func(t *testing.T) {
		t.Parallel()

		defer func() {
			if recover() == nil {
				t.Error("NewRunner accepted two sources of the same type")
			}
		}()
		source.NewRunner(fake{kind: "ofac"}, fake{kind: "ofac"})
	})
}
