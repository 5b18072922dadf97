package client

import (
	"bytes"
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
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// defaultTries bounds how often a call is sent, the first time included.
	defaultTries = 5

	// tryTimeout bounds one try, from dialling to the last byte of the answer.
	tryTimeout = time.Minute

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
}

// Option changes how a [Client] works.
type Option func(*Client)

// WithHTTPClient sends requests through h, for proxies, certificates or tests.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithTries sends a call n times at the most; 1 never sends one again. The
// default is 5. [Client.Watch] and [Client.Wait] are not bounded by it.
func WithTries(n uint) Option { return func(c *Client) { c.tries = max(n, 1) } }

// WithPollInterval makes [Client.Watch] and [Client.Wait] ask for a batch's
// status every d, instead of when the API suggests.
func WithPollInterval(d time.Duration) Option { return func(c *Client) { c.poll = d } }

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
// its addresses. The credential is an API key (vd__…) or a Cognito token.
func New(baseURL, credential string, options ...Option) (*Client, error) {
	base, err := url.Parse(baseURL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, errors.New("the API's address must look like https://host/path") // not quoted: it may hold a password
	}
	if credential == "" || strings.ContainsFunc(credential, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("an API key is needed, without blanks or line ends around it")
	}
	c := &Client{
		base:       strings.TrimRight(baseURL, "/"),
		credential: credential,
		http:       &http.Client{},
		tries:      defaultTries,
		onRetry:    func(error, time.Duration) {},
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

// BaseURL is the address of the API, without a slash at its end.
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
	body   []byte // nil: none
}

// answer is what the API said, when it did not refuse.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// decode reads the answer into out.
func (a *answer) decode(r request, out any) error {
	if a.status >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %d: the API is at another address: %s", r.method, r.path, a.status, a.header.Get("Location"))
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return fmt.Errorf("%s %s: the answer is not what this API sends (is the address right?): %w", r.method, r.path, err)
	}
	return nil
}

// get asks for what is at path.
func (c *Client) get(ctx context.Context, path string, query url.Values, out any) error {
	r := request{method: http.MethodGet, path: path, query: query}
	a, err := c.send(ctx, r, c.tries)
	if err != nil {
		return err
	}
	return a.decode(r, out)
}

// post sends body under one idempotency key, which is the same for all tries.
func (c *Client) post(ctx context.Context, path, key string, body []byte, out any) (*answer, error) {
	if key == "" {
		key = rand.Text()
	}
	r := request{method: http.MethodPost, path: path, body: body, header: map[string]string{"Idempotency-Key": key}}
	a, err := c.send(ctx, r, c.tries)
	if err != nil {
		return nil, err
	}
	return a, a.decode(r, out)
}

// send makes as many tries as it takes, up to the number given.
func (c *Client) send(ctx context.Context, r request, tries uint) (*answer, error) {
	return retry(ctx, c, tries, func() (*answer, error) { return c.try(ctx, r) })
}

// retry calls try until it succeeds, up to the number given; 0 is no limit. A
// call without a limit waits as long as the API asks for, too.
func retry[T any](ctx context.Context, c *Client, tries uint, try func() (T, error)) (T, error) {
	p := &pace{exponential: backoff.NewExponentialBackOff()}
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

// try sends the request once and reads the whole answer.
func (c *Client) try(ctx context.Context, r request) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
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
// is not the API's is of the connection.
func temporary(err error) bool {
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
