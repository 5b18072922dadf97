package source

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Answer is how one source answered one inquiry, or why it did not.
type Answer struct {
	Type        string
	Version     string
	Criticality Criticality
	Licence     string

	Outcome     inquiry.SourceOutcome
	Reason      string // why there is no answer, in fixed words; empty if there is one
	Records     []Record
	AsOf        time.Time // the date of the list or data set; zero if not known
	RetrievedAt time.Time // when the answer came, or was given up
	Elapsed     time.Duration
	Evidence    []Evidence
	Notes       []string
}

// Runner asks a fixed set of sources. It is safe for concurrent use.
type Runner struct {
	sources []Source
}

// NewRunner returns a runner that asks these sources. Two of the same type are a
// mistake in the wiring, and it panics.
func NewRunner(sources ...Source) *Runner {
	r := &Runner{sources: slices.Clone(sources)}
	seen := map[string]bool{}
	for _, s := range r.sources {
		kind := s.Describe().Type
		if seen[kind] {
			panic("source: two sources of type " + kind)
		}
		seen[kind] = true
	}
	return r
}

// Run asks every applicable source at once and returns when all have answered or
// ctx has ended, whichever is first. There is one answer for each source, in the
// order given to NewRunner. It never fails: whatever goes wrong with a source is
// that source's outcome.
func (r *Runner) Run(ctx context.Context, id inquiry.ID, in inquiry.Inquiry) []Answer {
	answers := make([]Answer, len(r.sources))
	pending := make([]<-chan Answer, len(r.sources))
	for i, s := range r.sources {
		pending[i] = ask(ctx, s, Query{ID: id, Inquiry: in})
	}
	for i := range pending {
		answers[i] = <-pending[i]
	}
	return answers
}

// ask starts the lookup and answers within the source's timeout even if the
// source does not: a late result goes nowhere, and is never read.
func ask(ctx context.Context, s Source, q Query) <-chan Answer {
	d := s.Describe()
	started := time.Now()
	answer := func(a Answer) Answer {
		a.Type, a.Version, a.Criticality, a.Licence = d.Type, d.Version, d.Criticality, d.Licence
		a.RetrievedAt = time.Now().UTC().Truncate(time.Millisecond)
		a.Elapsed = time.Since(started)
		return a
	}

	cancel := context.CancelFunc(func() {})
	if d.Timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, d.Timeout)
	}
	looked := make(chan Answer, 1) // room for one, so that a late result leaves no goroutine behind
	go func() { looked <- look(ctx, s, q) }()

	out := make(chan Answer, 1)
	go func() {
		defer cancel()
		select {
		case a := <-looked:
			out <- answer(a)
		case <-ctx.Done():
			out <- answer(failed(&Error{Kind: Unavailable, Detail: ended(ctx), Err: ctx.Err()}))
		}
	}()
	return out
}

// look is one lookup, with every way it can end turned into an answer.
func look(ctx context.Context, s Source, q Query) (a Answer) {
	defer func() {
		if recover() != nil {
			// What was thrown may quote the inquiry; where it was thrown cannot.
			a = failed(&Error{Kind: BadResponse, Detail: "panicked at " + panicSite()})
		}
	}()

	if ok, reason := s.Applicable(q.Inquiry); !ok {
		return Answer{Outcome: inquiry.OutcomeNotApplicable, Reason: reason}
	}
	res, err := s.Lookup(ctx, q)
	if err != nil {
		return failed(asError(ctx, err))
	}
	if !res.Outcome.Answered() {
		return failed(&Error{Kind: BadResponse, Detail: fmt.Sprintf("returned %q as a result", res.Outcome)})
	}
	return Answer{
		Outcome: res.Outcome, Records: res.Records, AsOf: res.AsOf, Evidence: res.Evidence, Notes: res.Notes,
	}
}

// asError reads what Lookup returned. A source should return nothing but *Error;
// of anything else no text is kept, because it may hold the query.
func asError(ctx context.Context, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if ctx.Err() != nil {
		return &Error{Kind: Unavailable, Detail: ended(ctx), Err: err}
	}
	return &Error{Kind: Unavailable, Detail: "unexpected error", Err: err}
}

func failed(e *Error) Answer {
	reason := string(e.Kind)
	if e.Detail != "" {
		reason += ": " + e.Detail
	}
	return Answer{Outcome: e.Kind.Outcome(), Reason: reason}
}

// ended says in fixed words why ctx is over.
func ended(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "did not answer in time"
	}
	return "canceled"
}

// panicSite is the file and line of the function that panicked. It works only
// inside a deferred function that is recovering.
func panicSite() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicking := false
	for {
		f, more := frames.Next()
		if inRuntime := strings.HasPrefix(f.Function, "runtime."); panicking && !inRuntime {
			return fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)
		} else if inRuntime {
			panicking = true
		}
		if !more {
			return "an unknown place"
		}
	}
}
