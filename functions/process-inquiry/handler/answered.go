package handler

import (
	"sync"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// answered collects which sources failed in one invocation. It is safe for concurrent
// use.
type answered struct {
	mu     sync.Mutex
	failed map[string][]bool // by type of source: whether each question failed
}

// add adds the answers to one inquiry. A source that the inquiry does not concern was
// not asked.
func (a *answered) add(answers []source.Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed == nil {
		a.failed = map[string][]bool{}
	}
	for _, answer := range answers {
		if answer.Outcome != inquiry.OutcomeNotApplicable {
			a.failed[answer.Type] = append(a.failed[answer.Type], !answer.Outcome.Answered())
		}
	}
}

// write writes one line for each source that was asked.
func (a *answered) write(w *metrics.Writer) {
	for kind, failed := range a.failed {
		w.WriteSource(kind, failed)
	}
}
