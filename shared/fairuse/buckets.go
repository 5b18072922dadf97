package fairuse

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// mostBuckets is how many buckets are kept before the full ones are dropped. A full
// bucket is the same as a new one.
const mostBuckets = 1024

// Buckets are the buckets of one limit, one for each key. They are safe for concurrent
// use.
type Buckets struct {
	limit Limit

	mu    sync.Mutex
	byKey map[string]*rate.Limiter
}

// NewBuckets returns the Buckets of a limit. All are full.
func NewBuckets(limit Limit) *Buckets {
	return &Buckets{limit: limit, byKey: map[string]*rate.Limiter{}}
}

// State is the state of a bucket after a request.
type State struct {
	Limit

	Left int // requests of one token that may follow at once
	Full int // seconds until the bucket is full again

	// Wait is 0 if there were enough tokens for the request. Otherwise it is the seconds
	// until there are.
	Wait int
}

// String returns the state in the form of the RateLimit header.
func (s State) String() string { return fmt.Sprintf(`"%s";r=%d;t=%d`, s.Name, s.Left, s.Full) }

// Take takes a token from the key's bucket at the given time.
func (b *Buckets) Take(key string, now time.Time) State { return b.take(key, now, 1, 1) }

// TakeMore takes further tokens for a request that has taken one. If there are too few,
// State.Wait is the time until there are enough to send the request again.
func (b *Buckets) TakeMore(key string, now time.Time, tokens int) State {
	return b.take(key, now, tokens, tokens+1)
}

func (b *Buckets) take(key string, now time.Time, tokens, again int) State {
	bucket := b.of(key, now)
	state := State{Limit: b.limit}
	if !bucket.AllowN(now, tokens) {
		state.Wait = b.limit.refill(again)
	}
	state.Left = max(int(bucket.TokensAt(now)), 0)
	state.Full = b.limit.refill(b.limit.Burst - state.Left)
	return state
}

func (b *Buckets) of(key string, now time.Time) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	bucket := b.byKey[key]
	if bucket != nil {
		return bucket
	}
	if len(b.byKey) >= mostBuckets {
		maps.DeleteFunc(b.byKey, func(_ string, other *rate.Limiter) bool {
			return other.TokensAt(now) >= float64(b.limit.Burst)
		})
	}
	bucket = rate.NewLimiter(rate.Limit(b.limit.PerSecond), b.limit.Burst)
	b.byKey[key] = bucket
	return bucket
}
