package fairuse

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	two  = Limit{Name: "two", PerSecond: 2, Burst: 4}
)

func TestTake(t *testing.T) {
	t.Parallel()

	t.Run("the state says how much is left and when the bucket is full", func(t *testing.T) {
		t.Parallel()
		b := NewBuckets(two)
		for _, step := range []struct {
			after time.Duration
			want  State
		}{
			{0, State{two, 3, 1, 0}},
			{0, State{two, 2, 1, 0}},
			{0, State{two, 1, 2, 0}},
			{0, State{two, 0, 2, 0}},
			{0, State{two, 0, 2, 1}},
			{400 * time.Millisecond, State{two, 0, 2, 1}}, // a rejected request takes no token
			{500 * time.Millisecond, State{two, 0, 2, 0}},
			{500 * time.Millisecond, State{two, 0, 2, 1}},
			{time.Second, State{two, 0, 2, 0}},
			{time.Minute, State{two, 3, 1, 0}}, // the bucket never exceeds its burst
			{0, State{two, 2, 1, 0}},           // the clock went back
		} {
			if diff := cmp.Diff(step.want, b.Take("a", noon.Add(step.after))); diff != "" {
				t.Errorf("after %v: %s", step.after, diff)
			}
		}
		if other := b.Take("b", noon); other.Left != 3 {
			t.Errorf("another key's bucket has %d left", other.Left)
		}
		if two.Window() != 2 {
			t.Errorf("an empty bucket is full after %d s", two.Window())
		}
	})

	// A caller who sends exactly at the rate is never rejected.
	t.Run("a caller who keeps to the rate is never rejected", func(t *testing.T) {
		t.Parallel()
		for _, limit := range []Limit{Requests, Polls} {
			b := NewBuckets(limit)
			for i := range 10_000 {
				now := noon.Add(time.Duration(i) * time.Second / time.Duration(limit.PerSecond))
				if s := b.Take("a", now); s.Wait != 0 {
					t.Fatalf("%s: request %d is rejected", limit.Name, i)
				}
			}
		}
	})

	t.Run("only full buckets are dropped from memory", func(t *testing.T) {
		t.Parallel()
		b := NewBuckets(two)
		for i := range mostBuckets * 3 {
			b.Take(fmt.Sprint("seen once ", i), noon.Add(time.Duration(i)*time.Millisecond))
		}
		for range 5 {
			b.Take("empty", noon.Add(3*time.Second))
		}
		b.Take("one more", noon.Add(4*time.Second))
		if n := len(b.byKey); n > mostBuckets+1 {
			t.Errorf("%d buckets are kept", n)
		}
		if s := b.Take("empty", noon.Add(3*time.Second)); s.Wait == 0 {
			t.Error("an empty bucket was forgotten")
		}
	})
}
