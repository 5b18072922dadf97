package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// defaultTries bounds how often a call is sent, the first time included.
	defaultTries = 5

	// tryTimeout bounds one try, from dialling to the last byte of the answer.
	tryTimeout = time.Minute

	// pollTimeout bounds one look at a batch, beyond the time that the API was
	// asked to wait.
	pollTimeout = 10 * time.Second

	// firstPause is the mean pause before a second try. A pause is never shorter
	// than half of it.
	firstPause = time.Second

	// maxAsked is the longest Retry-After that a call waits for by itself; a
	// longer one is the caller's to plan with.
	maxAsked = 2 * time.Minute
)

// Client calls the API with one credential. It may be used by many goroutines
// at once, and shows its credential to nobody.
type Client struct {
	base       string
	credential string
	http       *http.Client
	tries      uint
	poll       time.Duration // 0: as the API says
	longPoll   bool
	onRetry    func(err error, wait time.Duration)

	// reached is set once the API has answered: its address is right, and an
	// outage is worth waiting out.
	reached *atomic.Bool
}

// Option changes how a [Client] works.
type Option func(*Client)

// WithHTTPClient sends requests through h, for proxies, certificates or tests.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithTries sends a call n times at the most; 1 never sends one again. The
// default is 5. [Client.Watch] and [Client.Wait] are bounded by it only until the
// API has answered this client once.
func WithTries(n uint) Option { return func(c *Client) { c.tries = max(n, 1) } }

// WithPollInterval makes [Client.Watch] and [Client.Wait] ask for a batch's
// status every d, instead of when the API suggests. A shorter interval than half
// a second is taken for half a second, which is as often as the API answers.
func WithPollInterval(d time.Duration) Option {
	return func(c *Client) { c.poll = max(d, shortestPoll) }
}

// WithLongPoll makes [Client.Watch] and [Client.Wait] hear of a change within a
// second or two, for a person who looks on: the API holds each question back
// until there is something new. That costs it more than being asked now and
// then, so programs that can wait should do without.
func WithLongPoll() Option { return func(c *Client) { c.longPoll = true } }

// WithOnRetry calls f before each pause after a try that failed.
func WithOnRetry(f func(err error, wait time.Duration)) Option {
	return func(c *Client) { c.onRetry = f }
}

// New returns a client of the API at baseURL, which is what stands before /v1 in
// its addresses; with /v1 at its end it is taken for the same. The credential is an API key (vd__…) or a Cognito token.
func New(baseURL, credential string, options ...Option) (*Client, error) {
	base, err := url.Parse(baseURL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, errors.New("the API's address must look like https://host/path") // not quoted: it may hold a password
	}
	if credential == "" || strings.ContainsFunc(credential, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("an API key is needed, without blanks or line ends around it")
	}
	c := &Client{
		base:       strings.TrimSuffix(strings.TrimRight(baseURL, "/"), "/v1"),
		credential: credential,
		http:       &http.Client{},
		tries:      defaultTries,
		onRetry:    func(error, time.Duration) {},
		reached:    new(atomic.Bool),
	}
	for _, set := range options {
		set(c)
	}
	// No answer of the API sends the credential to another address.
	stays := *c.http
	stays.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &stays
	return c, nil
}

// BaseURL is the address of the API: what stands before /v1.
func (c *Client) BaseURL() string { return c.base }

func (c *Client) String() string       { return "client of " + c.base }
func (c *Client) GoString() string     { return c.String() }
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// request is one call, which may take several tries.
type request struct {
	method string
	path   string
	query  url.Values
	header map[string]string
	body   []byte        // nil: none
	within time.Duration // bounds one try; 0 is tryTimeout
}

// answer is what the API said, when it did not refuse.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// foreign is an answer that is no refusal and not the API's either, such as the
// page by which a hotel's network asks for a password. Time does not mend it.
type foreign string

func (f foreign) Error() string { return string(f) }

// elsewhere is the error of an answer that points to another address.
func elsewhere(r request, status int, header http.Header) error {
	return foreign(fmt.Sprintf("%s %s: %d: the API is at another address: %s", r.method, r.path, status, header.Get("Location")))
}

// notOurs is the error of an answer that is something else than was asked for.
func notOurs(r request, what string) error {
	return foreign(fmt.Sprintf("%s %s: the answer is not what this API sends (is the address right?): %s", r.method, r.path, what))
}

// read reads an answer. ours reports whether it is about what was asked, for any
// JSON reads as an empty T.
func read[T any](c *Client, r request, a *answer, ours func(*T) bool) (*T, error) {
	if a.status >= http.StatusMultipleChoices {
		return nil, elsewhere(r, a.status, a.header)
	}
	out := new(T)
	if err := json.Unmarshal(a.body, out); err != nil {
		return nil, notOurs(r, err.Error())
	}
	if !ours(out) {
		return nil, notOurs(r, "what was asked for is not in it")
	}
	c.reached.Store(true)
	return out, nil
}

// call sends a request and reads the answer.
func call[T any](ctx context.Context, c *Client, r request, ours func(*T) bool) (*T, *answer, error) {
	a, err := c.send(ctx, r, c.tries)
	if err != nil {
		return nil, nil, err
	}
	out, err := read(c, r, a, ours)
	return out, a, err
}

// get is the request for what is at path.
func get(path string, query url.Values) request {
	return request{method: http.MethodGet, path: path, query: query}
}

// post is the request that sends body under one idempotency key, which is the
// same for all tries.
func post(path, key string, body []byte) request {
	if key == "" {
		key = rand.Text()
	}
	return request{method: http.MethodPost, path: path, body: body, header: map[string]string{"Idempotency-Key": key}}
}

// send makes as many tries as it takes, up to the number given.
func (c *Client) send(ctx context.Context, r request, tries uint) (*answer, error) {
	return retry(ctx, c, tries, func() (*answer, error) { return c.try(ctx, r) })
}

// retry calls try until it succeeds, up to the number given; 0 is no limit. A
// call without a limit waits as long as the API asks for, too.
func retry[T any](ctx context.Context, c *Client, tries uint, try func() (T, error)) (T, error) {
	exponential := backoff.NewExponentialBackOff()
	exponential.InitialInterval = firstPause
	p := &pace{exponential: exponential}
	if tries != 0 {
		p.longest = maxAsked
	}
	out, err := backoff.Retry(ctx, func() (T, error) {
		out, err := try()
		p.last = err
		if err != nil && !temporary(err) {
			return out, backoff.Permanent(err)
		}
		return out, err
	}, backoff.WithBackOff(p), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0), backoff.WithNotify(c.onRetry))
	if err != nil && ctx.Err() != nil && !errors.Is(p.last, err) {
		return out, fmt.Errorf("%w; the last try: %w", err, p.last)
	}
	return out, err
}

// slow is the error of a try that took so long. It looks like any other error of
// the connection.
func (c *Client) slow(r request, within time.Duration) error {
	return &url.Error{Op: r.method, URL: c.base + r.path, Err: fmt.Errorf("no answer within %s", within)}
}

// try sends the request once and reads the whole answer, if it comes in time.
func (c *Client) try(ctx context.Context, r request) (*answer, error) {
	within := cmp.Or(r.within, tryTimeout)
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	a, err := c.exchange(limited, r)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, c.slow(r, within)
	}
	return a, err
}

func (c *Client) exchange(ctx context.Context, r request) (*answer, error) {
	resp, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: reading the answer: %w", r.method, r.path, err)
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// do sends the request once. What it returns is no refusal.
func (c *Client) do(ctx context.Context, r request) (*http.Response, error) {
	address := c.base + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.credential)
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, fmt.Errorf("%s %s: reading the answer: %w", r.method, r.path, err)
		}
		return nil, problemOf(resp, body)
	}
	return resp, nil
}

// temporary reports whether the same request may succeed later. An error that
// is not of an answer is of the connection.
func temporary(err error) bool {
	if _, ok := errors.AsType[foreign](err); ok {
		return false
	}
	p, ok := errors.AsType[*Problem](err)
	return !ok || p.Temporary()
}

// pace says how long to wait before the next try: longer each time, with jitter,
// and no less than the API asked for.
type pace struct {
	exponential backoff.BackOff
	last        error         // of the try before
	longest     time.Duration // a call that is asked to wait longer ends; 0 is no limit
}

func (p *pace) Reset() { p.exponential.Reset() }

func (p *pace) NextBackOff() time.Duration {
	wait := p.exponential.NextBackOff()
	problem, ok := errors.AsType[*Problem](p.last)
	if !ok {
		return wait
	}
	if p.longest > 0 && problem.RetryAfter > p.longest {
		return backoff.Stop
	}
	return max(wait, problem.RetryAfter)
}
