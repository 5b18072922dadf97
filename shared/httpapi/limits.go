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

// limits are what the RateLimit headers of one answer say.
type limits struct{ policies, states []string }

// bucket adds how a token bucket stands.
func (l *limits) bucket(s fairuse.State) {
	l.policies = append(l.policies, s.Policy())
	l.states = append(l.states, s.String())
}

// room adds how many more inquiries a lender may have open. When there is more
// room nobody knows, so there is no time.
func (l *limits) room(most, left int) {
	l.policies = append(l.policies, fmt.Sprintf(`"%s";q=%d;qu="inquiries"`, fairuse.OpenInquiries, most))
	l.states = append(l.states, fmt.Sprintf(`"%s";r=%d`, fairuse.OpenInquiries, max(left, 0)))
}

func (l *limits) write(h http.Header) {
	if l == nil || len(l.policies) == 0 {
		return
	}
	h.Set(headerRateLimitPolicy, strings.Join(l.policies, ", "))
	h.Set(headerRateLimit, strings.Join(l.states, ", "))
}

// admit takes a token for a request of the caller's lender. What it costs is a
// look into this process's memory.
func (a *API) admit(r Request, now time.Time) *Problem {
	if r.Caller.LenderID == "" {
		return nil // the reference, or OPTIONS
	}
	s := a.requests.Take(string(r.Caller.LenderID), now)
	r.limits.bucket(s)
	if s.Wait == 0 {
		return nil
	}
	return tooFast(s)
}

func tooFast(s fairuse.State) *Problem {
	return rateLimited(s.Wait, fmt.Sprintf("Your lender may send %d requests at once and %d a second after that.", s.Burst, s.PerSecond))
}

// admitPoll takes a token for a look at one batch.
func (a *API) admitPoll(ctx context.Context, id inquiry.BatchID) error {
	r := requestOf(ctx)
	s := a.polls.Take(string(r.Caller.LenderID)+"/"+id.String(), a.Now())
	r.limits.bucket(s)
	if s.Wait == 0 {
		return nil
	}
	return rateLimited(s.Wait, fmt.Sprintf("This batch is polled more than %d times a second. "+
		"Poll as often as Retry-After says, or with waitSeconds, which answers as soon as something has changed.", s.PerSecond))
}

func rateLimited(wait int, detail string) *Problem {
	p := newProblem(http.StatusTooManyRequests, problem.RateLimited, detail)
	p.wait = wait
	return p
}

// noRoom is the answer to a submission for which the lender has too many open
// inquiries: how many they are, and when there may be room.
func (a *API) noRoom(ctx context.Context, id inquiry.LenderID, total int) error {
	lender, err := a.Batches.Lender(ctx, id)
	if err != nil {
		return err
	}
	page, err := a.Batches.ListBatches(ctx, id, inquiry.BatchQuery{Limit: 20})
	if err != nil {
		return err
	}
	requestOf(ctx).limits.room(lender.OpenMax, lender.Room())
	return tooManyOpen(lender, total, roomIn(page.Batches, total-lender.Room(), a.Now()))
}

func tooManyOpen(lender inquiry.Lender, total, wait int) *Problem {
	p := newProblem(http.StatusTooManyRequests, "too-many-open", fmt.Sprintf(
		"Your lender has %d inquiries in unfinished batches and may have %d, so %d more do not fit. Wait until batches finish, or cancel one.",
		lender.Open, lender.OpenMax, total))
	p.wait = wait
	return p
}

// longestWait is the longest that a lender without room is asked to wait, in
// seconds.
const longestWait = 300

// roomIn is in how many seconds so many inquiries may be finished, as far as the
// batches can be estimated. Half a minute is what is said when they cannot.
func roomIn(batches []inquiry.Batch, need int, now time.Time) int {
	type end struct {
		at    time.Time
		total int
	}
	var ends []end
	for _, b := range batches {
		if _, latest, ok := b.Estimate(); ok {
			ends = append(ends, end{latest, b.Total})
		}
	}
	slices.SortFunc(ends, func(a, b end) int { return cmp.Or(a.at.Compare(b.at), a.total-b.total) })
	for _, e := range ends {
		if need -= e.total; need <= 0 {
			return min(max(int(e.at.Sub(now).Seconds())+1, soonest), longestWait)
		}
	}
	return slowest
}
