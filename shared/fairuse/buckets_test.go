package fairuse

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
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

	// The documented limit is a bucket of tokens. A lender who counts along and never
	// sends what the bucket does not hold is never rejected, whatever the requests cost.
	t.Run("a lender who counts along is never rejected", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			b, now, held := NewBuckets(Requests), noon, float64(Requests.Burst)
			for i := range rapid.IntRange(1, 200).Draw(t, "requests") {
				pause := time.Duration(rapid.IntRange(0, 3000).Draw(t, "milliseconds")) * time.Millisecond
				now = now.Add(pause)
				held = min(held+pause.Seconds()*float64(Requests.PerSecond), float64(Requests.Burst))
				tokens := Tokens(rapid.IntRange(0, 70_000).Draw(t, "rows"))
				if held < float64(tokens)+1e-6 {
					continue
				}
				held -= float64(tokens)
				s := b.Take("a", now)
				if tokens > 1 {
					s = b.TakeMore("a", now, tokens-1)
				}
				if s.Wait != 0 || s.Left > int(held+1e-6) || s.Left < int(held-1e-6) {
					t.Fatalf("request %d of %d tokens: %+v, and the lender counts %.3f", i, tokens, s, held)
				}
			}
		})
	})

	t.Run("a rejected page is accepted after its wait", func(t *testing.T) {
		t.Parallel()
		for tokens := 2; tokens <= MaxTokens; tokens++ {
			b := NewBuckets(Requests)
			for range Requests.Burst {
				b.Take("a", noon)
			}
			now := noon.Add(time.Second / time.Duration(Requests.PerSecond))
			if s := b.Take("a", now); s.Wait != 0 {
				t.Fatal("there is no first token, so this test proves nothing")
			}
			s := b.TakeMore("a", now, tokens-1)
			if s.Wait == 0 {
				t.Fatalf("%d tokens were there", tokens)
			}
			now = now.Add(time.Duration(s.Wait) * time.Second)
			if first, rest := b.Take("a", now), b.TakeMore("a", now, tokens-1); first.Wait != 0 || rest.Wait != 0 {
				t.Errorf("%d tokens are not there after %d seconds", tokens, s.Wait)
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

func TestTokens(t *testing.T) {
	t.Parallel()
	for rows, want := range map[int]int{0: 1, 1: 1, 50: 1, 51: 2, 100: 2, 250: 5, 500: 10, 2500: 50, 65_535: MaxTokens} {
		if got := Tokens(rows); got != want {
			t.Errorf("Tokens(%d) = %d, want %d", rows, got, want)
		}
	}
}
