package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/batch-inquiries/batch-inquiries/client"
)

// announceRetry tells the person why a call will be sent again after a pause.
func (a *app) announceRetry(err error, wait time.Duration) {
	p, ok := errors.AsType[*client.Problem](err)
	if !ok || p.Kind() != client.KindTooManyOpen {
		fmt.Fprintf(a.stderr, "%s. Trying again in %s.\n", cause(err), seconds(wait))
		return
	}
	if !a.waited {
		a.waited = true
		fmt.Fprintf(a.stderr, "%s\nThe batch will be submitted when there is room. To stop waiting, press Ctrl-C.\n", p.Detail)
	}
	fmt.Fprintf(a.stderr, "Waiting for room: %s\n", seconds(wait))
}

// cause says why a call got no usable response, without naming the call.
func cause(err error) string {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return fmt.Sprintf("The API is not available (%d %s)", p.Status, p.Title)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Sprintf("The API cannot be reached (%s)", err)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.0f s", math.Ceil(d.Seconds())) }

// submitWhenRoom repeats submit until the lender has room for the batch. Room appears
// when other batches finish, and the person can interrupt the wait.
func (a *app) submitWhenRoom(ctx context.Context, submit func() (*client.Submitted, error)) (*client.Submitted, error) {
	for {
		accepted, err := submit()
		p, ok := errors.AsType[*client.Problem](err)
		if !ok || p.Kind() != client.KindTooManyOpen {
			return accepted, err
		}
		if ctx.Err() == nil {
			wait := max(p.RetryAfter, time.Second)
			a.announceRetry(err, wait)
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		}
		if ctx.Err() != nil {
			return nil, errNoRoom
		}
	}
}

// errNoRoom is returned when a submission was interrupted while it waited for room.
var errNoRoom = errors.New("interrupted while waiting for room: nothing was submitted")

// interruptible returns the result of a call that may block for a long time, for
// example until a person answers. If ctx is done first, it returns an error, and the
// blocked call ends with the process.
func interruptible[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := call()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
