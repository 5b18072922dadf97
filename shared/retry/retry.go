// Package retry waits between the attempts of a loop that tries again.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstPause   = 20 * time.Millisecond
	longestPause = 500 * time.Millisecond
)

// Pause waits after the given attempt, which counts from 0: a random time of up
// to 20 ms, then up to 40 ms, 80 ms and so on, and never more than half a second.
// The time is random so that callers that collided once do not collide again.
// Pause returns early, with the context's error, when ctx ends.
func Pause(ctx context.Context, attempt int) error {
	longest := min(firstPause<<min(attempt, 5), longestPause)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(longest)):
		return nil
	}
}
