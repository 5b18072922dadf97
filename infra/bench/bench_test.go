package main

import (
	"debug/elf"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/infra/local/enginetest"
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

func TestABatchStaysInItsBudget(t *testing.T) {
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
	for what, c := range map[string]struct{ used, budget float64 }{
		"write units of an inquiry, its report aside": {bare.each(bare.table().writes), budgetWrites},
		"SQS requests of an inquiry":                  {full.each(float64(full.queue.requests())), budgetRequests},
		"SQS requests as billed":                      {full.each(float64(full.queue.chunks + full.queue.receives + full.queue.deletes)), budgetRequests},
		"invocations of an inquiry":                   {full.each(float64(full.invocations())), budgetInvocations},
		"calls of the table in a submission":          {float64(full.functions["api"].table.total().calls), budgetSubmitCalls},
		"calls of the table for a status":             {float64(status.calls), 1},
		"read units for a status":                     {status.reads, budgetStatusReads},
	} {
		if c.used > c.budget || c.used == 0 {
			t.Errorf("%s: %.3f, the budget is %.2f", what, c.used, c.budget)
		}
	}
}

// The claim of an inquiry is one write unit, and so is its end, with the report
// of a business of which the sources know nothing. A few attributes more, and a
// million inquiries would cost half as much again.
func TestAnInquiryIsWrittenTwiceInOneUnitEach(t *testing.T) {
	t.Parallel()
	s := newTestService(t)
	inquiries := slices.DeleteFunc(invent(20), func(in inquiry.Inquiry) bool { return slices.Contains(listed, in.BusinessName) })
	b, _, err := s.screen(t.Context(), inquiries, perTally)
	if err != nil {
		t.Fatal(err)
	}
	want := usages{"UpdateItem": {calls: 2 * len(inquiries), writes: float64(2 * len(inquiries))}}
	if diff := cmp.Diff(want, b.functions["process-inquiry"].table, cmp.AllowUnexported(usage{})); diff != "" {
		t.Errorf("what process-inquiry used (-want +got):\n%s", diff)
	}
}

func TestPagesCostTheSameAtAnyOffset(t *testing.T) {
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
	// Reports differ in length by a few bytes, so a unit may be begun or not.
	if near.items != limit || far.items != limit || near.calls != far.calls || math.Abs(near.reads-far.reads) > 0.5 {
		t.Errorf("inquiries: %+v near and %+v far", near, far)
	}
	near, far, err = s.readBatchList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if near.usage != far.usage {
		t.Errorf("batches: %+v near and %+v far", near, far)
	}
}

func TestTheNaiveWayDoesTheWork(t *testing.T) {
	t.Parallel()
	n, err := newNaive(t.Context(), enginetest.Table(t), list)
	if err != nil {
		t.Fatal(err)
	}
	b, id, err := n.screen(t.Context(), invent(20))
	if err != nil {
		t.Fatal(err)
	}
	// One for the batch; for an inquiry one when it is written and four for each
	// of its two transactions, or six where its report makes the item larger.
	if got := b.table().writes; got < 1+20*9 || got > 1+20*11 {
		t.Errorf("%v write units", got)
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
		t.Errorf("%v read units near and %v far", near.reads, far.reads)
	}
}

// make bench holds the functions as AWS gets them. Where this machine is of the
// same kind, so are those that make build has built.
func TestFunctionsAreSmall(t *testing.T) {
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
			t.Skip("the functions were built for another machine than AWS has")
		}
		size, err := zipSize(path)
		if err != nil {
			t.Fatal(err)
		}
		if size > budgetZip {
			t.Errorf("%s: %d bytes, the budget is %d", folder.Name(), size, budgetZip)
		}
	}
}

// The costs are of the memory that is deployed.
func TestMemoryIsAsInfraDeclaresIt(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../functions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]float64{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		fields := map[string]string{}
		for _, e := range spec.Elts {
			if pair, ok := e.(*ast.KeyValueExpr); ok {
				if value, ok := pair.Value.(*ast.BasicLit); ok {
					if key, ok := pair.Key.(*ast.Ident); ok {
						fields[key.Name] = value.Value
					}
				}
			}
		}
		name, err := strconv.Unquote(fields["Name"])
		megabytes, err2 := strconv.ParseFloat(fields["MB"], 64)
		if err == nil && err2 == nil {
			declared[name] = megabytes / 1024
		}
		return true
	})
	for name, assumed := range lambdaTimes {
		if declared[name] != assumed.gigabytes {
			t.Errorf("%s has %v GB of memory, and is priced with %v", name, declared[name], assumed.gigabytes)
		}
	}
}
