package simulation

import (
	"encoding/gob"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run and print only the history of this seed")
	histories = flag.Int("histories", 10_000, "number of histories that TestSimulation runs")
	share     = flag.String("share", "", "set by TestSimulation itself: the share of the histories to run, as i/n")
	shareFile = flag.String("share-result", "", "set by TestSimulation itself: the file for the result")
)

// shareResult is the result of one process.
type shareResult struct {
	Histories, Steps int
	Simulated        time.Duration
	Broken           []Result
	Ends             map[string]int
}

// TestSimulation runs random histories from seed 1 on all cores. Each core has its
// own process, because the randomness of ids is global to a process. One thread in
// it makes the many switches between goroutines cheap.
func TestSimulation(t *testing.T) {
	switch {
	case *seedFlag != 0:
		show(t, *seedFlag)
		return
	case *share != "":
		runShare(t)
		return
	}
	began := time.Now()
	all := runProcesses(t)
	took := time.Since(began)
	t.Logf("%d histories in %.1f s, %.0f per second: %d steps, %.1f years simulated",
		all.Histories, took.Seconds(), float64(all.Histories)/took.Seconds(), all.Steps, all.Simulated.Hours()/24/365)
	for _, end := range slices.Sorted(maps.Keys(all.Ends)) {
		t.Logf("%7d inquiries ended as %s", all.Ends[end], end)
	}
	for _, r := range all.Broken {
		t.Errorf("seed %d, step %d: %s\n\tgo test ./simulation -run TestSimulation -seed %d -v", r.Seed, r.Steps, r.Broken, r.Seed)
	}
}

// runProcesses runs all histories in one process for each core and returns the sum
// of their results.
func runProcesses(t *testing.T) shareResult {
	t.Helper()
	cores := runtime.NumCPU()
	results := make([]shareResult, cores)
	var wg sync.WaitGroup
	for i := range cores {
		file := filepath.Join(t.TempDir(), "result")
		wg.Go(func() {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSimulation$", "-test.timeout=0",
				fmt.Sprint("-histories=", *histories), fmt.Sprintf("-share=%d/%d", i, cores), "-share-result="+file)
			child.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=400")
			if out, err := child.CombinedOutput(); err != nil {
				t.Errorf("process %d: %v\n%s", i, err, out)
				return
			}
			f, err := os.Open(file)
			if err == nil {
				err = gob.NewDecoder(f).Decode(&results[i])
				f.Close()
			}
			if err != nil {
				t.Errorf("reading the result of process %d: %v", i, err)
			}
		})
	}
	wg.Wait()

	all := shareResult{Ends: map[string]int{}}
	for _, r := range results {
		all.Histories += r.Histories
		all.Steps += r.Steps
		all.Simulated += r.Simulated
		all.Broken = append(all.Broken, r.Broken...)
		for end, n := range r.Ends {
			all.Ends[end] += n
		}
	}
	return all
}

// show prints one history step by step.
func show(t *testing.T, seed uint64) {
	t.Helper()
	trace := &strings.Builder{}
	r := Run(t, seed, nil, trace)
	t.Logf("seed %d: %d steps, %v simulated\n%s", seed, r.Steps, r.Took, trace)
	if r.Broken != "" {
		t.Error(r.Broken)
	}
}

// runShare runs every nth history until five have broken a law.
func runShare(t *testing.T) {
	t.Helper()
	var i, n int
	if _, err := fmt.Sscanf(*share, "%d/%d", &i, &n); err != nil {
		t.Fatal(err)
	}
	sum := shareResult{Ends: map[string]int{}}
	for seed := i + 1; seed <= *histories && len(sum.Broken) < 5; seed += n {
		r := Run(t, uint64(seed), nil, nil)
		sum.Histories++
		sum.Steps += r.Steps
		sum.Simulated += r.Took
		for end, n := range r.Ends {
			sum.Ends[end] += n
		}
		if r.Broken != "" {
			sum.Broken = append(sum.Broken, r)
		}
	}
	f, err := os.Create(*shareFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := gob.NewEncoder(f).Encode(sum); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// The same seed gives the same history, down to the last step.
func TestRun(t *testing.T) {
	t.Run("a seed always gives the same history", func(t *testing.T) {
		for seed := uint64(1); seed <= 40; seed++ {
			first, again := &strings.Builder{}, &strings.Builder{}
			Run(t, seed, nil, first)
			Run(t, seed, nil, again)
			if first.String() == again.String() {
				continue
			}
			a, b := strings.Split(first.String(), "\n"), strings.Split(again.String(), "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Fatalf("seed %d: line %d differs:\n%s\n%s", seed, i, a[i], b[i])
				}
			}
			t.Fatalf("seed %d: the first run has %d lines, the second %d", seed, len(a), len(b))
		}
	})
}
