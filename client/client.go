package client

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Client calls the API with one credential, which it never prints or logs. It is
// safe for concurrent use.
type Client struct {
	base       string
	credential string
	http       *http.Client
	tries      uint
	pollEvery  time.Duration // 0: when the API suggests
	longPoll   bool
	onRetry    func(err error, wait time.Duration)

	// reached is set once the API has answered. Its address is then known to
	// be right, so Watch and Wait retry through any outage.
	reached *atomic.Bool
}

// Option changes how a [Client] works.
type Option func(*Client)

// WithHTTPClient sends requests through h, for proxies, certificates or tests.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithTries sends a call at most n times; 1 turns retries off. The default is 5.
// It limits [Client.Watch] and [Client.Wait] only until the API has answered this
// client for the first time.
func WithTries(n uint) Option { return func(c *Client) { c.tries = max(n, 1) } }

// WithPollInterval makes [Client.Watch] and [Client.Wait] poll a batch's status
// every d instead of when the API suggests. The shortest interval is half a
// second, because the API rejects more frequent polls.
func WithPollInterval(d time.Duration) Option {
	return func(c *Client) { c.pollEvery = max(d, shortestPoll) }
}

// WithLongPoll makes [Client.Watch] and [Client.Wait] notice a change within a
// second or two: the API holds each request open until something changes. Use it
// when a person is watching. It costs the API more than occasional polls, so
// programs that can wait should not use it.
func WithLongPoll() Option { return func(c *Client) { c.longPoll = true } }

// WithOnRetry calls f after each failed try that will be retried, before the
// pause.
func WithOnRetry(f func(err error, wait time.Duration)) Option {
	return func(c *Client) { c.onRetry = f }
}

// New returns a client of the API at baseURL, which is the part of the API's URLs
// before /v1. A /v1 at its end is ignored. It must start with https://, unless its
// host is this machine. The credential is an API key (vd__…) or a Cognito token.
func New(baseURL, credential string, options ...Option) (*Client, error) {
	base, err := url.Parse(baseURL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, errors.New("the API's address must look like https://host/path") // not quoted: it may contain a password
	}
	if base.Scheme == "http" && !isLoopback(base.Hostname()) {
		return nil, errors.New("the API's address must start with https://, because http:// would send the API key unencrypted; http:// is allowed only for this machine (localhost, 127.0.0.1 or [::1])")
	}
	if credential == "" {
		return nil, errors.New("the API key is empty")
	}
	if strings.ContainsFunc(credential, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the API key contains a space, a line break or another character that no key has")
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
	// A redirect must not send the credential to another address.
	noRedirects := *c.http
	noRedirects.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &noRedirects
	return c, nil
}

// isLoopback reports whether a host is this machine by its name or address. Other
// names are not looked up.
func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// BaseURL returns the address of the API, without /v1.
func (c *Client) BaseURL() string { return c.base }

func (c *Client) String() string       { return "client of " + c.base }
func (c *Client) GoString() string     { return c.String() }
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }
