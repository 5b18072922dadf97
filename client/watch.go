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

const (
	// pollTimeout limits one poll, in addition to the time that the API was asked to
	// hold the request open.
	pollTimeout = 10 * time.Second

	// longPoll is the time for which the API holds a request open until something
	// changes. It is the longest that the API allows.
	longPoll = 20 * time.Second

	// shortestPoll is the shortest pause that a caller can ask for. The API rejects
	// more than two polls of a batch per second.
	shortestPoll = time.Second / 2

	// If the API does not suggest a pause between two polls, the pause grows from
	// minPause after a change up to maxPause.
	minPause = time.Second
	maxPause = 30 * time.Second
)

// errStopped would mean that Watch ended without an error or a final batch.
var errStopped = errors.New("stopped watching the batch before it was final")

// Wait returns a batch once it is final, whatever its outcome. Once the API has
// answered this client, Wait retries through any outage until ctx ends. Before
// that, it gives up after as many tries as any other call. The batch does not depend
// on this process: after an error, any process can call Wait with the same id.
func (c *Client) Wait(ctx context.Context, batchID string) (*Batch, error) {
	for batch, err := range c.Watch(ctx, batchID) {
		if err != nil || batch.IsTerminal {
			return batch, err
		}
	}
	return nil, errStopped
}

// Watch iterates over the states of a batch: the current one, then each change
// until the batch is final. It retries like [Client.Wait]. If there is an error, it
// is in the last pair.
func (c *Client) Watch(ctx context.Context, batchID string) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		path, err := batchPath(batchID, "")
		if err != nil {
			yield(nil, err)
			return
		}
		w := &watcher{Client: c, batchID: batchID, request: get(path, url.Values{})}
		w.request.header, w.request.timeout = map[string]string{}, pollTimeout
		for {
			batch, err := w.next(ctx)
			if !yield(batch, err) || err != nil || batch.IsTerminal {
				return
			}
		}
	}
}

// watcher polls one batch.
type watcher struct {
	*Client
	batchID string
	request request
	last    *response     // nil before the first poll
	seen    []byte        // the body that next returned most recently
	pause   time.Duration // before the next poll, if neither caller nor API choose
	held    bool          // whether the API held the last poll open, or has news
}

// next polls until the batch differs from the one that it returned before.
func (w *watcher) next(ctx context.Context) (*Batch, error) {
	for {
		if w.last != nil {
			if err := sleep(ctx, w.nextPause()); err != nil {
				return nil, err
			}
		}
		sent := time.Now()
		resp, err := w.poll(ctx)
		if err != nil {
			return nil, err
		}
		w.last, w.held = resp, resp.status != http.StatusNotModified || time.Since(sent) >= longPoll/2
		if w.seen != nil && (resp.status == http.StatusNotModified || bytes.Equal(resp.body, w.seen)) {
			w.pause = min(w.pause*3/2, maxPause)
			continue
		}
		batch, err := decode(w.Client, w.request, resp, isBatch(w.batchID))
		if err != nil {
			return nil, err
		}
		w.changed(resp)
		return batch, nil
	}
}

// changed makes the next poll ask for a state that differs from this one.
func (w *watcher) changed(resp *response) {
	w.seen, w.pause = resp.body, minPause
	etag := resp.header.Get("ETag")
	if etag == "" {
		return
	}
	w.request.header["If-None-Match"] = etag
	if w.longPoll {
		w.request.query.Set("waitSeconds", strconv.Itoa(int(longPoll.Seconds())))
		w.request.timeout = longPoll + pollTimeout
	}
}

// poll requests the batch's status. It retries without limit once the API has
// answered this client.
func (w *watcher) poll(ctx context.Context) (*response, error) {
	tries := w.tries
	if w.reached.Load() {
		tries = 0
	}
	return w.send(ctx, w.request, tries)
}

// nextPause returns the pause before the next poll: the one that the caller chose, or
// else the one that the API suggests, or else our own.
func (w *watcher) nextPause() time.Duration {
	if w.pollEvery > 0 {
		return w.pollEvery
	}
	if w.longPoll && w.held && w.last.header.Get("ETag") != "" {
		return minPause // the API waits, so the client need not
	}
	if suggested := retryAfter(w.last.header); suggested > 0 {
		return suggested
	}
	return w.pause
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
