package client

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// longPoll is how long the API may hold a question back until something has
// changed; it allows no longer.
const longPoll = 20 * time.Second

// The pauses between two looks at a batch, where the API does not suggest one:
// short after a change, longer the longer nothing happens.
const (
	shortestPause = time.Second
	longestPause  = 30 * time.Second
)

// shortestPoll is the shortest pause that a caller may ask for. The API refuses
// those who poll one batch more than twice a second.
const shortestPoll = time.Second / 2

// errStopped cannot happen while the API keeps its word on isTerminal.
var errStopped = errors.New("the batch was no longer watched before it was final")

// Wait returns a batch once it is final, whatever its outcome. As soon as the API
// has answered this client once, Wait goes on through lost connections and times
// when the API is busy until ctx ends; before that, an address where nobody
// answers is an error, after as many tries as any other call makes. The batch
// does not need us: after an error, Wait may be called again with its id, by
// another process too.
func (c *Client) Wait(ctx context.Context, batchID string) (*Batch, error) {
	for batch, err := range c.Watch(ctx, batchID) {
		if err != nil || batch.IsTerminal {
			return batch, err
		}
	}
	return nil, errStopped
}

// Watch iterates over what becomes of a batch: how it is now, then each change
// until it is final. It is as patient as [Client.Wait]. An error is the last
// pair.
func (c *Client) Watch(ctx context.Context, batchID string) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		path, err := batchPath(batchID, "")
		if err != nil {
			yield(nil, err)
			return
		}
		r := get(path, url.Values{})
		r.header, r.within = map[string]string{}, pollTimeout
		var seen []byte
		pause := shortestPause
		for {
			a, err := c.look(ctx, r)
			if err != nil {
				yield(nil, err)
				return
			}
			pause = min(pause*3/2, longestPause)
			if seen == nil || a.status != http.StatusNotModified && !bytes.Equal(a.body, seen) {
				batch, err := read(c, r, a, isBatch(batchID))
				if err != nil {
					yield(nil, err)
					return
				}
				if !yield(batch, nil) || batch.IsTerminal {
					return
				}
				seen, pause = a.body, shortestPause
				if etag := a.header.Get("ETag"); etag != "" {
					r.header["If-None-Match"] = etag
					if c.longPoll {
						r.query.Set("waitSeconds", strconv.Itoa(int(longPoll.Seconds())))
						r.within = longPoll + pollTimeout
					}
				}
			}
			if err := sleep(ctx, c.pauseAfter(a, pause)); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// look asks for a batch's status. An API that is known to be there is waited for,
// however long that takes.
func (c *Client) look(ctx context.Context, r request) (*answer, error) {
	tries := c.tries
	if c.reached.Load() {
		tries = 0
	}
	return c.send(ctx, r, tries)
}

// pauseAfter is how long to wait after an answer: as the caller wants, else as
// the API says, else as we would.
func (c *Client) pauseAfter(a *answer, ours time.Duration) time.Duration {
	if c.poll > 0 {
		return c.poll
	}
	if c.longPoll && a.header.Get("ETag") != "" {
		return shortestPause // the API does the waiting
	}
	if asked := retryAfter(a.header); asked > 0 {
		return asked
	}
	return ours
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
