package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// defaultTries is the largest number of times that a call is sent, including
	// the first.
	defaultTries = 5

	// firstPause is the mean pause before the second try. With jitter, a pause is at
	// least half of its mean.
	firstPause = time.Second

	// maxRetryAfter is the longest Retry-After that a call waits for. When the API
	// asks for a longer one, the call ends, so that the caller can plan for it.
	maxRetryAfter = 2 * time.Minute
)

// retry calls try until it succeeds, at most tries times; 0 means no limit.
// Without a limit it also waits for any Retry-After, however long.
func retry[T any](ctx context.Context, c *Client, tries uint, try func() (T, error)) (T, error) {
	exponential := backoff.NewExponentialBackOff()
	exponential.InitialInterval = firstPause
	delay := &retryDelay{exponential: exponential}
	if tries != 0 {
		delay.longest = maxRetryAfter
	}
	out, err := backoff.Retry(ctx, func() (T, error) {
		out, err := try()
		delay.lastErr = err
		if err != nil && !temporary(err) {
			return out, backoff.Permanent(err)
		}
		return out, err
	}, backoff.WithBackOff(delay), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0), backoff.WithNotify(c.onRetry))
	if err != nil && ctx.Err() != nil && !errors.Is(delay.lastErr, err) {
		return out, fmt.Errorf("%w; the last try: %w", err, delay.lastErr)
	}
	return out, err
}

// temporary reports whether the same request may succeed later. That is true of
// every connection error.
func temporary(err error) bool {
	if _, ok := errors.AsType[unexpectedResponse](err); ok {
		return false
	}
	p, ok := errors.AsType[*Problem](err)
	return !ok || p.Temporary()
}

// retryDelay computes the pause before the next try: longer each time, with
// jitter, and at least the API's Retry-After.
type retryDelay struct {
	exponential backoff.BackOff
	lastErr     error
	longest     time.Duration // the longest Retry-After to wait for; 0 means any
}

func (d *retryDelay) Reset() { d.exponential.Reset() }

func (d *retryDelay) NextBackOff() time.Duration {
	wait := d.exponential.NextBackOff()
	problem, ok := errors.AsType[*Problem](d.lastErr)
	if !ok {
		return wait
	}
	if d.longest > 0 && problem.RetryAfter > d.longest {
		return backoff.Stop
	}
	return max(wait, problem.RetryAfter)
}
