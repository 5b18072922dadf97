// Package fairuse is how much of the service one lender may take, so that none
// takes another's share.
//
// There are three limits. The rate of a lender's requests is bounded by API
// Gateway, for all of the lender's credentials together, before any function
// runs; AWS calls that best effort. The same rate and the rate of polls are also
// counted in each running function's memory, which costs nothing and can say how
// much is left: a lender who keeps to them is never refused, and one who does not
// may get as many times more as functions run at once. How many inquiries a
// lender may have open is exact, and counted by package store with the
// transactions that open and finish a batch.
package fairuse

import "fmt"

// Limit is a token bucket: so many requests in an instant, after which they
// come back at so many a second.
type Limit struct {
	Name      string // in the RateLimit headers
	PerSecond int
	Burst     int
}

var (
	// Requests of one lender, whatever they ask for.
	Requests = Limit{Name: "requests", PerSecond: 20, Burst: 100}

	// Polls of one batch's status.
	Polls = Limit{Name: "polls", PerSecond: 2, Burst: 20}
)

// OpenInquiries names the limit on a lender's open inquiries in the RateLimit headers.
const OpenInquiries = "open-inquiries"

// Policy is the limit as the RateLimit-Policy header has it.
// datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers
func (l Limit) Policy() string { return fmt.Sprintf(`"%s";q=%d;w=%d`, l.Name, l.Burst, l.Window()) }

// Empty is how an empty bucket stands.
func (l Limit) Empty() State { return State{Limit: l, Full: l.Window(), Wait: l.refill(1)} }

// Window is how many seconds it takes for an empty bucket to be full again.
func (l Limit) Window() int { return l.refill(l.Burst) }

// refill is how many seconds it takes for so many tokens to come back.
func (l Limit) refill(tokens int) int { return (tokens + l.PerSecond - 1) / l.PerSecond }
