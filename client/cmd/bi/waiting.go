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

// again says why a call is about to be made once more.
func (a *app) again(err error, wait time.Duration) {
	p, ok := errors.AsType[*client.Problem](err)
	if !ok || p.Kind() != client.KindTooManyOpen {
		fmt.Fprintf(a.stderr, "%s. Trying again in %s.\n", cause(err), seconds(wait))
		return
	}
	if !a.noRoom {
		a.noRoom = true
		fmt.Fprintf(a.stderr, "%s\nNothing is submitted until there is room. Ctrl-C ends the waiting.\n", p.Detail)
	}
	fmt.Fprintf(a.stderr, "Waiting for room: %s\n", seconds(wait))
}

// cause is what kept a call from its answer, without the call.
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

// untilThereIsRoom submits a batch, and again when the lender may have room for
// it, for as long as there is none: other batches end, and a person can stop us.
func (a *app) untilThereIsRoom(ctx context.Context, submit func() (*client.Submitted, error)) (*client.Submitted, error) {
	for {
		accepted, err := submit()
		p, ok := errors.AsType[*client.Problem](err)
		if !ok || p.Kind() != client.KindTooManyOpen {
			return accepted, err
		}
		if ctx.Err() == nil {
			wait := max(p.RetryAfter, time.Second)
			a.again(err, wait)
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

// errNoRoom ends a submission that was stopped while it waited for room.
var errNoRoom = errors.New("interrupted while there was no room: nothing was submitted")

// until calls what may block for long, such as on a person's answer, for as long
// as ctx lasts. What is left then ends with the process.
func until[T any](ctx context.Context, call func() (T, error)) (T, error) {
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
