// Package fairuse limits how much of the service one lender may use, so that no
// lender takes another's share. There are four limits:
//
//   - The rate of requests. API Gateway enforces it before any function runs, for all
//     credentials of a lender together; AWS calls that best effort. Each running
//     function also counts it in memory, which costs nothing and can report how much
//     is left.
//   - The rate of polls, which each running function counts in memory.
//   - The number of requests that wait at the same time. It is exact: package store keeps
//     a place in the table for each of them.
//   - The number of open inquiries. It is exact: package store counts it in the
//     transactions that open and finish a batch.
//
// A lender who keeps to the two rates is never rejected by the counts in memory. One
// who exceeds them gets that rate from each running function.
package fairuse

import "fmt"

// Limit is a token bucket: Burst requests at once, refilled by PerSecond tokens per
// second.
type Limit struct {
	Name      string // in the RateLimit headers
	PerSecond int
	Burst     int
}

var (
	// Requests limits all requests of one lender.
	Requests = Limit{Name: "requests", PerSecond: 20, Burst: 100}

	// Polls limits the requests for the status of one batch.
	Polls = Limit{Name: "polls", PerSecond: 2, Burst: 20}
)

// A request takes one token of Requests. One that reads many rows takes one for every 50
// of them, because that is what it costs the table.
const (
	rowsPerToken = 50

	// MaxTokens is the most that one request takes. It leaves half a bucket for others.
	MaxTokens = 50
)

// Tokens returns how many tokens of Requests a request takes that reads this many rows.
func Tokens(rows int) int {
	return min(max((rows+rowsPerToken-1)/rowsPerToken, 1), MaxTokens)
}

// WaitPlaces is how many requests of one lender may wait for a change at the same time.
// Each keeps a function busy.
const WaitPlaces = 10

// Waits names this limit in the RateLimit headers.
const Waits = "waits"

// OpenInquiries names the limit on a lender's open inquiries in the RateLimit headers.
const OpenInquiries = "open-inquiries"

// Policy returns the limit in the form of the RateLimit-Policy header.
// datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers
func (l Limit) Policy() string { return fmt.Sprintf(`"%s";q=%d;w=%d`, l.Name, l.Burst, l.Window()) }

// Empty returns the state of an empty bucket.
func (l Limit) Empty() State { return State{Limit: l, Full: l.Window(), Wait: l.refill(1)} }

// Window returns the seconds that an empty bucket takes to become full.
func (l Limit) Window() int { return l.refill(l.Burst) }

// refill returns the seconds that it takes to refill this many tokens.
func (l Limit) refill(tokens int) int { return (tokens + l.PerSecond - 1) / l.PerSecond }
