package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// limits is the content of one answer's RateLimit headers.
type limits struct{ policies, states []string }

// addBucket adds the state of a token bucket, in place of an earlier one.
func (l *limits) addBucket(s fairuse.State) {
	if i := slices.Index(l.policies, s.Policy()); i >= 0 {
		l.states[i] = s.String()
		return
	}
	l.policies = append(l.policies, s.Policy())
	l.states = append(l.states, s.String())
}

// addRoom adds how many more open inquiries a lender may have. There is no reset time,
// because nobody knows when batches will finish.
func (l *limits) addRoom(most, left int) {
	l.policies = append(l.policies, fmt.Sprintf(`"%s";q=%d;qu="inquiries"`, fairuse.OpenInquiries, most))
	l.states = append(l.states, fmt.Sprintf(`"%s";r=%d`, fairuse.OpenInquiries, max(left, 0)))
}

// addWaits adds how many more requests of a lender may wait at the same time.
func (l *limits) addWaits(left int) {
	l.policies = append(l.policies, fmt.Sprintf(`"%s";q=%d;qu="concurrent-requests"`, fairuse.Waits, fairuse.WaitPlaces))
	l.states = append(l.states, fmt.Sprintf(`"%s";r=%d`, fairuse.Waits, left))
}

func (l *limits) write(h http.Header) {
	if l == nil || len(l.policies) == 0 {
		return
	}
	h.Set(headerRateLimitPolicy, strings.Join(l.policies, ", "))
	h.Set(headerRateLimit, strings.Join(l.states, ", "))
}

// takeToken takes a token for a request of the caller's lender, or returns a problem if
// there is none. It only reads this process's memory.
func (a *API) takeToken(r Request, now time.Time) *Problem {
	if r.Caller.LenderID == "" {
		return nil // the reference, or OPTIONS
	}
	s := a.requests.Take(string(r.Caller.LenderID), now)
	r.limits.addBucket(s)
	if s.Wait == 0 {
		return nil
	}
	return tooFast(s)
}

// takeRowTokens takes the further tokens of a request that reads this many rows.
func (a *API) takeRowTokens(ctx context.Context, rows int) error {
	tokens := fairuse.Tokens(rows)
	if tokens == 1 {
		return nil
	}
	r := requestOf(ctx)
	s := a.requests.TakeMore(string(r.Caller.LenderID), a.Now(), tokens-1)
	r.limits.addBucket(s)
	if s.Wait == 0 {
		return nil
	}
	return rateLimited(s.Wait, fmt.Sprintf("This request counts as %d requests, because it reads %d rows. "+
		"Your lender can send a burst of %d requests and then %d per second.", tokens, rows, s.Burst, s.PerSecond))
}

// batchCost is part of the description of every route that uses takeBatchTokens.
var batchCost = fmt.Sprintf("The request counts as one for every 50 inquiries of the batch, but as at most %d.", fairuse.MaxTokens)

// takeBatchTokens takes the further tokens of a request that reads all inquiries of a
// batch.
func (a *API) takeBatchTokens(ctx context.Context, id inquiry.BatchID) error {
	batch, err := a.Batches.Batch(ctx, requestOf(ctx).Caller.LenderID, id)
	if err != nil {
		return err
	}
	return a.takeRowTokens(ctx, batch.Total)
}

func tooFast(s fairuse.State) *Problem {
	return rateLimited(s.Wait, fmt.Sprintf("Your lender can send a burst of %d requests and then %d per second.", s.Burst, s.PerSecond))
}

// takePollToken takes a token for a poll of one batch.
func (a *API) takePollToken(ctx context.Context, id inquiry.BatchID) error {
	r := requestOf(ctx)
	s := a.polls.Take(string(r.Caller.LenderID)+"/"+id.String(), a.Now())
	r.limits.addBucket(s)
	if s.Wait == 0 {
		return nil
	}
	return rateLimited(s.Wait, fmt.Sprintf("You are polling this batch more than %d times per second. "+
		"Poll only as often as Retry-After says, or use waitSeconds, which returns as soon as something changes.", s.PerSecond))
}

func rateLimited(wait int, detail string) *Problem {
	p := newProblem(problem.RateLimited, detail)
	p.wait = wait
	return p
}

// noRoom returns the problem of a submission that exceeds the lender's limit of open
// inquiries: how many there are, and when there may be room.
func (a *API) noRoom(ctx context.Context, id inquiry.LenderID, total int) error {
	lender, err := a.Batches.Lender(ctx, id)
	if err != nil {
		return err
	}
	page, err := a.Batches.ListBatches(ctx, id, inquiry.BatchQuery{Limit: 20})
	if err != nil {
		return err
	}
	requestOf(ctx).limits.addRoom(lender.OpenMax, lender.Room())
	return tooManyOpen(lender, total, secondsToRoom(page.Batches, total-lender.Room(), a.Now()))
}

func tooManyOpen(lender inquiry.Lender, total, wait int) *Problem {
	p := newProblem(problem.TooManyOpen, fmt.Sprintf(
		"Your lender has %d inquiries in unfinished batches and can have at most %d, so there is no room for %d more. Wait until batches finish, or cancel one.",
		lender.Open, lender.OpenMax, total))
	p.wait = wait
	return p
}

// longestWait is the longest Retry-After of a lender without room, in seconds.
const longestWait = 300

// secondsToRoom estimates how many seconds it takes until batches with this many
// inquiries have finished. If there are no estimates, it returns the usual pause.
func secondsToRoom(batches []inquiry.Batch, need int, now time.Time) int {
	type estimate struct {
		at    time.Time
		total int
	}
	var ends []estimate
	for _, b := range batches {
		if _, latest, ok := b.Estimate(); ok {
			ends = append(ends, estimate{latest, b.Total})
		}
	}
	slices.SortFunc(ends, func(a, b estimate) int { return cmp.Or(a.at.Compare(b.at), a.total-b.total) })
	for _, e := range ends {
		if need -= e.total; need <= 0 {
			return min(max(int(e.at.Sub(now).Seconds())+1, shortestPause), longestWait)
		}
	}
	return usualPause
}
