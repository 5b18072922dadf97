package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

type pollInput struct {
	BatchPath
	WaitSeconds int    `query:"waitSeconds" minimum:"0" maximum:"20" default:"0" doc:"Answer as soon as the batch has changed, and after this many seconds at the latest. What it has changed from is what If-None-Match names or, without one, how it stands when the request comes. A batch that is terminal is answered at once." example:"20"`
	IfNoneMatch string `header:"If-None-Match" doc:"ETags that you have. If one is still the batch's, the answer is 304 without a body." example:"\"6a7d0c5b3e9f4a21\""`
}

type pollOutput struct {
	Status       int
	ETag         string `header:"ETag" doc:"Names this state of the batch, whoever asks for it: strong, the same for every credential of your lender." example:"\"6a7d0c5b3e9f4a21\""`
	RetryAfter   string `header:"Retry-After" doc:"For how many seconds to wait before the next poll: 2 in the first half minute, then 5, 15 after two minutes and 30 after ten, but no longer than until the batch may be finished. Absent when the batch is terminal." example:"5"`
	CacheControl string `header:"Cache-Control" doc:"private, no-cache: keep it if you like, and ask each time whether it still holds." example:"private, no-cache"`
	Body         BatchBody
}

// pollEvery is the pause between two looks at a batch that a request waits for.
// A wait of the longest kind costs 21 reads of half a unit, and a function that
// stands by for 20 seconds: for many watchers, polling as Retry-After says is
// the cheaper way.
const pollEvery = time.Second

func (a *API) registerPolling(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "get-batch", Method: http.MethodGet, Path: "/v1/batch-inquiries/{batch_id}", Summary: "Get a batch's status",
		Description: "How far the batch has come. The six counters sum to `total` in every answer, and once `isTerminal` is true, status and counters never change again. A rerun still adds to `childBatchIds`, and a deletion sets `deletedAt` and takes name and metadata away.\n\n" +
			"Poll every 30 seconds, or as `Retry-After` says, which is shorter while a batch is young. Send the `ETag` that you have as `If-None-Match`, and nothing new is a 304 without a body. " +
			fmt.Sprintf("With `waitSeconds` the answer comes when something has changed. Polling one batch more than %d times a second is answered with 429.", fairuse.Polls.PerSecond),
		Responses: map[string]*huma.Response{"304": {Description: "The batch is as the ETag in If-None-Match says.", Headers: map[string]*huma.Header{
			"ETag":          {Description: "The batch's state, as in the 200.", Schema: &huma.Schema{Type: "string", Examples: []any{`"6a7d0c5b3e9f4a21"`}}},
			"Cache-Control": {Description: "private, no-cache, as in the 200.", Schema: &huma.Schema{Type: "string", Examples: []any{"private, no-cache"}}},
			"Retry-After":   {Description: "For how many seconds to wait before the next poll. Absent when the batch is terminal.", Schema: secondsSchema(), Example: 5},
		}}},
	}, func(ctx context.Context, in *pollInput) (*pollOutput, error) {
		out, err := a.poll(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

// poll reads the batch once, and again every second while the caller waits and
// nothing has changed.
func (a *API) poll(ctx context.Context, in *pollInput) (*pollOutput, error) {
	id, err := inquiry.ParseBatchID(in.BatchID)
	if err != nil {
		return nil, err
	}
	if err := a.admitPoll(ctx, id); err != nil {
		return nil, err
	}
	out, err := a.look(ctx, id)
	if err != nil {
		return nil, err
	}
	known := in.IfNoneMatch
	if known == "" {
		known = out.ETag
	}
	for range in.WaitSeconds {
		if out.Body.IsTerminal || !matches(known, out.ETag) {
			break
		}
		if err := a.pause(ctx, pollEvery); err != nil {
			break // the time is up: what we have is the answer
		}
		if out, err = a.look(ctx, id); err != nil {
			return nil, err
		}
	}
	if matches(in.IfNoneMatch, out.ETag) {
		out.Status = http.StatusNotModified
	}
	return out, nil
}

// look is one read, and its answer.
func (a *API) look(ctx context.Context, id inquiry.BatchID) (*pollOutput, error) {
	batch, err := a.Batches.Batch(ctx, requestOf(ctx).Caller.LenderID, id)
	if err != nil {
		return nil, err
	}
	body := batchBody(batch)
	tag, err := etagOf(body)
	if err != nil {
		return nil, err
	}
	out := &pollOutput{Status: http.StatusOK, ETag: tag, CacheControl: "private, no-cache", Body: body}
	if !body.IsTerminal {
		out.RetryAfter = retryAfter(batch, a.Now())
	}
	return out, nil
}

// etagOf names a body by its content. The header's version would do but for
// writes that nobody sees, such as a sweep's, which must not wake who waits.
func etagOf(body any) (string, error) {
	content, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return `"` + hex.EncodeToString(sum[:8]) + `"`, nil
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

// retryAfter is how many seconds a client should wait: little while a batch is
// young and moves from second to second, half a minute when it runs long, and no
// longer than until the batch is expected to be finished.
func retryAfter(b inquiry.Batch, now time.Time) string {
	wait := slowest
	switch age := now.Sub(b.CreatedAt()); {
	case age < 30*time.Second:
		wait = soonest
	case age < 2*time.Minute:
		wait = 5
	case age < 10*time.Minute:
		wait = 15
	}
	if earliest, latest, ok := b.Estimate(); ok {
		for _, end := range []time.Time{earliest, latest} {
			if left := end.Sub(now); left > 0 {
				wait = min(wait, max(int(math.Ceil(left.Seconds())), soonest))
				break
			}
		}
	}
	return strconv.Itoa(wait)
}

// soonest is the shortest pause, in seconds, that is recommended.
const soonest = 2

// slowest is the pause that the reference recommends, in seconds.
const slowest = 30

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
