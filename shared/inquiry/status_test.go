package inquiry

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Stored ledgers contain the codes: this list may grow at its end but never change.
func TestStatusCodes(t *testing.T) {
	t.Parallel()
	want := []Status{"PLANNING", "RUNNING", "COMPLETED", "PARTIAL_SUCCESS", "FAILED", "CANCELLED"}
	if diff := cmp.Diff(want, Statuses()); diff != "" {
		t.Errorf("statuses in the order of their codes (-want +got):\n%s", diff)
	}
	for code, s := range want {
		if got, ok := statuses.code(s); !ok || int(got) != code {
			t.Errorf("%s has code %d, %t; want %d", s, got, ok, code)
		}
	}
}

func TestStatusTable(t *testing.T) {
	t.Parallel()
	t.Run("has a row for every constant", func(t *testing.T) {
		t.Parallel()
		file, err := parser.ParseFile(token.NewFileSet(), "status.go", nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		var declared []string
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if typ, isName := specType(spec, ok); isName && typ == "Status" {
				declared = append(declared, strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
			}
			return true
		})
		var listed []string
		for _, s := range Statuses() {
			listed = append(listed, string(s))
		}
		slices.Sort(declared)
		slices.Sort(listed)
		if diff := cmp.Diff(declared, listed); diff != "" {
			t.Errorf("statuses (-constants +table):\n%s", diff)
		}
	})
	t.Run("has a row for every field of Counts", func(t *testing.T) {
		t.Parallel()
		var c Counts
		for i, row := range statuses {
			if *row.count(&c) != 0 {
				t.Errorf("the counter of %s belongs to another status too", row.status)
			}
			*row.count(&c) = i + 1
		}
		for i, v := 0, reflect.ValueOf(c); i < v.NumField(); i++ {
			if v.Field(i).Int() == 0 {
				t.Errorf("Counts.%s belongs to no status", v.Type().Field(i).Name)
			}
		}
		for i, s := range Statuses() {
			if c.Of(s) != i+1 {
				t.Errorf("Of(%s) = %d, want %d", s, c.Of(s), i+1)
			}
		}
	})
	t.Run("has different counters", func(t *testing.T) {
		t.Parallel()
		seen := map[string]Status{}
		for _, s := range Statuses() {
			if other, taken := seen[s.Counter()]; taken || s.Counter() == "" {
				t.Errorf("the counter %q of %s is empty or also that of %q", s.Counter(), s, other)
			}
			seen[s.Counter()] = s
		}
	})
	t.Run("fits into 4 bits", func(t *testing.T) {
		t.Parallel()
		if len(statuses) > maxStatuses {
			t.Errorf("there are %d statuses, the ledger has room for %d", len(statuses), maxStatuses)
		}
	})
	t.Run("does not know other words", func(t *testing.T) {
		t.Parallel()
		const other Status = "INVENTED_LATER"
		if other.Known() || other.Final() || other.Counter() != "" || (Counts{Planning: 1}).Of(other) != 0 {
			t.Errorf("%s is treated as a status", other)
		}
	})
}

// specType returns the name of a declaration's type, if it has one.
func specType(spec *ast.ValueSpec, ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	name, ok := spec.Type.(*ast.Ident)
	if !ok {
		return "", false
	}
	return name.Name, true
}

// A status that is not final can be added as a row, like any other.
func TestStatusTableWithPaused(t *testing.T) {
	t.Parallel()
	const paused Status = "PAUSED"
	var pausedCount int
	extended := append(slices.Clone(statuses), statuses[0])
	extended[len(statuses)].status = paused
	extended[len(statuses)].rank = rankRunning + 1
	extended[len(statuses)].counter = "paused"
	extended[len(statuses)].count = func(*Counts) *int { return &pausedCount }

	tally := NewTally(2)
	for _, step := range []struct {
		name    string
		change  Change
		changed bool
		want    Counts
		paused  int
		status  BatchStatus
	}{
		{"a running inquiry", Change{Index: 0, Status: StatusRunning}, true, Counts{Planning: 1, Running: 1}, 0, BatchRunning},
		{"is paused", Change{Index: 0, Status: paused}, true, Counts{Planning: 1}, 1, BatchRunning},
		{"a late record does not resume it", Change{Index: 0, Status: StatusRunning}, false, Counts{Planning: 1}, 1, BatchRunning},
		{"the other one completes, and the batch goes on", Change{Index: 1, Status: StatusCompleted}, true, Counts{Completed: 1}, 1, BatchRunning},
		{"a final inquiry is not paused", Change{Index: 1, Status: paused}, false, Counts{Completed: 1}, 1, BatchRunning},
		{"the paused one completes", Change{Index: 0, Status: StatusCompleted}, true, Counts{Completed: 2}, 0, BatchCompleted},
	} {
		merged, changed := extended.merge(tally, []Change{step.change})
		if changed != step.changed {
			t.Errorf("%s: changed %t, want %t", step.name, changed, step.changed)
		}
		if got := extended.counts(merged); got != step.want || pausedCount != step.paused {
			t.Errorf("%s: counts %+v and %d paused, want %+v and %d", step.name, got, pausedCount, step.want, step.paused)
		}
		if got := extended.batchStatus(merged); got != step.status {
			t.Errorf("%s: the batch is %s, want %s", step.name, got, step.status)
		}
		tally = merged
	}

	// A version that does not know the status counts it as RUNNING, and overwrites it with
	// nothing but a final status.
	tally, _ = extended.merge(NewTally(2), []Change{{Index: 0, Status: paused}})
	if got := tally.Counts(); got != (Counts{Planning: 1, Running: 1}) || tally.StatusOf(0) != StatusRunning || tally.Final(0) || tally.Status() != BatchRunning {
		t.Errorf("an older version: counts %+v, status %q, batch %s", got, tally.StatusOf(0), tally.Status())
	}
	if _, changed := tally.Merge(Change{Index: 0, Status: StatusRunning}); changed {
		t.Error("an older version overwrote a status that it does not know with RUNNING")
	}
	ended, changed := tally.Merge(Change{Index: 0, Status: StatusFailed}, Change{Index: 1, Status: StatusFailed})
	if !changed || ended.Status() != BatchFailed {
		t.Errorf("an older version cannot end the batch: %s, %+v", ended.Status(), ended.Counts())
	}
}
