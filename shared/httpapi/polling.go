package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

type pollInput struct {
	BatchPath
	WaitSeconds int    `query:"waitSeconds" minimum:"0" maximum:"20" default:"0" doc:"Wait until the batch changes before responding, for at most this many seconds. A change means that the batch differs from the ETag in If-None-Match or, without one, from its state when the request arrived. The response is immediate if the batch is terminal, or if 10 requests of your lender are already waiting: then poll again as Retry-After says." example:"20"`
	IfNoneMatch string `header:"If-None-Match" doc:"ETags that you already have. If one of them is still current, the response is a 304 without a body." example:"\"6a7d0c5b3e9f4a21\""`
}

type pollOutput struct {
	Status       int
	ETag         string `header:"ETag" doc:"Identifies this state of the batch. It is strong, and the same for every credential of your lender." example:"\"6a7d0c5b3e9f4a21\""`
	RetryAfter   string `header:"Retry-After" doc:"Seconds to wait before the next poll: 2 in the first half minute, then 5, 15 after two minutes and 30 after ten, but never beyond the estimated end of the batch. Absent when the batch is terminal." example:"5"`
	CacheControl string `header:"Cache-Control" doc:"private, no-cache: you may store the response, but revalidate it before each use." example:"private, no-cache"`
	Body         BatchBody
}

// pollEvery is the pause between two reads of a batch that a request waits for. The
// longest wait costs 21 reads of one unit each, two writes and a function that idles for
// 20 seconds. For many watchers, polling as Retry-After says is cheaper.
const pollEvery = time.Second

func (a *API) pollRoute(api huma.API) {
	route(a, api, huma.Operation{
		OperationID: "get-batch", Method: http.MethodGet, Path: "/v1/batch-inquiries/{batch_id}", Tags: []string{tagBatches},
		Summary: "Get a batch's status",
		Description: "Returns the progress of the batch. The six counters always sum to `total`. Once `isTerminal` is true, the status and counters never change again; later, a rerun can still add to `childBatchIds`, and a deletion sets `deletedAt` and removes the name and metadata.\n\n" +
			"Poll every 30 seconds, or as often as `Retry-After` says, which is more often while a batch is young. Send the `ETag` of the last response as `If-None-Match`: if nothing has changed, the response is a 304 without a body. " +
			fmt.Sprintf("With `waitSeconds`, the response comes as soon as something changes. At most %d requests of your lender can wait at the same time. "+
				"Polling one batch more than %d times per second gets a 429.", fairuse.WaitPlaces, fairuse.Polls.PerSecond),
		Responses: map[string]*huma.Response{"304": {Headers: map[string]*huma.Header{
			"ETag":          {Description: "The batch's state, as in the 200.", Schema: &huma.Schema{Type: "string", Examples: []any{`"6a7d0c5b3e9f4a21"`}}},
			"Cache-Control": {Description: "private, no-cache, as in the 200.", Schema: &huma.Schema{Type: "string", Examples: []any{"private, no-cache"}}},
			"Retry-After":   {Description: "Seconds to wait before the next poll. Absent when the batch is terminal.", Schema: secondsSchema(), Example: 5},
		}}},
	}, reference{
		answers: map[string]string{"200": "The batch's status.", "304": "The batch still matches the ETag in If-None-Match. There is no body."},
		examples: func(*samples) ([]example, error) {
			return []example{
				{"200", "running", "In progress", batchBody(sampleBatch())},
				{"200", "finished", "Finished, and partly rerun", batchBody(sampleFinished())},
			}, nil
		},
	}, a.poll)
}

// poll reads the batch once and, if the caller wants to wait and the batch has not
// changed, every second until it does.
func (a *API) poll(ctx context.Context, in *pollInput) (*pollOutput, error) {
	id, err := inquiry.ParseBatchID(in.BatchID)
	if err != nil {
		return nil, err
	}
	if err := a.takePollToken(ctx, id); err != nil {
		return nil, err
	}
	out, err := a.pollOnce(ctx, id)
	if err != nil {
		return nil, err
	}
	known := in.IfNoneMatch
	if known == "" {
		known = out.ETag
	}
	if in.WaitSeconds > 0 && out.unchanged(known) {
		if out, err = a.awaitChange(ctx, id, in.WaitSeconds, known, out); err != nil {
			return nil, err
		}
	}
	if matches(in.IfNoneMatch, out.ETag) {
		out.Status = http.StatusNotModified
	}
	return out, nil
}

// unchanged reports whether a caller that knows these ETags can wait for a change.
func (out *pollOutput) unchanged(known string) bool {
	return !out.Body.IsTerminal && matches(known, out.ETag)
}

// waitLease is how long a wait keeps its place if nobody ends it. No function lives
// longer, so a place is never given away while its wait goes on.
const waitLease = deployment.APITimeout

// awaitChange reads the batch every second until it changes or the time is up. A lender
// that has no place left does not wait: the answer is the last state.
func (a *API) awaitChange(ctx context.Context, id inquiry.BatchID, seconds int, known string, last *pollOutput) (*pollOutput, error) {
	request := requestOf(ctx)
	end, left, err := a.Batches.BeginWait(ctx, request.Caller.LenderID, fairuse.WaitPlaces, waitLease)
	if errors.Is(err, inquiry.ErrTooManyWaits) {
		request.limits.addWaits(0)
		return last, nil
	}
	if err != nil {
		return nil, err
	}
	request.limits.addWaits(left)
	defer func() {
		// The request's own time may be over.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
		defer cancel()
		if err := end(ctx); err != nil {
			a.Log.WarnContext(ctx, "the place is taken until its lease is over", "requestId", request.ID, "err", err)
		}
	}()
	for range seconds {
		if err := a.pause(ctx, pollEvery); err != nil {
			break // out of time: answer with the last state
		}
		if last, err = a.pollOnce(ctx, id); err != nil {
			return nil, err
		}
		if !last.unchanged(known) {
			break
		}
	}
	return last, nil
}

// endTime limits the call that gives a place back. The function has a second left when
// the time of a request is over.
const endTime = time.Second / 2

// pollOnce reads the batch once and returns the answer.
func (a *API) pollOnce(ctx context.Context, id inquiry.BatchID) (*pollOutput, error) {
	batch, err := a.Batches.Batch(ctx, requestOf(ctx).Caller.LenderID, id)
	if err != nil {
		return nil, err
	}
	body := batchBody(batch)
	content, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	out := &pollOutput{Status: http.StatusOK, ETag: etagOf(content), CacheControl: "private, no-cache", Body: body}
	if !body.IsTerminal {
		out.RetryAfter = retryAfter(batch, a.Now())
	}
	return out, nil
}

// etagOf returns an ETag made from an answer's content. A batch's version is
// unsuitable: it also changes with writes that the body does not show, such as a sweep's,
// and those must not end a long poll.
func etagOf(content []byte) string {
	sum := sha256.Sum256(content)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// matches reports whether an If-None-Match header names the ETag.
func matches(header, tag string) bool {
	for listed := range strings.SplitSeq(header, ",") {
		listed = strings.TrimPrefix(strings.TrimSpace(listed), "W/")
		if listed == tag || listed == "*" {
			return true
		}
	}
	return false
}

// retryAfter returns the recommended pause in seconds: short while a batch is young
// and changes every second, half a minute when it runs long, and never beyond the
// batch's estimated end.
func retryAfter(b inquiry.Batch, now time.Time) string {
	wait := usualPause
	switch age := now.Sub(b.CreatedAt()); {
	case age < 30*time.Second:
		wait = shortestPause
	case age < 2*time.Minute:
		wait = 5
	case age < 10*time.Minute:
		wait = 15
	}
	if earliest, latest, ok := b.Estimate(); ok {
		for _, end := range []time.Time{earliest, latest} {
			if left := end.Sub(now); left > 0 {
				wait = min(wait, max(int(math.Ceil(left.Seconds())), shortestPause))
				break
			}
		}
	}
	return strconv.Itoa(wait)
}

const (
	shortestPause = 2  // the shortest recommended pause, in seconds
	usualPause    = 30 // the pause that the reference recommends, in seconds
)

// pause waits for d, or until ctx ends.
func (a *API) pause(ctx context.Context, d time.Duration) error {
	if a.Pause != nil {
		return a.Pause(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
