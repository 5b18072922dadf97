package main

import (
	"debug/elf"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/infra/local/enginetest"
	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

var list = os.DirFS("../../shared/source/ofac/list")

func newTestService(t *testing.T) *service {
	t.Helper()
	s, err := newService(t.Context(), enginetest.Table(t), list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	s := newTestService(t)
	full, id, err := s.screen(t.Context(), invent(costBatch), perTally)
	if err != nil {
		t.Fatal(err)
	}
	status, err := s.readStatus(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	s.results.withoutReport = true
	bare, _, err := s.screen(t.Context(), invent(costBatch), perTally)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ used, budget float64 }{
		"write units per inquiry without its report": {bare.each(bare.table().writes), budgetWrites},
		"SQS requests per inquiry":                   {full.each(float64(full.queue.requests())), budgetRequests},
		"billed SQS requests per inquiry":            {full.each(float64(full.queue.chunks + full.queue.receives + full.queue.deletes)), budgetRequests},
		"invocations per inquiry":                    {full.each(float64(full.invocations())), budgetInvocations},
		"table calls of a submission":                {float64(full.functions[deployment.API].table.total().calls), budgetSubmitCalls},
		"table calls of a status":                    {float64(status.calls), 1},
		"read units of a status":                     {status.reads, budgetStatusReads},
	} {
		if c.used == 0 {
			t.Errorf("%s: counted 0, so the meter does not work", name)
		}
		if c.used > c.budget {
			t.Errorf("%s: %.3f, more than the budget of %.2f", name, c.used, c.budget)
		}
	}
}

// The write units of an inquiry depend on how many inquiries of its batch are counted
// together. These two kinds of batches are counted one by one.
func TestWritesWhenCountedOneByOne(t *testing.T) {
	t.Parallel()
	s := newTestService(t)
	s.results.withoutReport = true
	single, _, err := s.screen(t.Context(), invent(1), perTally)
	if err != nil {
		t.Fatal(err)
	}
	if used := single.table().writes; used == 0 || used > budgetSingleWrites {
		t.Errorf("a single inquiry used %v write units, more than the budget of %v", used, budgetSingleWrites)
	}
	interleaved, err := s.interleave(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if one, many := writesOf(1), writesOf(costBatch)/costBatch; !closeTo(one, single.table().writes) || !closeTo(many, interleaved) {
		t.Errorf("the capacity model has %.2f and %.2f write units for an inquiry, want %.2f and %.2f", one, many, single.table().writes, interleaved)
	}
	t.Logf("an inquiry of interleaved batches uses %.2f write units", interleaved)
	if interleaved < 2 || interleaved > budgetInterleavedWrites {
		t.Errorf("an inquiry of interleaved batches used %.2f write units, want 2 to the budget of %v", interleaved, budgetInterleavedWrites)
	}
}

// An inquiry takes one write unit for its claim and one for its result, if the
// sources know nothing about the business. With a few more attributes, a million
// inquiries would cost half as much again.
func TestWritesPerInquiry(t *testing.T) {
	t.Parallel()
	s := newTestService(t)
	inquiries := slices.DeleteFunc(invent(20), func(in inquiry.Inquiry) bool { return slices.Contains(listed, in.BusinessName) })
	b, _, err := s.screen(t.Context(), inquiries, perTally)
	if err != nil {
		t.Fatal(err)
	}
	want := usages{"UpdateItem": {calls: 2 * len(inquiries), writes: float64(2 * len(inquiries))}}
	if diff := cmp.Diff(want, b.functions[deployment.ProcessInquiry].table, cmp.AllowUnexported(usage{})); diff != "" {
		t.Errorf("table usage of process-inquiry (-want +got):\n%s", diff)
	}
}

// A page costs the same at any offset.
func TestReadCosts(t *testing.T) {
	t.Parallel()
	s := newTestService(t)
	_, id, err := s.screen(t.Context(), invent(costBatch), perTally)
	if err != nil {
		t.Fatal(err)
	}
	const limit = 20
	near, err := s.readInquiries(t.Context(), id, 0, limit)
	if err != nil {
		t.Fatal(err)
	}
	far, err := s.readInquiries(t.Context(), id, costBatch-limit, limit)
	if err != nil {
		t.Fatal(err)
	}
	if near.items != limit || far.items != limit {
		t.Errorf("the first page has %d inquiries and the last has %d, want %d each", near.items, far.items, limit)
	}
	// Reports differ in length by a few bytes, which may add half a unit.
	if near.calls != far.calls || math.Abs(near.reads-far.reads) > 0.5 {
		t.Errorf("the last page of inquiries used %+v, want the same as the first: %+v", far.usage, near.usage)
	}
	near, far, err = s.readBatchList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if near.usage != far.usage {
		t.Errorf("the last page of batches used %+v, want the same as the first: %+v", far.usage, near.usage)
	}
}

func TestNaive(t *testing.T) {
	t.Parallel()
	n, err := newNaive(t.Context(), enginetest.Table(t), list)
	if err != nil {
		t.Fatal(err)
	}
	b, id, err := n.screen(t.Context(), invent(20))
	if err != nil {
		t.Fatal(err)
	}
	// The batch takes one unit. An inquiry takes one when it is written, and four for
	// each of its two transactions, or six if its report makes the item larger.
	if got := b.table().writes; got < 1+20*9 || got > 1+20*11 {
		t.Errorf("a batch of 20 used %v write units, want %d to %d", got, 1+20*9, 1+20*11)
	}
	near, err := n.list(t.Context(), id, 0, 5)
	if err != nil {
		t.Fatal(err)
	}
	far, err := n.list(t.Context(), id, 15, 5)
	if err != nil {
		t.Fatal(err)
	}
	if near.reads >= far.reads {
		t.Errorf("offset 15 used %v read units and offset 0 used %v, want more at 15", far.reads, near.reads)
	}
}

// make bench checks the functions built for AWS. On a machine with AWS's
// architecture, this test checks those that make build has built.
func TestZipSize(t *testing.T) {
	t.Parallel()
	const built = "../../dist/functions"
	folders, err := os.ReadDir(built)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the functions have not been built")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		path := filepath.Join(built, folder.Name())
		program, err := elf.Open(filepath.Join(path, "bootstrap"))
		if err != nil || program.Machine != elf.EM_AARCH64 {
			t.Skip("the functions were not built for AWS's architecture")
		}
		size, err := zipSize(path)
		if err != nil {
			t.Fatal(err)
		}
		if size > budgetZip {
			t.Errorf("the zip of %s has %d bytes, more than the budget of %d", folder.Name(), size, budgetZip)
		}
	}
}
