package handler

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

func TestMetrics(t *testing.T) {
	t.Parallel()

	t.Run("an invocation writes one line for each source that it asked", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		f.answer = func(index int) []source.Answer {
			switch index {
			case 0:
				return answers(inquiry.OutcomeUnavailable, inquiry.OutcomeNotApplicable)
			case 1:
				return answers(inquiry.OutcomeFound, inquiry.OutcomeBadResponse)
			default:
				return answers(inquiry.OutcomeNoRecord, inquiry.OutcomeFound)
			}
		}
		deliver(t, f.Handler, messages(t, 4)...)
		got := map[string][]int{}
		for line := range strings.Lines(f.lines.String()) {
			var l struct {
				Source         string
				SourceFailures []int
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil || got[l.Source] != nil {
				t.Fatalf("%s: %v", line, err)
			}
			slices.Sort(l.SourceFailures)
			got[l.Source] = l.SourceFailures
		}
		want := map[string][]int{"ofac": {0, 0, 0, 1}, "registry": {0, 0, 1}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("failures by source (-want +got):\n%s", diff)
		}
		for _, word := range append(private, "acme", batch.String()) {
			if strings.Contains(f.lines.String(), word) {
				t.Errorf("the metrics contain %q", word)
			}
		}
	})

	t.Run("an invocation that asks nobody writes nothing", func(t *testing.T) {
		t.Parallel()
		f := newFixture()
		f.table.claims[0] = fault{before: inquiry.ErrFinished}
		deliver(t, f.Handler, message(t, 0, 1))
		if f.lines.Len() != 0 {
			t.Errorf("wrote %s", f.lines)
		}
	})
}
